/**
 * The cipher function f (FIPS 46-3, "The Cipher Function f") as lookups, derived from the printed tables when
 * the module loads.
 *
 * E gives each S-box six neighbouring bits of R, the outer ones shared with the box's neighbours. If the bits
 * of R are kept in another order, one XOR with a word of subkey makes the inputs of four boxes at once, and E
 * disappears. Two such orders are used here, and f's output is tabulated in the order in which it is needed:
 *
 * - box layout: 64 words for each S-box, the quickest to answer: for CBC encryption, where each round waits
 *   for the one before. Four boxes share a table, indexed by a whole byte: the upper two bits say which box,
 *   the lower six are its input.
 * - pair layout: a table of 4,096 words for two S-boxes together. Half the lookups: for ECB and CBC
 *   decryption, where several blocks are in progress and none waits for another.
 */
import { E, P, S } from "./tables.js";

/**
 * An order for the bits of R (and of L), and how to get from it the two words that are XORed with the two
 * words of a subkey.
 */
export interface Layout {
  /** Which bit of R, counted from 1 as in FIPS 46-3, stands at each place, leftmost place first. */
  readonly order: readonly number[];
  /**
   * R rotated left by the first number is XORed with the subkey of S1 S3 S5 S7, by the second with that of S2
   * S4 S6 S8.
   */
  readonly rotations: readonly [number, number];
  /** Bits that are set in every subkey word; no bit of R is XORed with them. */
  readonly marks: number;
}

/**
 * R rotated left by one: S8's six bits are the lowest of the lowest byte, S6's of the next byte, then S4, S2.
 */
export const BOX_LAYOUT: Layout = {
  order: Array.from({ length: 32 }, (_, place) => ((place + 1) % 32) + 1),
  rotations: [28, 0],
  // Which box a byte is for: 0 to 3 from the left.
  marks: 0x004080c0,
};

/**
 * The two halves of R dealt like cards, 1 17 2 18 … 16 32, then rotated right by six. The twelve bits that S1
 * and S5 need are neighbours then, as are those of S3 and S7, and after a rotation by eight those of S2 and
 * S6, S4 and S8. No word uses the four highest bits, so a subkey word is a small integer to every JavaScript
 * engine.
 */
export const PAIR_LAYOUT: Layout = {
  order: Array.from({ length: 32 }, (_, place) => {
    const dealt = (place + 26) % 32;
    return (dealt >>> 1) + 1 + 16 * (dealt & 1);
  }),
  rotations: [0, 8],
  marks: 0,
};

/**
 * P(S(x)) in the box layout, one table for S1 S3 S5 S7 and one for S2 S4 S6 S8: 64 words for each box, 256
 * for each table.
 */
export const BOXES: readonly Int32Array[] = deriveSharedBoxes();

/**
 * For S1 with S5, S3 with S7, S2 with S6, S4 with S8, P(S(x)) of both in the pair layout: 4,096 words each.
 */
export const PAIRS: readonly Int32Array[] = derivePairs();

/**
 * Where bit `bit` of E(R), and so of a subkey, stands in a layout (1 to 48): in which of the two words, and
 * by how many places from the right.
 */
export function placeOf(layout: Layout, bit: number): { word: 0 | 1; shift: number } {
  const word = Math.floor((bit - 1) / 6) % 2 === 0 ? 0 : 1;
  const place = layout.order.indexOf(E[bit - 1]!);
  return { word, shift: 31 - ((place - layout.rotations[word] + 32) % 32) };
}

function deriveBoxes(layout: Layout): Int32Array[] {
  return S.map((box, number) =>
    Int32Array.from({ length: 64 }, (_, input) => {
      const row = ((input >>> 4) & 2) | (input & 1);
      const column = (input >>> 1) & 15;
      const chosen = box[16 * row + column]! << (28 - 4 * number);
      return permute32(permute32(chosen, P), layout.order);
    }),
  );
}

function deriveSharedBoxes(): Int32Array[] {
  const boxes = deriveBoxes(BOX_LAYOUT);
  return [0, 1].map((first) =>
    Int32Array.from({ length: 256 }, (_, byte) => boxes[first + 2 * (byte >>> 6)]![byte & 63]!),
  );
}

function derivePairs(): Int32Array[] {
  const boxes = deriveBoxes(PAIR_LAYOUT);
  return [
    derivePair(boxes, 1, 5, 16),
    derivePair(boxes, 3, 7, 0),
    derivePair(boxes, 2, 6, 16),
    derivePair(boxes, 4, 8, 0),
  ];
}

/** The table of two S-boxes whose inputs are the twelve bits from place `base` on. */
function derivePair(boxes: readonly Int32Array[], one: number, other: number, base: number): Int32Array {
  const table = new Int32Array(4096);
  const places = inputPlaces(one, base);
  const otherPlaces = inputPlaces(other, base);
  for (let x = 0; x < 64; x++) {
    for (let y = 0; y < 64; y++) {
      table[places[x]! | otherPlaces[y]!] = boxes[one - 1]![x]! | boxes[other - 1]![y]!;
    }
  }
  return table;
}

/** For each of an S-box's 64 inputs, its six bits in the places where the pair layout puts them. */
function inputPlaces(box: number, base: number): number[] {
  const shifts = [1, 2, 3, 4, 5, 6].map((i) => placeOf(PAIR_LAYOUT, 6 * (box - 1) + i).shift - base);
  return Array.from({ length: 64 }, (_, input) =>
    shifts.reduce((index, shift, i) => index | (((input >>> (5 - i)) & 1) << shift), 0),
  );
}

/** Applies a table of FIPS 46-3, whose bits count from 1 at the left, to a word of 32 bits. */
function permute32(word: number, table: readonly number[]): number {
  let permuted = 0;
  for (const bit of table) {
    permuted = (permuted << 1) | ((word >>> (32 - bit)) & 1);
  }
  return permuted;
}
