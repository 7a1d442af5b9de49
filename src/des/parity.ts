/**
 * Key parity (FIPS 46-3, "Keying"; SP 800-67 §3.2): the lowest bit of each key byte makes the number of one
 * bits in that byte odd. The cipher ignores it.
 */
import { requireBytes } from "./argument-checks.js";

/** Returns a copy of `key`, of any length, with odd parity in every byte; the caller owns the new buffer. */
export function setOddParity(key: Uint8Array): Uint8Array {
  requireBytes("key", key);
  const fixed = new Uint8Array(key.length);
  for (let i = 0; i < key.length; i++) {
    const byte = key[i]!;
    fixed[i] = byte ^ 1 ^ parityOf(byte);
  }
  return fixed;
}

/** Tells whether every byte of `key` has odd parity; an empty key does. Always looks at every byte. */
export function hasOddParity(key: Uint8Array): boolean {
  requireBytes("key", key);
  let odd = 1;
  for (let i = 0; i < key.length; i++) {
    odd &= parityOf(key[i]!);
  }
  return odd === 1;
}

function parityOf(byte: number): number {
  let folded = byte ^ (byte >>> 4);
  folded ^= folded >>> 2;
  folded ^= folded >>> 1;
  return folded & 1;
}
