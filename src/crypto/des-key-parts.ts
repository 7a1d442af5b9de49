/**
 * The 8-byte parts of DES and triple-DES keys: parity, weak keys and their correction (RFC 3961 §6.2, FIPS
 * 74).
 */
import { generateKey, hasOddParity, isSemiWeakKey, isWeakKey, setOddParity } from "../des/index.js";
import { requireKeySize } from "./argument-checks.js";
import type { RandomSource } from "./encryption-type.js";
import { equalBytes } from "./equal-bytes.js";

/**
 * Throws a RangeError unless `key` is `size` bytes of odd parity, no 8-byte part is weak or semi-weak, and no
 * part equals the one before it, which would turn triple DES into DES (SP 800-67 §3.2).
 */
export function requireDesKey(key: Uint8Array, size: number): void {
  requireKeySize(key, size);
  if (!hasOddParity(key)) throw new RangeError("key: expected odd parity in every byte, got an even one");
  for (let offset = 0; offset < size; offset += 8) {
    const part = key.subarray(offset, offset + 8);
    if (isWeakKey(part)) throw new RangeError("key: expected a strong DES key, got a weak one");
    if (isSemiWeakKey(part)) throw new RangeError("key: expected a strong DES key, got a semi-weak one");
    if (offset > 0 && equalBytes(part, key.subarray(offset - 8, offset)))
      throw new RangeError("key: expected neighbouring DES keys to differ, got equal ones");
  }
}

/**
 * A fresh DES key of `size` bytes that `requireDesKey` takes; the random bytes it was made of are
 * overwritten.
 */
export function generateDesKey(size: 8 | 16 | 24, random: RandomSource): Uint8Array {
  const given: Uint8Array[] = [];
  try {
    return generateKey(size, (count) => {
      const bytes = random(count);
      given.push(bytes);
      return bytes;
    });
  } finally {
    for (const bytes of given) bytes.fill(0);
  }
}

/**
 * RFC 3961 §6.2, key_correction: `part` (8 bytes) with odd parity, moved away from weak and semi-weak keys; a
 * new buffer.
 */
export function correctDesKey(part: Uint8Array): Uint8Array {
  const key = setOddParity(part);
  // Four bits change, so the parity stays odd.
  if (isWeakKey(key) || isSemiWeakKey(key)) key[7]! ^= 0xf0;
  return key;
}
