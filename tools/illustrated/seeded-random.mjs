/**
 * Randomness from a seed, for the whole process: what asks node:crypto for random bytes gets them from here,
 * the product and all below it. It can't be undone: a recording has a process of its own.
 */
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

/**
 * Takes over. Each way of asking, and each size, has a stream of its own: so it does not matter when others
 * ask for the names of their temporary files.
 */
export function takeOverRandomness(seed) {
  const drawn = new Map();
  const draw = (how, size) => {
    const stream = `${seed} ${how} ${size}`;
    const count = drawn.get(stream) ?? 0;
    drawn.set(stream, count + 1);
    return crypto.createHash("shake256", { outputLength: size }).update(`${stream} ${count}`).digest();
  };
  const fill = (bytes) => {
    bytes.set(draw("fill", bytes.byteLength));
    return bytes;
  };
  Object.assign(crypto, { randomBytes: (size) => draw("bytes", size), randomFillSync: fill });
  globalThis.crypto.getRandomValues = fill;
  syncBuiltinESMExports();
}
