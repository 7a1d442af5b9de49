import { describe, expect, test } from "vitest";
import { E, IP, LEFT_SHIFTS, P, PC1, PC2, S } from "../../src/des/tables.js";

const sorted = (table: readonly number[]) => [...table].sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("the printed tables", () => {
  test("contain every bit once in IP and in P", () => {
    expect(sorted(IP)).toEqual(upTo(64));
    expect(sorted(P)).toEqual(upTo(32));
  });

  test("contain the numbers 0 to 15 once in every row of every S-box", () => {
    expect(S).toHaveLength(8);
    for (const box of S) {
      for (const row of [0, 1, 2, 3]) {
        expect(sorted(box.slice(16 * row, 16 * row + 16))).toEqual(upTo(16).map((n) => n - 1));
      }
    }
  });

  test("drop the parity bits in PC-1, and eight more in PC-2", () => {
    expect(sorted(PC1)).toEqual(upTo(64).filter((bit) => bit % 8 !== 0));
    expect(new Set(PC2).size).toBe(48);
    expect(PC2.slice(0, 24).every((bit) => bit <= 28)).toBe(true);
    expect(PC2.slice(24).every((bit) => bit > 28 && bit <= 56)).toBe(true);
  });

  test("use the outer bits of each group of four twice in E", () => {
    expect(E).toHaveLength(48);
    for (const bit of upTo(32)) {
      expect(E.filter((e) => e === bit)).toHaveLength(bit % 4 < 2 ? 2 : 1);
    }
  });

  test("add up to one full turn of 28 in the shifts of sixteen rounds", () => {
    expect(LEFT_SHIFTS).toHaveLength(16);
    expect(LEFT_SHIFTS.reduce((sum, shift) => sum + shift)).toBe(28);
  });
});
