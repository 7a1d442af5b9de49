import { describe, expect, test } from "vitest";
import { generateKey, hasOddParity, isSemiWeakKey, isWeakKey, setOddParity } from "../../src/des/index.js";
import { bytes } from "./vectors.js";

/** A source that yields the listed keys one after another and counts how often it was asked. */
function scripted(...keys: string[]) {
  const source = Object.assign(
    (size: number) => {
      source.sizes.push(size);
      return bytes(keys[Math.min(source.sizes.length, keys.length) - 1]!);
    },
    { sizes: [] as number[] },
  );
  return source;
}

const [A, B, C] = ["133457799bbcdff1", "0e329232ea6d0d73", "0123456789abcdef"];
const WEAK = "0000000000000000";
const SEMI_WEAK = "1fe01fe00ef10ef1";

describe("generateKey", () => {
  test("makes keys from the system's source with odd parity, none weak, with different parts", () => {
    for (const size of [8, 16, 24] as const) {
      const key = generateKey(size);
      expect(key).toHaveLength(size);
      expect(hasOddParity(key)).toBe(true);
      const parts = Array.from({ length: size / 8 }, (_, i) => key.slice(8 * i, 8 * i + 8));
      expect(parts.some((part) => isWeakKey(part) || isSemiWeakKey(part))).toBe(false);
      expect(new Set(parts.map(String)).size).toBe(parts.length);
      expect(generateKey(size)).not.toEqual(key);
    }
  });

  test("takes what its source yields and sets parity in a copy", () => {
    const given = bytes(A);
    expect(generateKey(8, () => given)).toEqual(setOddParity(bytes(A)));
    expect(given).toEqual(bytes(A));
  });

  test("asks again after a weak or semi-weak part", () => {
    const single = scripted(WEAK, SEMI_WEAK, A);
    expect(generateKey(8, single)).toEqual(setOddParity(bytes(A)));
    expect(single.sizes).toEqual([8, 8, 8]);
    const double = scripted(A + WEAK, SEMI_WEAK + A, A + B);
    expect(generateKey(16, double)).toEqual(setOddParity(bytes(A + B)));
    const triple = scripted(A + B + WEAK, A + B + C);
    expect(generateKey(24, triple)).toEqual(setOddParity(bytes(A + B + C)));
  });

  test("asks again where parts repeat, parity aside", () => {
    const nearlyA = "123557789abddef0";
    expect(generateKey(16, scripted(A + nearlyA, A + B))).toEqual(setOddParity(bytes(A + B)));
    for (const repeated of [A + A + B, B + A + A, A + B + A]) {
      const source = scripted(repeated, A + B + C);
      expect(generateKey(24, source)).toEqual(setOddParity(bytes(A + B + C)));
      expect(source.sizes).toHaveLength(2);
    }
  });

  test("gives up on a source that keeps yielding keys that must not be used", () => {
    const source = scripted(WEAK);
    expect(() => generateKey(8, source)).toThrow(
      new Error("random: gave 32 keys in a row that are weak, semi-weak or repeat a part"),
    );
    expect(source.sizes).toHaveLength(32);
  });

  test("refuses other sizes, and a source that yields too much or too little", () => {
    expect(() => generateKey(7 as never)).toThrow(new RangeError("size: expected 8, 16 or 24, got 7"));
    expect(() => generateKey(8, () => new Uint8Array(9))).toThrow(
      new RangeError("random: expected 8 bytes, got 9"),
    );
    expect(() => generateKey(8, () => "random" as never)).toThrow(
      new TypeError("random: expected a Uint8Array, got string"),
    );
  });
});
