/** A golden ticket: a TGT made with the TGS's stolen key. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { exchangeAtTgs, goldenTicket } from "./means/forgery.js";

/** The row. */
export const golden: Attack = {
  name: "golden",
  title: "A golden ticket: a TGT made with the TGS's stolen key",
  topic: "stolen keys",
  has: "the key of krbtgt, K_tgs, out of a backup of the KDC",
  lesson:
    "K_tgs is what makes a TGT a TGT: whoever has it is the AS. Mallory seals a TGT in alice's name, with " +
    "a session key of her choice, and the TGS gives her tickets for any service; no password was needed, " +
    "and the AS's log knows of no login. The seal is in order, so no check of it can tell. What ends it " +
    "is a new key (the attack golden-after-new-keys). What keeps it from happening: the key is random, " +
    "never leaves the KDC's database, and lies there under a master key that is not in the same file.",
  expected: everywhere("ALLOWED"),
  async run(realm, told) {
    const tgt = goldenTicket(realm);
    told(`mallory seals a TGT for ${tgt.client} under the stolen key, and takes it to the TGS`);
    return attempt("TGS", async () => {
      const credentials = await exchangeAtTgs(realm, tgt);
      return `the TGS gives her a ticket, and V takes her for ${await askWhoIAm(realm, credentials)}`;
    });
  },
};
