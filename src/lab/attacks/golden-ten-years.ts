/** A golden ticket that lives for ten years. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { exchangeAtTgs, goldenTicket } from "./means/forgery.js";

const TEN_YEARS = 10 * 366 * 86_400_000;

/** The row. */
export const goldenTenYears: Attack = {
  name: "golden-ten-years",
  title: "A golden ticket that lives for ten years",
  topic: "stolen keys",
  has: "the key of krbtgt, K_tgs, out of a backup of the KDC",
  lesson:
    "Forgers like long lives: one ticket for ever. A KDC that looks at lives only when it gives tickets " +
    "out would take it. This TGS looks again when a TGT is shown to it: one that lives longer than the " +
    "realm permits was not made here, however good its seal. So a forger has to come back with a new " +
    "ticket within the longest life, and needs the key again, which may have been changed by then.",
  expected: everywhere(["KDC_ERR_POLICY", "TGS"]),
  async run(realm, told) {
    const tgt = goldenTicket(realm, TEN_YEARS);
    told(`mallory seals a TGT for ${tgt.client} that ends in ten years, and takes it to the TGS`);
    return attempt("TGS", async () => {
      const credentials = await exchangeAtTgs(realm, tgt);
      return `the TGS gives her a ticket, and V takes her for ${await askWhoIAm(realm, credentials)}`;
    });
  },
};
