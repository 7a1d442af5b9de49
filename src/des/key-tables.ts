/**
 * PC-1 and PC-2 (FIPS 46-3, "The Key Schedule") as lookups, derived from the printed tables when the module loads.
 * Both only move bits, so what they do to a word is the OR of what they do to its pieces.
 */
import { BOX_LAYOUT, type Layout, PAIR_LAYOUT, placeOf } from "./fast-tables.js";
import { PC1, PC2 } from "./tables.js";

/** What PC-1 puts into C, for each of the 8 key bytes and each value of its upper seven bits: 8 × 128 words. */
export const PC1_C: Int32Array = derivePc1(0);

/** The same for D. */
export const PC1_D: Int32Array = derivePc1(28);

/** The subkey words of one layout, for each of 8 slices of seven bits of C and D and each value of the slice. */
export interface SubkeyTable {
  /** 8 × 128 words that meet S1 S3 S5 S7. */
  readonly first: Int32Array;
  /** 8 × 128 words that meet S2 S4 S6 S8. */
  readonly second: Int32Array;
}

/** PC-2 into the box layout. */
export const BOX_SUBKEYS: SubkeyTable = derivePc2(BOX_LAYOUT);

/** PC-2 into the pair layout. */
export const PAIR_SUBKEYS: SubkeyTable = derivePc2(PAIR_LAYOUT);

function derivePc1(start: number): Int32Array {
  // bits[i]: what bit i + 1 of the key becomes in a half of 28 bits.
  const bits = new Int32Array(64);
  for (let i = 0; i < 28; i++) {
    bits[PC1[start + i]! - 1] = 1 << (27 - i);
  }
  return tabulate(8, (byte, i) => bits[8 * byte + i]!);
}

function derivePc2(layout: Layout): SubkeyTable {
  // words[w][i]: what bit i + 1 of CD becomes in word w of the subkey; eight of the 56 bits become nothing.
  const words = [new Int32Array(56), new Int32Array(56)] as const;
  PC2.forEach((bit, i) => {
    const { word, shift } = placeOf(layout, i + 1);
    words[word][bit - 1] = 1 << shift;
  });
  return {
    first: tabulate(8, (slice, i) => words[0][7 * slice + i]!),
    second: tabulate(8, (slice, i) => words[1][7 * slice + i]!),
  };
}

/** For each piece and each value of seven bits, the OR of what its one bits stand for, the leftmost being bit 0. */
function tabulate(pieces: number, meaning: (piece: number, bit: number) => number): Int32Array {
  const table = new Int32Array(128 * pieces);
  for (let piece = 0; piece < pieces; piece++) {
    for (let value = 0; value < 128; value++) {
      for (let bit = 0; bit < 7; bit++) {
        if ((value >>> (6 - bit)) & 1) {
          table[128 * piece + value]! |= meaning(piece, bit);
        }
      }
    }
  }
  return table;
}
