/**
 * Weak and semi-weak keys (SP 800-67 rev. 2 §3.3.2; FIPS 74). A weak key's C and D are each all zeros or all
 * ones, so that its sixteen subkeys are alike and enciphering twice gives the plaintext back. A semi-weak key
 * has two different subkeys, and a twin that undoes it.
 */
import { requireSize } from "./argument-checks.js";

/** The 4 weak keys, as hexadecimal with odd parity. */
const WEAK_KEYS = ["0101010101010101", "fefefefefefefefe", "e0e0e0e0f1f1f1f1", "1f1f1f1f0e0e0e0e"];

/** The 12 semi-weak keys, as hexadecimal with odd parity; each stands beside its twin. */
const SEMI_WEAK_KEYS = [
  ["011f011f010e010e", "1f011f010e010e01"],
  ["01e001e001f101f1", "e001e001f101f101"],
  ["01fe01fe01fe01fe", "fe01fe01fe01fe01"],
  ["1fe01fe00ef10ef1", "e01fe01ff10ef10e"],
  ["1ffe1ffe0efe0efe", "fe1ffe1ffe0efe0e"],
  ["e0fee0fef1fef1fe", "fee0fee0fef1fef1"],
].flat();

const weakKeys = WEAK_KEYS.map(bytesOf);
const semiWeakKeys = SEMI_WEAK_KEYS.map(bytesOf);

/** Tells whether `key` (8 bytes) is one of the 4 weak keys, parity ignored; RangeError if not 8 bytes. */
export function isWeakKey(key: Uint8Array): boolean {
  requireSize("key", key, 8);
  return isAmong(weakKeys, key, 0);
}

/**
 * Tells whether `key` (8 bytes) is one of the 12 semi-weak keys, parity ignored; RangeError if not 8 bytes.
 */
export function isSemiWeakKey(key: Uint8Array): boolean {
  requireSize("key", key, 8);
  return isAmong(semiWeakKeys, key, 0);
}

/**
 * Tells whether the 8 bytes of `key` from `offset` on and those of `other` are the same key, parity ignored.
 */
export function isSameKey(key: Uint8Array, offset: number, other: Uint8Array, otherOffset: number): boolean {
  let difference = 0;
  for (let i = 0; i < 8; i++) {
    difference |= (key[offset + i]! ^ other[otherOffset + i]!) & 0xfe;
  }
  return difference === 0;
}

/** Goes through the whole list whatever it finds, and through all bytes of each: the key is a secret. */
function isAmong(list: readonly Uint8Array[], key: Uint8Array, offset: number): boolean {
  let found = false;
  for (const listed of list) {
    const same = isSameKey(key, offset, listed, 0);
    found = found || same;
  }
  return found;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
