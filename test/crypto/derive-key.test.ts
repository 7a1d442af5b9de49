import { expect, test } from "vitest";
import { deriveKey, deriveRandom, des3RandomToKey } from "../../src/crypto/derive-key.js";
import { createKeySchedule, hasOddParity } from "../../src/des/index.js";
import { bytes, des3, hex, refusal, semiWeakKeys, weakKeys } from "./vectors.js";

test(`derives as RFC 3961 appendix A.3 shows (${des3.dr_dk.length} rows, one of them without DR)`, () => {
  expect(des3.dr_dk).toHaveLength(10);
  for (const row of des3.dr_dk) {
    const schedule = createKeySchedule(bytes(row.key));
    if (row.dr !== null) expect(hex(deriveRandom(schedule, bytes(row.constant)))).toBe(row.dr);
    expect(hex(deriveKey(schedule, bytes(row.constant)))).toBe(row.dk);
  }
});

test(`derives the keys of key usage 2 (${des3.derive.length} rows)`, () => {
  expect(des3.derive).toHaveLength(3);
  for (const row of des3.derive)
    expect(hex(deriveKey(createKeySchedule(bytes(row.key)), bytes(row.constant)))).toBe(row.derived);
});

test("random-to-key spreads seven bytes over eight and corrects the parity", () => {
  const key = des3RandomToKey(bytes("935079d14490a75c3093c4a6e8c3b049c71e6ee705"));
  expect(hex(key)).toBe("925179d04591a79b5d3192c4a7e9c289b049c71f6ee604cd");
  expect(hasOddParity(key)).toBe(true);
});

test("random-to-key never gives a weak or semi-weak part", () => {
  // RFC 3961 §6.3.1: each part corrected as in §6.2. Seven bytes that would become each of the sixteen keys.
  for (const bad of [...weakKeys, ...semiWeakKeys]) {
    const seven = bytes(bad).slice(0, 7);
    const lowest = bytes(bad)[7]!;
    for (let i = 0; i < 7; i++) seven[i] = (seven[i]! & 0xfe) | ((lowest >>> (i + 1)) & 1);
    const key = des3RandomToKey(new Uint8Array([...seven, ...seven, ...seven]));
    const corrected = bytes(bad);
    corrected[7]! ^= 0xf0;
    expect(hex(key)).toBe(hex(corrected).repeat(3));
  }
});

test("random-to-key takes 21 bytes only", () => {
  expect(refusal(() => des3RandomToKey(new Uint8Array(20)))).toBe(
    "RangeError: random: expected 21 bytes, got 20",
  );
});
