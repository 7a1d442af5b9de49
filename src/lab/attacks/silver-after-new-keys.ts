/** A silver ticket, shown after V was given a new key. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { silverTicket } from "./means/forgery.js";

/** The row. */
export const silverAfterNewKeys: Attack = {
  name: "silver-after-new-keys",
  title: "A silver ticket, after V was given a new key",
  topic: "stolen keys",
  has: "an old copy of V's keytab",
  lesson:
    "A new key in the database and in the keytab, without the old one, and tickets under the old one open " +
    "no more. Kept in the keytab, the old version goes on opening honest tickets until they end, and " +
    "forged ones too: after a theft it has to go at once. Clients notice a refusal, and get a new ticket " +
    "by themselves.",
  expected: everywhere(["KRB_AP_ERR_BADKEYVER", "V"]),
  async run(realm, told) {
    const ticket = silverTicket(realm);
    told(`mallory seals a ticket for ${ticket.client} under V's stolen key`);
    await realm.newKeys("service");
    told("the operator gives V a new key, and a keytab that holds no other; mallory calls V");
    return attempt("V", async () => `V takes mallory for ${await askWhoIAm(realm, ticket)}`);
  },
};
