import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import {
  etypeByName,
  etypeName,
  etypeOf,
  etypesWithIntegrity,
  ITERATIONS,
  isIterationCount,
  knownEtype,
  strongestCommon,
  weakEtypes,
} from "../../src/protocol/etypes.js";
import { expectRefusal } from "./refusal.js";

describe("the strongest common type", () => {
  test.each<[string, number[][], number | undefined]>([
    [
      "is the strongest, whatever the order of the lists",
      [
        [-1, 3, 20],
        [3, 20, 19],
      ],
      20,
    ],
    [
      "is the only one common",
      [
        [20, 19, 3],
        [3, -1],
      ],
      3,
    ],
    ["is none where nothing is common", [[20], [19]], undefined],
    ["is none for an empty list", [[20], []], undefined],
    [
      "skips numbers nobody knows",
      [
        [99, 18, 17, 3],
        [99, 18, 3],
      ],
      3,
    ],
    ["is none where only unknown ones are common", [[23], [23]], undefined],
    ["is none for 0", [[0], [0]], undefined],
    [
      "prefers triple DES to DES, and both to ECB",
      [
        [-1, -2, 3, 16],
        [-1, -2, 3, 16],
      ],
      16,
    ],
    [
      "prefers DES-CBC-MD5, which has integrity, to ECB",
      [
        [-1, -2, 3],
        [3, -2, -1],
      ],
      3,
    ],
  ])("%s", (_, lists, etype) => {
    expect(strongestCommon(...lists)?.etype).toBe(etype);
  });
});

test("an encryption type is found by its names or its number, and by nothing else", () => {
  for (const row of ENCRYPTION_TYPES.values()) {
    expect(etypeByName(row.name)).toBe(row);
    expect(etypeByName(String(row.etype))).toBe(row);
  }
  expect(["aes256", "aes128", "des3", "des"].map((text) => etypeByName(text)?.etype)).toEqual([
    20, 19, 16, 3,
  ]);
  for (const text of ["", "ecb", "undefined", "3.0", "03", " 3", "__proto__", "AES256"])
    expect(etypeByName(text)).toBeUndefined();
});

describe("a number", () => {
  test.each([0, 1, 17, 23, -3])("this project does not have is refused by itself: %i", (etype) => {
    expect(knownEtype(etype)).toBeUndefined();
    expect(etypeName(etype)).toBe(`etype ${etype}`);
    expectRefusal(() => etypeOf(etype), "KDC_ERR_ETYPE_NOSUPP", { etype: String(etype) });
  });

  test("of the table gives its row", () => {
    for (const row of ENCRYPTION_TYPES.values()) {
      expect(knownEtype(row.etype)).toBe(row);
      expect(etypeOf(row.etype)).toBe(row);
      expect(etypeName(row.etype)).toBe(row.name);
    }
  });
});

test("the weak types are found among any, and the lessons in ECB are those without integrity", () => {
  expect(weakEtypes([-1, 20, 16, 3]).map(({ etype }) => etype)).toEqual([-1, 16, 3]);
  expect(etypesWithIntegrity().map(({ etype }) => etype)).toEqual([20, 19, 16, 3]);
});

test("a realm may choose from 32,768 to 10,000,000 iterations", () => {
  expect(ITERATIONS).toEqual({ least: 32_768, most: 10_000_000 });
  for (const count of [32_768, 32_769, 10_000_000]) expect(isIterationCount(count)).toBe(true);
  for (const other of [32_767, 10_000_001, 0, -32_768, 40_000.5, Number.NaN, "40000", undefined, null])
    expect(isIterationCount(other)).toBe(false);
});
