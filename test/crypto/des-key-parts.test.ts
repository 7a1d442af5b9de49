import { expect, test } from "vitest";
import { correctDesKey, requireDesKey } from "../../src/crypto/des-key-parts.js";
import { hasOddParity, isSemiWeakKey, isWeakKey } from "../../src/des/index.js";
import { bytes, desStringToKey, hex, semiWeakKeys, weakKeys } from "./vectors.js";

test(`moves weak and semi-weak keys away (${desStringToKey.weak_key_fixup.length} rows, one good)`, () => {
  expect(desStringToKey.weak_key_fixup).toHaveLength(16);
  for (const row of desStringToKey.weak_key_fixup) {
    const key = correctDesKey(bytes(row.key));
    expect(hex(key)).toBe(row.key.slice(0, 14) + row.last_byte_after);
    expect(hasOddParity(key) && !isWeakKey(key) && !isSemiWeakKey(key)).toBe(true);
  }
});

test("corrects the parity first, so that a weak key with wrong parity is moved too", () => {
  for (const weak of [...weakKeys, ...semiWeakKeys]) {
    const wrongParity = bytes(weak).map((byte) => byte ^ 1);
    const key = correctDesKey(wrongParity);
    expect(hex(key)).toBe(hex(correctDesKey(bytes(weak))));
    requireDesKey(key, 8);
  }
});

test("leaves its argument alone", () => {
  const key = bytes("0101010101010101");
  correctDesKey(key);
  expect(hex(key)).toBe("0101010101010101");
});
