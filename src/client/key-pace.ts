/**
 * Keys from passwords, none of which takes longer than a call may. Until a KDC has proved itself, anybody may
 * be naming the iterations of PBKDF2; once begun, they can't be stopped.
 */
import { ITERATIONS } from "../protocol/etypes.js";
import type { Key } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { iterationsOf, type KeyGuess } from "./client-etypes.js";

/** Makes a client's long-term key by a guess. */
export type KeyMaker = (guess: KeyGuess) => Promise<Key>;

/**
 * The same, but a guess that would take longer than `timeoutMs` is refused before it is begun. What fewer
 * iterations took tells how long more will take.
 * @param clock milliseconds, from any beginning.
 * @throws KrbError KDC_ERR_ETYPE_NOSUPP for too many iterations.
 */
export function inTime(
  keyOf: KeyMaker,
  timeoutMs: number,
  clock: () => number = () => performance.now(),
): KeyMaker {
  /** Milliseconds that one iteration took. */
  let pace: number | undefined;

  async function timed(guess: KeyGuess): Promise<Key> {
    const began = clock();
    const key = await keyOf(guess);
    const count = iterationsOf(guess);
    if (count !== undefined) pace = (clock() - began) / count;
    return key;
  }

  return async (guess) => {
    const count = iterationsOf(guess) ?? 0;
    if (count > ITERATIONS.least) {
      const fewest = { ...guess, stringToKey: { ...guess.stringToKey, params: new Uint8Array() } };
      if (pace === undefined) (await timed(fewest)).wipe();
      const expected = Math.ceil(count * pace!);
      if (expected > timeoutMs)
        throw new KrbError(
          "KDC_ERR_ETYPE_NOSUPP",
          "the KDC asks for more iterations of the password's hash than can be made in time",
          { asked: String(count), expected_ms: String(expected), limit_ms: String(timeoutMs) },
        );
    }
    return timed(guess);
  };
}
