/** HKDF (RFC 5869) with SHA-256, for outputs of at most one hash. */
import { hmac, SHA256 } from "./hmac.js";

/** The counter of the first block of output. */
const FIRST = Uint8Array.of(1);

/**
 * The pseudorandom key (§2.2), 32 bytes, the caller's.
 * @param salt at most 64 bytes.
 * @param input the input keying material in parts, which stay the caller's.
 */
export function hkdfExtract(salt: Uint8Array, ...input: readonly Uint8Array[]): Uint8Array {
  return hmac(SHA256, SHA256.digestSize, salt, ...input);
}

/**
 * The first `size` bytes of output (§2.3), the caller's.
 * @throws RangeError for more than 32 bytes.
 */
export function hkdfExpand(key: Uint8Array, info: Uint8Array, size: number): Uint8Array {
  if (size > SHA256.digestSize)
    throw new RangeError(`size: expected at most ${SHA256.digestSize} bytes, got ${size}`);
  return hmac(SHA256, size, key, info, FIRST);
}
