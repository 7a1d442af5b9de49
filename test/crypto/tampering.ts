/**
 * Every way to spoil a ciphertext that a test can go through: each must be refused in one and the same
 * manner.
 */
import { randomBytes } from "node:crypto";
import { type CipherKey, DecryptionError } from "../../src/crypto/encryption-type.js";

/** All single-bit flips, truncations, extensions by 1 to 16 bytes, and swaps of two different blocks. */
export function* tampered(
  ciphertext: Uint8Array,
  blockSize: number,
): Generator<{ how: string; data: Uint8Array }> {
  for (let bit = 0; bit < ciphertext.length * 8; bit++) {
    const data = Uint8Array.from(ciphertext);
    data[bit >>> 3]! ^= 0x80 >>> (bit & 7);
    yield { how: `bit ${bit} flipped`, data };
  }
  for (let size = 0; size < ciphertext.length; size++)
    yield { how: `cut to ${size} bytes`, data: ciphertext.slice(0, size) };
  for (let more = 1; more <= 16; more++) {
    yield { how: `${more} zero bytes added`, data: new Uint8Array([...ciphertext, ...new Uint8Array(more)]) };
    yield { how: `${more} random bytes added`, data: new Uint8Array([...ciphertext, ...randomBytes(more)]) };
    yield { how: `${more} random bytes before`, data: new Uint8Array([...randomBytes(more), ...ciphertext]) };
  }
  for (let a = 0; a + blockSize <= ciphertext.length; a += blockSize)
    for (let b = a + blockSize; b + blockSize <= ciphertext.length; b += blockSize) {
      const data = Uint8Array.from(ciphertext);
      data.set(ciphertext.subarray(a, a + blockSize), b);
      data.set(ciphertext.subarray(b, b + blockSize), a);
      if (Buffer.compare(data, ciphertext) !== 0) yield { how: `blocks at ${a} and ${b} swapped`, data };
    }
}

/**
 * What `decrypt` did with each spoiled ciphertext that was not exactly a DecryptionError; empty when all is
 * well.
 */
export function mistakes(key: CipherKey, usage: number, ciphertext: Uint8Array, blockSize: number): string[] {
  const found: string[] = [];
  for (const { how, data } of tampered(ciphertext, blockSize)) {
    try {
      key.decrypt(usage, data);
      found.push(`${how}: accepted`);
    } catch (error) {
      if (!isDecryptionError(error)) found.push(`${how}: ${String(error)}`);
    }
  }
  return found;
}

/** Whether `error` is a DecryptionError of the one class, message and shape. */
export function isDecryptionError(error: unknown): boolean {
  return (
    error instanceof DecryptionError &&
    Object.getPrototypeOf(error) === DecryptionError.prototype &&
    error.message === "decryption failed" &&
    error.cause === undefined &&
    Object.getOwnPropertyNames(error).sort().join() === "message,name,stack"
  );
}
