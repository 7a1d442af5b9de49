/**
 * Buffers for what anyone may see: ciphertext and messages in clear, cut from a shared piece of memory. V8 keeps arrays of
 * more than 64 bytes outside its heap, and making one there costs as much as a hash. Keys and plaintext get arrays of their
 * own, as only those can be wiped and be gone.
 */

const POOL_SIZE = 8192;
let pool = new Uint8Array(POOL_SIZE);
let used = 0;

/** `size` zero bytes that belong to the caller; `buffer` is shared with others. */
export function publicBytes(size: number): Uint8Array {
  if (size > POOL_SIZE / 4) return new Uint8Array(size);
  if (used + size > POOL_SIZE) {
    pool = new Uint8Array(POOL_SIZE);
    used = 0;
  }
  const bytes = pool.subarray(used, used + size);
  used += size;
  return bytes;
}
