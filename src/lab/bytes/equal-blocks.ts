/** Equal blocks of a ciphertext: under ECB they tell of equal blocks of the message. */
import { hexOf } from "./readable.js";

const BLOCK_SIZE = 8;

/**
 * Which whole blocks of 8 bytes are equal.
 * @returns for each block that comes more than once, where it stands, in bytes from the start: in the order
 *   of their first places.
 */
export function equalBlocks(cipher: Uint8Array): number[][] {
  const places = new Map<string, number[]>();
  for (let at = 0; at + BLOCK_SIZE <= cipher.length; at += BLOCK_SIZE) {
    const block = hexOf(cipher.subarray(at, at + BLOCK_SIZE));
    places.set(block, [...(places.get(block) ?? []), at]);
  }
  return [...places.values()].filter(({ length }) => length > 1);
}
