/** The challenges, from easy to hard: a new one is a file and a row here. */
import { nearest } from "../../errors/nearest.js";
import { breakThisClock } from "./break-this-clock.js";
import type { Challenge } from "./challenge.js";
import { ChallengeError } from "./challenge-error.js";
import { equalBlocks } from "./equal-blocks.js";
import { etypeDowngrade } from "./etype-downgrade.js";
import { forgeUnderEcb } from "./forge-under-ecb.js";
import { guessPassword } from "./guess-password.js";
import { liftedHeader } from "./lifted-header.js";
import { secondOpening } from "./second-opening.js";
import { silverTicket } from "./silver-ticket.js";
import { spotTheCheck } from "./spot-the-check.js";
import { stolenCache } from "./stolen-cache.js";
import { whoseTicket } from "./whose-ticket.js";
import { whyNoLogin } from "./why-no-login.js";

/** Every challenge, in the order in which they are best done. */
export const CHALLENGES: readonly Challenge[] = [
  whoseTicket,
  whyNoLogin,
  equalBlocks,
  stolenCache,
  guessPassword,
  etypeDowngrade,
  breakThisClock,
  secondOpening,
  liftedHeader,
  silverTicket,
  spotTheCheck,
  forgeUnderEcb,
];

/** The challenge of that name. Throws ChallengeError `unknown-challenge`, with the nearest name. */
export function challengeNamed(name: string): Challenge {
  const found = CHALLENGES.find((challenge) => challenge.name === name);
  if (found !== undefined) return found;
  const names = CHALLENGES.map((challenge) => challenge.name);
  const near = nearest(name, names);
  const remedy = near === undefined ? `there are ${names.join(", ")}` : `did you mean ${near}?`;
  throw new ChallengeError("unknown-challenge", `no challenge ${JSON.stringify(name)}; ${remedy}`);
}
