/** The attacks: one row each, in the order in which they are shown. */
import type { Attack } from "./attack.js";
import { bitFlip } from "./bit-flip.js";
import { cutAndPaste } from "./cut-and-paste.js";

/** All of them. */
export const ATTACKS: readonly Attack[] = [cutAndPaste, bitFlip];

/** The attack of that name. */
export function attackNamed(name: string): Attack | undefined {
  return ATTACKS.find((attack) => attack.name === name);
}
