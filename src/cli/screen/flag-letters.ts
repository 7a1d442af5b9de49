/** Ticket flags as the letters that MIT's `klist -f` shows. */
import type { Credentials } from "../../protocol/credentials.js";
import { flagNames } from "../../protocol/ticket-flags.js";

const LETTERS: Readonly<Record<string, string>> = {
  forwardable: "F",
  forwarded: "f",
  proxiable: "P",
  proxy: "p",
  "may-postdate": "D",
  postdated: "d",
  invalid: "i",
  renewable: "R",
  initial: "I",
  "pre-authent": "A",
  "hw-authent": "H",
  "transited-policy-checked": "T",
  "ok-as-delegate": "O",
};

/** The letters of flags; a question mark stands for a flag without one. */
export function flagLetters(flags: Credentials["flags"]): string {
  return flagNames(flags)
    .map((name) => LETTERS[name] ?? "?")
    .join("");
}
