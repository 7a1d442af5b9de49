/**
 * The permutations of the key schedule (FIPS 46-3, "The Key Schedule") as lookups, derived from PC-1 and PC-2
 * when the module loads. Both only move bits, so what a whole key gives is the OR of what each seven bits of
 * it give.
 */
import { BOX_LAYOUT, type Layout, PAIR_LAYOUT, placeOf } from "./fast-tables.js";
import { PC1, PC2 } from "./tables.js";

/** Bits of C and of D, leftmost highest. */
export const HALF_BITS = 28;

/**
 * PC-1: for each of 8 key bytes and each of 128 values of its upper seven bits, what it puts into C; 1,024
 * words further on, what it puts into D.
 */
export const PC1_LOOKUP: Int32Array = derivePc1();

/** A layout's part of `PC2_LOOKUP`, and how its words are unpacked. */
export interface Pc2Layout {
  /**
   * Where its four groups of seven bits of C begin, leftmost first, each of 128 words; 512 words further on,
   * those of D.
   */
  readonly base: number;
  /** The bits that C puts into the first word of a subkey, and D. */
  readonly cMask: number;
  readonly dMask: number;
  /** The bits outside the masks are the second word, rotated left by this much to make room for the first. */
  readonly turn: number;
  /** Bits set in both words whatever the key (`fast-tables.ts`). */
  readonly marks: number;
}

/**
 * PC-2, from C and D to both words of a subkey. Half of a subkey comes from C and half from D, so the two
 * words of a half fit into one.
 */
export const PC2_LOOKUP: Int32Array = new Int32Array(2048);
export const PC2_BOX: Pc2Layout = derivePc2(BOX_LAYOUT, 0);
export const PC2_PAIR: Pc2Layout = derivePc2(PAIR_LAYOUT, 1024);

function derivePc1(): Int32Array {
  const lookup = new Int32Array(2048);
  PC1.forEach((keyBit, i) => {
    const half = i < HALF_BITS ? 0 : 1024;
    const value = 1 << (6 - ((keyBit - 1) & 7));
    lookup[half + 128 * ((keyBit - 1) >>> 3) + value]! |= 1 << (HALF_BITS - 1 - (i % HALF_BITS));
  });
  completeRows(lookup, 0, 16);
  return lookup;
}

function derivePc2(layout: Layout, base: number): Pc2Layout {
  const places = PC2.map((_, i) => placeOf(layout, i + 1));
  // PC-2 takes its first 24 bits from C, the others from D.
  const maskOf = (word: number, first: number) =>
    places.slice(first, first + 24).reduce((mask, p) => (p.word === word ? mask | (1 << p.shift) : mask), 0);
  const cMask = maskOf(0, 0);
  const dMask = maskOf(0, 24);
  let turn = 1;
  while ((cMask & rotateLeft(maskOf(1, 0), turn)) !== 0 || (dMask & rotateLeft(maskOf(1, 24), turn)) !== 0)
    turn++;
  PC2.forEach((bit, i) => {
    const { word, shift } = places[i]!;
    // Bits 1 to 28 are C, 29 to 56 are D; groups of seven, so group and place follow from the number alone.
    const group = Math.floor((bit - 1) / 7);
    const value = 1 << (6 - ((bit - 1) % 7));
    PC2_LOOKUP[base + 128 * group + value]! |= word === 0 ? 1 << shift : rotateLeft(1 << shift, turn);
  });
  completeRows(PC2_LOOKUP, base, 8);
  return { base, cMask, dMask, turn, marks: layout.marks };
}

/**
 * Completes rows of 128 words in which the single-bit entries are filled: every other entry is an OR of
 * those.
 */
function completeRows(lookup: Int32Array, base: number, rows: number): void {
  for (let row = base; row < base + 128 * rows; row += 128) {
    for (let value = 1; value < 128; value++) {
      const lowest = value & -value;
      lookup[row + value] = lookup[row + (value ^ lowest)]! | lookup[row + lowest]!;
    }
  }
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
