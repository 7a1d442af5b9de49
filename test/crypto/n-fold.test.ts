import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { nFold } from "../../src/crypto/n-fold.js";
import { bytes, hex, nFoldVectors, refusal } from "./vectors.js";

test(`folds as RFC 3961 appendix A.1 shows (${nFoldVectors.length} rows)`, () => {
  expect(nFoldVectors).toHaveLength(14);
  for (const row of nFoldVectors) expect(hex(nFold(bytes(row.input), row.bits / 8))).toBe(row.output);
});

test("agrees with a word-for-word n-fold on big integers", () => {
  for (let round = 0; round < 60; round++) {
    const input = new Uint8Array(randomBytes(1 + ((round * 7) % 40)));
    for (const size of [1, 7, 8, 16, 21, 24, 32])
      expect(hex(nFold(input, size)), hex(input)).toBe(slowNFold(input, size));
  }
});

test("gives all ones, not zero, for an input of ones", () => {
  expect(hex(nFold(bytes("ffffffff"), 8))).toBe("ffffffffffffffff");
  expect(hex(nFold(bytes("0000"), 5))).toBe("0000000000");
});

test("leaves its input alone", () => {
  const input = bytes("6b65726265726f73");
  nFold(input, 21);
  expect(hex(input)).toBe("6b65726265726f73");
});

test("refuses an empty input and a size that is no length", () => {
  expect(refusal(() => nFold(new Uint8Array(), 8))).toBe(
    "RangeError: input: expected at least 1 byte, got 0",
  );
  for (const size of [0, -1, 1.5, Number.NaN])
    expect(refusal(() => nFold(bytes("61"), size))).toBe(
      `RangeError: size: expected a positive integer, got ${size}`,
    );
});

/**
 * RFC 3961 §5.1 in words: repeat, rotate each copy 13 bits more, cut into pieces, add in ones' complement.
 */
function slowNFold(input: Uint8Array, size: number): string {
  const bitsOf = [...input].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let long = "";
  let copy = bitsOf;
  while (long.length === 0 || long.length % (size * 8) !== 0) {
    long += copy;
    for (let i = 0; i < 13; i++) copy = copy.slice(-1) + copy.slice(0, -1);
  }
  const modulus = (1n << BigInt(size * 8)) - 1n;
  let sum = 0n;
  for (let at = 0; at < long.length; at += size * 8) sum += BigInt(`0b${long.slice(at, at + size * 8)}`);
  if (sum > 0n) sum = ((sum - 1n) % modulus) + 1n;
  return sum.toString(16).padStart(size * 2, "0");
}
