/**
 * Fresh keys (SP 800-67 rev. 2 §3.2 and §3.3): odd parity, no part weak or semi-weak, the parts of a triple
 * DES key all different.
 */
import { requireBytes } from "./argument-checks.js";
import { setOddParity } from "./parity.js";
import { isSameKey, isSemiWeakKey, isWeakKey } from "./weak-keys.js";

/** Returns `size` fresh random bytes, owned by the caller. */
export type RandomSource = (size: number) => Uint8Array;

/**
 * A sound source yields such a key with a probability of about 2⁻⁵¹; one that does so this often is broken.
 */
const MAX_TRIES = 32;

/**
 * Returns a new random key of `size` bytes for `createKeySchedule`; the caller owns it. Throws a RangeError
 * if `size` is not 8, 16 or 24 or if `random` returns a different number of bytes, and an Error if `random`
 * keeps yielding keys that must not be used.
 */
export function generateKey(size: 8 | 16 | 24, random: RandomSource = systemRandom): Uint8Array {
  if (size !== 8 && size !== 16 && size !== 24) {
    throw new RangeError(`size: expected 8, 16 or 24, got ${String(size)}`);
  }
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const bytes = random(size);
    requireBytes("random", bytes);
    if (bytes.length !== size) {
      throw new RangeError(`random: expected ${size} bytes, got ${bytes.length}`);
    }
    const key = setOddParity(bytes);
    if (isUsable(key)) {
      return key;
    }
  }
  throw new Error(`random: gave ${MAX_TRIES} keys in a row that are weak, semi-weak or repeat a part`);
}

function isUsable(key: Uint8Array): boolean {
  for (let offset = 0; offset < key.length; offset += 8) {
    const part = key.subarray(offset, offset + 8);
    if (isWeakKey(part) || isSemiWeakKey(part)) {
      return false;
    }
    for (let earlier = 0; earlier < offset; earlier += 8) {
      if (isSameKey(key, offset, key, earlier)) {
        return false;
      }
    }
  }
  return true;
}

function systemRandom(size: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(size));
}
