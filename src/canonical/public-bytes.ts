/**
 * Room for what anyone may see, ciphertext and messages in clear, in Node's pool: V8 keeps arrays of more than 64 bytes
 * outside its heap, and making one there costs as much as a hash. Keys and plaintext get arrays of their own, as only those
 * can be wiped and be gone.
 */

/** `size` bytes that the caller overwrites, all of them, and then owns; their `buffer` is shared with others. */
export function publicBytes(size: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(size);
  return new Uint8Array(buffer, byteOffset, size);
}
