import { describe, expect, test } from "vitest";
import { E, IP, LEFT_SHIFTS, P, PC1, PC2, S } from "../../src/des/tables.js";

const sorted = (table: readonly number[]) => [...table].sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("the printed tables", () => {
  test("have IP and P move every bit and lose none", () => {
    expect(sorted(IP)).toEqual(upTo(64));
    expect(sorted(P)).toEqual(upTo(32));
  });

  test("have every row of every S-box hold the numbers 0 to 15 once", () => {
    expect(S).toHaveLength(8);
    for (const box of S) {
      for (const row of [0, 1, 2, 3]) {
        expect(sorted(box.slice(16 * row, 16 * row + 16))).toEqual(upTo(16).map((n) => n - 1));
      }
    }
  });

  test("have PC-1 drop the parity bits, and PC-2 eight more", () => {
    expect(sorted(PC1)).toEqual(upTo(64).filter((bit) => bit % 8 !== 0));
    expect(new Set(PC2).size).toBe(48);
    expect(PC2.slice(0, 24).every((bit) => bit <= 28)).toBe(true);
    expect(PC2.slice(24).every((bit) => bit > 28 && bit <= 56)).toBe(true);
  });

  test("have E use the outer bits of each group of four twice", () => {
    expect(E).toHaveLength(48);
    for (const bit of upTo(32)) {
      expect(E.filter((e) => e === bit)).toHaveLength(bit % 4 < 2 ? 2 : 1);
    }
  });

  test("have the shifts of sixteen rounds add up to one turn of 28", () => {
    expect(LEFT_SHIFTS).toHaveLength(16);
    expect(LEFT_SHIFTS.reduce((sum, shift) => sum + shift)).toBe(28);
  });
});
