/**
 * One-shot hash functions: `crypto.hash` leaves no native object to be collected later, and its result as
 * Latin-1 text ("binary") costs half as much as a Buffer.
 */
import { hash } from "node:crypto";

/** The hash functions the encryption types are made of. */
export type HashName = "md5" | "sha1" | "sha256" | "sha384";

/** The first `size` bytes of SHA-256 of `data` (FIPS 180-4), the caller's. */
export function sha256(data: Uint8Array, size = 32): Uint8Array {
  return bytesOfLatin1(hash("sha256", data, "binary"), size);
}

/** SHA-256 of `data` as Latin-1 text, one character a byte: for hashes that are kept, not compared. */
export function sha256Latin1(data: Uint8Array): string {
  return hash("sha256", data, "binary");
}

/** MD5 of `data` (RFC 1321): 16 bytes, the caller's. */
export function md5(data: Uint8Array): Uint8Array {
  return bytesOfLatin1(hash("md5", data, "binary"), 16);
}

/** The first `size` characters of `text` as bytes, in a new buffer. */
export function bytesOfLatin1(text: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
