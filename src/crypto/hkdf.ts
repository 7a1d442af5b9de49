/** HKDF (RFC 5869). */
import { hkdfSync } from "node:crypto";

/**
 * `size` bytes of HKDF with SHA-256, the caller's.
 * @param input the input keying material, which stays the caller's.
 * @throws RangeError for more than 8,160 bytes.
 */
export function hkdfSha256(input: Uint8Array, salt: Uint8Array, info: Uint8Array, size: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", input, salt, info, size));
}
