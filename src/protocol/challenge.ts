/**
 * A guard's challenge (session.proto, `GuardChallenge`): an authenticator that holds it was made after it,
 * and so is fresh whatever the client's clock says.
 *
 * It is made without state: 8 bytes of the process's monotonic clock in milliseconds, big-endian; 8 random
 * bytes; HMAC-SHA-256 of both under a secret that the process drew for itself, and that no other process may
 * have.
 */
import type { RandomSource } from "../crypto/encryption-type.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import { hmac, SHA256 } from "../crypto/hmac.js";
import { systemRandom, takeRandom } from "../crypto/random.js";

/** The most bytes of a challenge that a client takes. */
export const MAX_CHALLENGE_BYTES = 64;
/** How old a challenge may be, in milliseconds. */
export const MAX_CHALLENGE_AGE_MS = 60_000;

const SECRET_SIZE = 32;
const HEAD_SIZE = 16;
const CHALLENGE_SIZE = HEAD_SIZE + 32;

/** Makes challenges, and knows its own. */
export class Challenger {
  readonly #secret: Uint8Array;
  readonly #random: RandomSource;

  constructor(random: RandomSource = systemRandom) {
    this.#random = random;
    this.#secret = takeRandom(random, SECRET_SIZE);
  }

  /** A new challenge, the caller's. @param now milliseconds of a monotonic clock, from 0 up. */
  make(now: number): Uint8Array {
    const challenge = new Uint8Array(CHALLENGE_SIZE);
    new DataView(challenge.buffer).setBigUint64(0, BigInt(Math.floor(now)));
    challenge.set(takeRandom(this.#random, HEAD_SIZE - 8), 8);
    challenge.set(this.#proof(challenge), HEAD_SIZE);
    return challenge;
  }

  /** Whether a challenge is one of its own, and not too old. @param now by the same clock. */
  isGood(challenge: Uint8Array, now: number): boolean {
    if (challenge.length !== CHALLENGE_SIZE) return false;
    if (!equalBytes(challenge.subarray(HEAD_SIZE), this.#proof(challenge))) return false;
    const { buffer, byteOffset } = challenge;
    const age = Math.floor(now) - Number(new DataView(buffer, byteOffset).getBigUint64(0));
    return age >= 0 && age <= MAX_CHALLENGE_AGE_MS;
  }

  #proof(challenge: Uint8Array): Uint8Array {
    return hmac(SHA256, SHA256.digestSize, this.#secret, challenge.subarray(0, HEAD_SIZE));
  }
}
