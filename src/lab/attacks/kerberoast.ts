/** Kerberoasting: a ticket for a principal whose key is made from a password. */
import { type Attack, attempt, everywhere } from "./attack.js";

/** The row. */
export const kerberoast: Attack = {
  name: "kerberoast",
  title: "A ticket for alice, as if she were a service",
  topic: "passwords",
  has: "an account of her own",
  lesson:
    "Whoever is logged in may have a ticket for any service, sealed under the service's key. If that key " +
    "is made from a password, the ticket is something to guess on, at home and unnoticed (kerberoasting). " +
    "So a principal with a password is no service here: the TGS issues no ticket for it. Services have " +
    "random keys, which no list of words holds.",
  expected: everywhere(["KDC_ERR_MUST_USE_USER2USER", "TGS"]),
  async run(realm, told) {
    const { alice, mallory } = realm.users;
    const client = realm.client();
    await client.login(mallory.principal, mallory.password);
    told(`mallory logs in as herself and asks the TGS for a ticket for ${alice.principal}`);
    return attempt("TGS", async () => {
      const { ticket } = await client.serviceTicket(alice.principal);
      return `a ticket of ${ticket.length} bytes under alice's key, to try words on`;
    });
  },
};
