/**
 * Room for what anyone may see: ciphertext, and messages in clear. It comes from Node's pool, because V8
 * keeps arrays of more than 64 bytes outside its heap, and allocating one there costs as much as a hash. Keys
 * and plaintext get arrays of their own: only those can be wiped and be gone.
 */

/** `size` bytes, the caller's, who must overwrite all of them; their `buffer` is shared with others. */
export function publicBytes(size: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(size);
  return new Uint8Array(buffer, byteOffset, size);
}
