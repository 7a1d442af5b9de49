/**
 * The system's randomness, taken from `node:crypto` in large pieces: a call for 16 bytes costs as much as one
 * for 4 KiB.
 */
import { randomFillSync } from "node:crypto";
import type { RandomSource } from "./encryption-type.js";

const pool = new Uint8Array(4096);
let used = pool.length;

/** Fresh bytes from the system's random generator. What is handed out is overwritten in the pool. */
export const systemRandom: RandomSource = (size) => {
  if (size > pool.length / 4) return randomFillSync(new Uint8Array(size));
  if (used + size > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + size);
  pool.fill(0, used, used + size);
  used += size;
  return bytes;
};

/**
 * `size` bytes from `random`. Throws a RangeError if the source gives another number of bytes than was asked
 * for.
 */
export function takeRandom(random: RandomSource, size: number): Uint8Array {
  const bytes = random(size);
  if (bytes.length !== size) throw new RangeError(`random: expected ${size} bytes, got ${bytes.length}`);
  return bytes;
}
