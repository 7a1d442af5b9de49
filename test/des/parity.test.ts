import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasOddParity, setOddParity } from "../../src/des/index.js";
import { bytes, load, type MiscVectors } from "./vectors.js";

describe("odd parity", () => {
  test("is set in the lowest bit of every byte and nowhere else", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const fixed = setOddParity(all);
    for (const byte of all) {
      const ones = fixed[byte]!.toString(2).replaceAll("0", "").length;
      expect(ones % 2).toBe(1);
      expect(fixed[byte]! >> 1).toBe(byte >> 1);
    }
  });

  test("is reported if every byte has it, and not if one byte lacks it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), fc.nat(), (key, at) => {
        const fixed = setOddParity(key);
        expect(hasOddParity(fixed)).toBe(true);
        fixed[at % fixed.length]! ^= 1;
        expect(hasOddParity(fixed)).toBe(false);
      }),
    );
  });

  test("holds for all weak and semi-weak keys as printed", () => {
    const vectors = load<MiscVectors>("misc-kat.json");
    const keys = [
      ...vectors.weak_keys.map((v) => v.key),
      ...vectors.semi_weak_pairs.flatMap((v) => [v.key1, v.key2]),
    ];
    expect(keys.every((key) => hasOddParity(bytes(key)))).toBe(true);
  });

  test("is set in a copy", () => {
    const key = new Uint8Array(8);
    expect(setOddParity(key)).toEqual(new Uint8Array(8).fill(1));
    expect(key).toEqual(new Uint8Array(8));
  });

  test("accepts nothing but bytes", () => {
    expect(() => setOddParity("key" as never)).toThrow(
      new TypeError("key: expected a Uint8Array, got string"),
    );
    expect(() => hasOddParity(8 as never)).toThrow(new TypeError("key: expected a Uint8Array, got number"));
  });
});
