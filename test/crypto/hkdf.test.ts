import { describe, expect, test } from "vitest";
import { hkdfExpand, hkdfExtract } from "../../src/crypto/hkdf.js";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("HKDF-SHA-256 (RFC 5869, appendix A)", () => {
  test.each([
    {
      name: "test case 1",
      input: "0b".repeat(22),
      salt: "000102030405060708090a0b0c",
      info: "f0f1f2f3f4f5f6f7f8f9",
      output: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    },
    {
      name: "test case 3, without salt and info",
      input: "0b".repeat(22),
      salt: "",
      info: "",
      output: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    },
  ])("$name", ({ input, salt, info, output }) => {
    for (const size of [16, 32])
      for (const cut of [0, 5]) {
        const key = hkdfExtract(bytes(salt), bytes(input).subarray(0, cut), bytes(input).subarray(cut));
        expect(hkdfExpand(key, bytes(info), size)).toEqual(bytes(output).subarray(0, size));
      }
  });

  test("gives one hash at most", () => {
    expect(() => hkdfExpand(new Uint8Array(32), new Uint8Array(), 33)).toThrow(
      new RangeError("size: expected at most 32 bytes, got 33"),
    );
  });
});
