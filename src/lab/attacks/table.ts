/** The attacks: one row each, in the order in which they are shown. */
import type { Attack } from "./attack.js";
import { bitFlip } from "./bit-flip.js";
import { cutAndPaste } from "./cut-and-paste.js";
import { guess } from "./guess.js";
import { heldBack } from "./held-back.js";
import { kerberoast } from "./kerberoast.js";
import { oldClock } from "./old-clock.js";
import { replay } from "./replay.js";
import { replayAfterRestart } from "./replay-after-restart.js";
import { replayElsewhere } from "./replay-elsewhere.js";
import { roast } from "./roast.js";

/** All of them, topic by topic. */
export const ATTACKS: readonly Attack[] = [
  cutAndPaste,
  bitFlip,
  replay,
  replayAfterRestart,
  replayElsewhere,
  oldClock,
  heldBack,
  guess,
  roast,
  kerberoast,
];

/** The attack of that name. */
export function attackNamed(name: string): Attack | undefined {
  return ATTACKS.find((attack) => attack.name === name);
}
