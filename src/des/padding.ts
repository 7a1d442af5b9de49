/**
 * PKCS#5 padding to whole blocks of 8 bytes (RFC 8018 §6.1.1, step 4): n bytes of value n, 1 ≤ n ≤ 8, so that
 * the padding can always be told from the data.
 */
import { BLOCK_SIZE, requireBytes, requireWholeBlocks } from "./argument-checks.js";

/** Returns `data` followed by 1 to 8 bytes of padding, in a new buffer that the caller owns. */
export function pad(data: Uint8Array): Uint8Array {
  requireBytes("data", data);
  const count = BLOCK_SIZE - (data.length % BLOCK_SIZE);
  const padded = new Uint8Array(data.length + count);
  padded.set(data);
  padded.fill(count, data.length);
  return padded;
}

/**
 * Returns `data` without its padding, in a new buffer that the caller owns. Throws a RangeError if `data` is
 * empty, not a whole number of 8-byte blocks, or does not end in valid padding; every bad padding gets the
 * same message.
 */
export function unpad(data: Uint8Array): Uint8Array {
  requireWholeBlocks("data", data);
  if (data.length === 0) {
    throw new RangeError("data: expected at least 8 bytes, got 0");
  }
  const count = data[data.length - 1]!;
  // All eight bytes are examined whatever they hold: the time taken must not reveal where the padding is
  // wrong.
  let bad = (count - 1) & ~7;
  for (let place = 1; place <= BLOCK_SIZE; place++) {
    const counted = (place - 1 - count) >> 31;
    bad |= (data[data.length - place]! ^ count) & counted;
  }
  if (bad !== 0) {
    throw new RangeError("data: expected PKCS#5 padding, got something else");
  }
  // Not data.slice, which for a Node Buffer would share its memory.
  return new Uint8Array(data.subarray(0, data.length - count));
}
