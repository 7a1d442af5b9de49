/**
 * Tables for speed, derived from those of FIPS 46-3 when the module loads.
 *
 * R is kept rotated left by one bit: then the six bits that E gives to S8 are the lowest of the word, those of S6
 * the lowest of the next byte, and so on, and one rotation by four brings S7, S5, S3, S1 to the same places. Each S-box becomes a
 * table of 64 words that holds its output already permuted by P and rotated the same way.
 */
import { P, S } from "./tables.js";

/** Eight tables of 64 words, one after another: P(Sᵢ(x)) rotated left by one bit is at 64·(i − 1) + x. */
export const SP: Int32Array = deriveSp();

function deriveSp(): Int32Array {
  const table = new Int32Array(8 * 64);
  for (let box = 0; box < 8; box++) {
    for (let input = 0; input < 64; input++) {
      const row = ((input >>> 4) & 2) | (input & 1);
      const column = (input >>> 1) & 15;
      const output = S[box]![16 * row + column]! << (28 - 4 * box);
      const permuted = permute32(output, P);
      table[64 * box + input] = (permuted << 1) | (permuted >>> 31);
    }
  }
  return table;
}

/** Applies a table of FIPS 46-3, whose bits count from 1 at the left, to a word of 32 bits. */
function permute32(word: number, table: readonly number[]): number {
  let permuted = 0;
  for (const bit of table) {
    permuted = (permuted << 1) | ((word >>> (32 - bit)) & 1);
  }
  return permuted;
}
