/** The names of the attacks, for whoever needs no more than that: loading the attacks loads servers. */

/** In the order in which they are shown. */
export const ATTACK_NAMES = [
  "cut-and-paste",
  "mint",
  "bit-flip",
  "replay",
  "replay-after-restart",
  "replay-elsewhere",
  "old-clock",
  "held-back",
  "guess",
  "roast",
  "kerberoast",
  "false-kdc",
  "false-login",
  "false-v",
  "etype-strip",
  "altered-body",
  "stolen-ticket",
  "other-name",
  "stolen-cache",
  "ended-ticket",
  "lifted-header",
  "other-authority",
  "golden",
  "golden-ten-years",
  "golden-after-new-keys",
  "silver",
  "silver-after-new-keys",
] as const;

/** One of these. */
export type AttackName = (typeof ATTACK_NAMES)[number];
