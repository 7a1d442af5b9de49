import { describe, expect, test } from "vitest";
import { createKeySchedule, encryptEcb, isSemiWeakKey, isWeakKey } from "../../src/des/index.js";
import { bytes, load, type MiscVectors } from "./vectors.js";

const { weak_keys: weak, semi_weak_pairs: pairs } = load<MiscVectors>("misc-kat.json");
const plaintext = bytes("0123456789abcdef4e6f772069732074");
const seal = (key: string, data: Uint8Array) => encryptEcb(createKeySchedule(bytes(key)), data);
const withoutParity = (key: string) => bytes(key).map((byte) => byte ^ 1);

describe("weak keys", () => {
  test("are the four listed, whatever their parity", () => {
    expect(weak).toHaveLength(4);
    for (const { key } of weak) {
      expect(isWeakKey(bytes(key))).toBe(true);
      expect(isWeakKey(withoutParity(key))).toBe(true);
      expect(isSemiWeakKey(bytes(key))).toBe(false);
    }
  });

  test("undo themselves", () => {
    for (const { key } of weak) {
      expect(seal(key, seal(key, plaintext))).toEqual(plaintext);
    }
  });
});

describe("semi-weak keys", () => {
  test("are the twelve listed, whatever their parity", () => {
    expect(pairs).toHaveLength(6);
    for (const key of pairs.flatMap((pair) => [pair.key1, pair.key2])) {
      expect(isSemiWeakKey(bytes(key))).toBe(true);
      expect(isSemiWeakKey(withoutParity(key))).toBe(true);
      expect(isWeakKey(bytes(key))).toBe(false);
    }
  });

  test("undo each other, but not themselves", () => {
    for (const { key1, key2 } of pairs) {
      expect(seal(key2, seal(key1, plaintext))).toEqual(plaintext);
      expect(seal(key1, seal(key2, plaintext))).toEqual(plaintext);
      expect(seal(key1, seal(key1, plaintext))).not.toEqual(plaintext);
    }
  });
});

describe("other keys", () => {
  test("are neither, though they differ from a weak key in one bit", () => {
    for (const listed of [...weak.map((v) => v.key), ...pairs.map((v) => v.key1)]) {
      for (let bit = 0; bit < 64; bit++) {
        if (bit % 8 !== 7) {
          const key = bytes(listed);
          key[bit >> 3]! ^= 0x80 >> (bit & 7);
          expect(isWeakKey(key) || isSemiWeakKey(key)).toBe(false);
        }
      }
    }
  });

  test("are refused unless they are 8 bytes", () => {
    expect(() => isWeakKey(new Uint8Array(16))).toThrow(new RangeError("key: expected 8 bytes, got 16"));
    expect(() => isSemiWeakKey(new Uint8Array(0))).toThrow(new RangeError("key: expected 8 bytes, got 0"));
  });
});
