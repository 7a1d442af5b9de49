/**
 * A login in alice's name with a password of mallory's choice, at a KDC of mallory's (Zanarotti's attack).
 */
import { startLabRealm } from "../realm/lab-realm.js";
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";

/** The row. */
export const falseLogin: Attack = {
  name: "false-login",
  title: "A login as alice with mallory's password, at mallory's KDC",
  topic: "false servers and altered messages",
  has: "a seat at a computer that anybody may use, and the address at which it looks for the KDC",
  lesson:
    "A program that asks for name and password, logs in, and lets in whoever succeeds, has only learnt " +
    "that some KDC knows the same password. Mallory sets up a KDC with a principal alice and types the " +
    "password that she gave it (Zanarotti's attack). The login is in order, as far as the client can see. " +
    "But mallory's KDC does not know V's key: a ticket that it makes for V does not open there. So a login " +
    "proves something to the user alone; a service must see a ticket that it opens with its own key, and " +
    "that is all it should believe.",
  expected: everywhere(["KRB_AP_ERR_BAD_INTEGRITY", "V"]),
  async run(realm, told) {
    await using mallorys = await startLabRealm({
      scene: realm.scene,
      passwords: { alice: "as mallory likes" },
    });
    mallorys.turn(realm.now - mallorys.now);
    const { principal, password } = mallorys.users.alice;
    const client = realm.client({ kdc: mallorys.kdc });
    await client.login(principal, password);
    told(`mallory runs a KDC of a realm ${mallorys.realm}; a login as ${principal} succeeds there`);
    const credentials = await client.serviceTicket(realm.service);
    told("a program that stops here lets mallory in as alice; she goes on to V, with a ticket of her TGS");
    return await attempt("V", async () => `V takes mallory for ${await askWhoIAm(realm, credentials)}`);
  },
};
