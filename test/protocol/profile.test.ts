import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import {
  etypeByName,
  isProfileName,
  PROFILES,
  profile,
  strongestCommon,
  weakEtypes,
} from "../../src/protocol/profile.js";

describe("a profile", () => {
  test("of the name textbook makes DES keys and permits every type there is", () => {
    const { permitted, keyEtypes } = profile("textbook");
    expect(keyEtypes).toEqual([3]);
    expect([...permitted].sort((a, b) => a - b)).toEqual([...ENCRYPTION_TYPES.keys()].sort((a, b) => a - b));
  });

  test("of the name standard permits AES with SHA-2 alone, strongest first", () => {
    expect(profile("standard")).toEqual({ name: "standard", permitted: [20, 19], keyEtypes: [20, 19] });
    expect(weakEtypes(profile("standard").permitted)).toEqual([]);
  });

  test.each(Object.keys(PROFILES) as (keyof typeof PROFILES)[])("makes only keys it permits: %s", (name) => {
    const { permitted, keyEtypes } = profile(name);
    for (const etype of keyEtypes) expect(permitted).toContain(etype);
    for (const etype of permitted) expect(ENCRYPTION_TYPES.get(etype)?.etype).toBe(etype);
    expect(new Set(permitted).size).toBe(permitted.length);
  });

  test("is known by its own name alone", () => {
    expect(isProfileName("textbook")).toBe(true);
    for (const text of [
      "",
      "Textbook",
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "textbook ",
    ])
      expect(isProfileName(text)).toBe(false);
  });

  test("that permits DES is told apart by its weak types", () => {
    expect(weakEtypes(profile("textbook").permitted).map(({ etype }) => etype)).toEqual([16, 3, -2, -1]);
  });
});

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

test("an encryption type is found by its name or its number, and by nothing else", () => {
  for (const row of ENCRYPTION_TYPES.values()) {
    expect(etypeByName(row.name)).toBe(row);
    expect(etypeByName(String(row.etype))).toBe(row);
  }
  for (const text of ["", "des", "3.0", "03", " 3", "__proto__", "AES256"])
    expect(etypeByName(text)).toBeUndefined();
});
