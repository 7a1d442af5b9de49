import { describe, expect, test } from "vitest";
import { BOX_LAYOUT, BOXES, PAIR_LAYOUT, PAIRS, placeOf } from "../../src/des/fast-tables.js";
import { permuteIn, permuteOut } from "../../src/des/pair-rounds.js";
import { E, IP, P, S } from "../../src/des/tables.js";
import { BYTES, WORDS, wipeWorkspace } from "../../src/des/workspace.js";

type Bits = number[];
const toBits = (word: number): Bits => Array.from({ length: 32 }, (_, i) => (word >>> (31 - i)) & 1);
const permute = (bits: Bits, table: readonly number[]): Bits => table.map((bit) => bits[bit - 1]!);
const toWord = (bits: Bits): number => bits.reduce((word, bit) => (word << 1) | bit, 0);

/** f(R, K) with K zero, exactly as FIPS 46-3 words it. */
function plainF(r: Bits): Bits {
  const expanded = permute(r, E);
  const chosen = S.flatMap((box, i) => {
    const [b1, b2, b3, b4, b5, b6] = expanded.slice(6 * i, 6 * i + 6) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const value = box[16 * (2 * b1 + b6) + 8 * b2 + 4 * b3 + 2 * b4 + b5]!;
    return [value >> 3, (value >> 2) & 1, (value >> 1) & 1, value & 1];
  });
  return permute(chosen, P);
}

const samples = [0, -1, 1, 0x80000000, 0x0f0f0f0f, 0x12345678, 0x9abcdef0, 0xdeadbeef, 0x5a5a1234];
const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by));

describe("the fast tables", () => {
  test("place each bit of R exactly once in every layout", () => {
    for (const { order } of [BOX_LAYOUT, PAIR_LAYOUT]) {
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
    }
  });

  test("give each bit of a subkey a place of its own in every layout", () => {
    for (const layout of [BOX_LAYOUT, PAIR_LAYOUT]) {
      const places = Array.from({ length: 48 }, (_, i) => JSON.stringify(placeOf(layout, i + 1)));
      expect(new Set(places).size).toBe(48);
    }
  });

  test("compute f of FIPS 46-3 in the box layout", () => {
    for (const sample of samples) {
      const bits = toBits(sample);
      const r = toWord(permute(bits, BOX_LAYOUT.order));
      const inputs = (word: number) => {
        const byte = (word & 0x3f3f3f3f) | BOX_LAYOUT.marks;
        return [byte >>> 24, (byte >>> 16) & 255, (byte >>> 8) & 255, byte & 255];
      };
      const f = [inputs(rotate(r, 28)), inputs(r)]
        .flatMap((four, table) => four.map((byte) => BOXES[table]![byte]!))
        .reduce((sum, answer) => sum ^ answer, 0);
      expect(f).toBe(toWord(permute(plainF(bits), BOX_LAYOUT.order)));
    }
  });

  test("compute f of FIPS 46-3 in the pair layout", () => {
    for (const sample of samples) {
      const bits = toBits(sample);
      const r = toWord(permute(bits, PAIR_LAYOUT.order));
      const v = rotate(r, 8);
      const f =
        PAIRS[0]![(r >>> 16) & 4095]! ^
        PAIRS[1]![r & 4095]! ^
        PAIRS[2]![(v >>> 16) & 4095]! ^
        PAIRS[3]![v & 4095]!;
      expect(f).toBe(toWord(permute(plainF(bits), PAIR_LAYOUT.order)));
    }
  });

  test("come with an initial permutation that is IP followed by the pair layout, bit by bit", () => {
    for (let bit = 0; bit < 64; bit++) {
      const input = new Uint8Array(8);
      input[bit >> 3] = 0x80 >> (bit & 7);
      const halves = IP.map((place) => (place - 1 === bit ? 1 : 0));
      BYTES.set(input);
      permuteIn(8);
      expect(WORDS[0]).toBe(toWord(permute(halves.slice(0, 32), PAIR_LAYOUT.order)));
      expect(WORDS[1]).toBe(toWord(permute(halves.slice(32), PAIR_LAYOUT.order)));
      permuteOut(8);
      expect(BYTES.slice(0, 8)).toEqual(input);
    }
    wipeWorkspace(8);
  });
});
