/** Mallory's own ticket, with an authenticator in alice's name. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";

/** The row. */
export const otherName: Attack = {
  name: "other-name",
  title: "A ticket of one's own, with an authenticator in alice's name",
  topic: "tickets in the wrong hands",
  has: "an account of her own",
  lesson:
    "Mallory makes her authenticators herself, so she can write any name into them. But the name that " +
    "counts is the one in the ticket, where the KDC put it under V's key; the authenticator only has to " +
    "agree with it. A client can't alter its name, because it is not the client that says it: the ticket " +
    "does.",
  expected: everywhere(["KRB_AP_ERR_BADMATCH", "V"]),
  async run(realm, told) {
    const { alice, mallory } = realm.users;
    const client = realm.client();
    await client.login(mallory.principal, mallory.password);
    const credentials = await client.serviceTicket(realm.service);
    told(`mallory calls V with her own ticket; the authenticator says ${alice.principal}`);
    return attempt("V", async () => {
      const taken = await askWhoIAm(realm, { ...credentials, client: alice.principal });
      return `V takes mallory for ${taken}`;
    });
  },
};
