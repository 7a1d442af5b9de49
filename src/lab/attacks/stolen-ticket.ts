/** Alice's ticket without its session key. */
import { randomKey } from "../../protocol/keys.js";
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { listenTo } from "./means/listening.js";

/** The row. */
export const stolenTicket: Attack = {
  name: "stolen-ticket",
  title: "Alice's ticket, without the session key that goes with it",
  topic: "tickets in the wrong hands",
  has: "what travels on the wire",
  lesson:
    "Tickets travel in clear in every call: anybody on the way has them. A ticket alone is worth nothing, " +
    "because it must come with an authenticator under its session key, which lies inside the ticket, " +
    "sealed for V, and inside the TGS's answer, sealed for alice. Mallory can make an authenticator under " +
    "some key; V takes the key from the ticket and can't open it.",
  expected: everywhere(["KRB_AP_ERR_BAD_INTEGRITY", "V"]),
  async run(realm, told) {
    const { heard, victim } = await listenTo(realm, realm.users.alice);
    told("mallory hears alice's ticket for V, and makes an authenticator under a key of her own");
    const key = randomKey(victim.credentials.key.etype);
    return attempt("V", async () => {
      const client = await askWhoIAm(realm, { ...victim.credentials, key, ticket: heard.ticket });
      return `V takes mallory for ${client}`;
    });
  },
};
