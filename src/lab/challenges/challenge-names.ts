/** The names of the challenges: apart from the table, so that who completes a word need not load them all. */

/** Every challenge's name, from easy to hard, in the order of the table. */
export const CHALLENGE_NAMES = [
  "whose-ticket",
  "why-no-login",
  "equal-blocks",
  "stolen-cache",
  "guess-password",
  "etype-downgrade",
  "break-this-clock",
  "second-opening",
  "lifted-header",
  "silver-ticket",
  "spot-the-check",
  "forge-under-ecb",
] as const;
