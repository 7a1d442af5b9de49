/** A golden ticket, shown after the TGS was given a new key. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { exchangeAtTgs, goldenTicket } from "./means/forgery.js";

/** The row. */
export const goldenAfterNewKeys: Attack = {
  name: "golden-after-new-keys",
  title: "A golden ticket, after the TGS was given a new key",
  topic: "stolen keys",
  has: "the key of krbtgt, K_tgs, out of an old backup of the KDC",
  lesson:
    "A new key for krbtgt, with the old one purged, ends every TGT under the old one, the forged and the " +
    "honest: all users log in again. Without purging, the old key goes on opening tickets for as long as " +
    "the longest honest one may live, and the forged ones with them. The commands are kadmin cpw -randkey " +
    "and kadmin purgekeys, both for krbtgt.",
  expected: everywhere(["KRB_AP_ERR_BADKEYVER", "TGS"]),
  async run(realm, told) {
    const tgt = goldenTicket(realm);
    told(`mallory seals a TGT for ${tgt.client} under the stolen key`);
    await realm.newKeys("krbtgt");
    told("the operator gives krbtgt a new key and purges the old one; mallory takes her TGT to the TGS");
    return attempt("TGS", async () => {
      const credentials = await exchangeAtTgs(realm, tgt);
      return `the TGS gives her a ticket, and V takes her for ${await askWhoIAm(realm, credentials)}`;
    });
  },
};
