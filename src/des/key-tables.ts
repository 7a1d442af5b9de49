/**
 * The whole key schedule KS (FIPS 46-3, "The Key Schedule") as lookups, derived from PC-1, the shifts and PC-2 when the
 * module loads.
 *
 * All three only move bits, so every subkey bit is one key bit, and the subkeys of a key are the OR of what each of its
 * eight bytes puts into them. A row holds that for one byte at one place: sixteen subkeys, 32 words.
 */
import { BOX_LAYOUT, type Layout, PAIR_LAYOUT, placeOf } from "./fast-tables.js";
import { LEFT_SHIFTS, PC1, PC2 } from "./tables.js";

/** For each of 8 key bytes and each of 128 values of its upper seven bits, a row of 32 words in the box layout. */
export const BOX_ROWS: Int32Array = deriveRows(BOX_LAYOUT);

/** The same in the pair layout. */
export const PAIR_ROWS: Int32Array = deriveRows(PAIR_LAYOUT);

function deriveRows(layout: Layout): Int32Array {
  const rows = new Int32Array(8 * 128 * 32);
  const places = PC2.map((_, i) => placeOf(layout, i + 1));
  let turned = 0;
  LEFT_SHIFTS.forEach((shift, round) => {
    turned += shift;
    PC2.forEach((chosen, i) => {
      // C and D have 28 bits each and turn separately.
      const half = chosen > 28 ? 28 : 0;
      const keyBit = PC1[half + ((chosen - 1 - half + turned) % 28)]! - 1;
      const { word, shift: place } = places[i]!;
      const value = 1 << (6 - (keyBit & 7));
      rows[32 * (128 * (keyBit >>> 3) + value) + 2 * round + word]! |= 1 << place;
    });
  });
  // The rows of single bits are there; any other is the row without its lowest bit and the row of that bit.
  for (let byte = 0; byte < 8; byte++) {
    for (let value = 1; value < 128; value++) {
      const lowest = value & -value;
      const row = 32 * (128 * byte + value);
      const rest = 32 * (128 * byte + (value ^ lowest));
      const single = 32 * (128 * byte + lowest);
      for (let i = 0; i < 32; i++) {
        rows[row + i] = rows[rest + i]! | rows[single + i]!;
      }
    }
  }
  return rows;
}
