/** Encryption types struck off alice's list on the way to the AS. */
import { profileEtypes } from "../../client/client-etypes.js";
import { AuthenticateRequestSchema } from "../../gen/kerberos/v1/authentication_service_pb.js";
import { etypeText } from "../../protocol/etypes.js";
import { SCENES } from "../realm/scene.js";
import { type Attack, attempt } from "./attack.js";
import { alteredOnTheWay } from "./means/alteration.js";

/** The row. */
export const etypeStrip: Attack = {
  name: "etype-strip",
  title: "All but the weakest encryption type struck off alice's list",
  topic: "false servers and altered messages",
  has: "the wire between alice and the AS, on which she can alter messages",
  lesson:
    "The client says in clear which encryption types it accepts, before there is a key to protect the " +
    "list. Mallory strikes off all but the weakest, and the session key will be of that type, which is " +
    "easier to search for. So the KDC puts the list as it received it into the sealed part of its answer, " +
    "and a client that finds another list than it sent refuses the answer. In the profile standard it " +
    "does not get so far: alice's proof is under the type that was struck off, and the AS answers under " +
    "no type that the list lacks.",
  expected: {
    "textbook-ecb": ["KRB_AP_ERR_MODIFIED", "C"],
    textbook: ["KRB_AP_ERR_MODIFIED", "C"],
    standard: ["KDC_ERR_ETYPE_NOSUPP", "AS"],
  },
  async run(realm, told) {
    const { principal, password } = realm.users.alice;
    const own = SCENES[realm.scene].clientEtypes;
    const others = profileEtypes(realm.profile).permitted.filter((etype) => !own.permitted.includes(etype));
    const permitted = [...others, ...own.permitted];
    const weakest = permitted.at(-1)!;
    const { interceptor, answered } = alteredOnTheWay(
      "/Authenticate",
      AuthenticateRequestSchema,
      (request) => {
        request.etypes = [weakest];
      },
    );
    told(
      `alice's computer accepts ${permitted.map(etypeText).join(", ")}; mallory leaves ${etypeText(weakest)}`,
    );
    const client = realm.client({ etypes: { permitted, first: own.first }, interceptors: [interceptor] });
    const outcome = await attempt("AS", async () => {
      const { key } = await client.login(principal, password);
      return `alice uses a session key of type ${etypeText(key.etype.etype)}`;
    });
    // Where the AS answered, it was the client that refused.
    return outcome.verdict === "BLOCKED" && answered() ? { ...outcome, at: "C" } : outcome;
  },
};
