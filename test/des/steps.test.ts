/**
 * DES step by step is DES: the example of J. Orlin Grabbe's "The DES Algorithm Illustrated", whose values on
 * the way are published, and whatever keys and blocks there are against the DES that the product uses.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKeySchedule, encryptEcb } from "../../src/des/index.js";
import { bitsOf, blockSteps, keySteps } from "../../src/des/steps.js";

const KEY = Uint8Array.from(Buffer.from("133457799bbcdff1", "hex"));
const BLOCK = Uint8Array.from(Buffer.from("0123456789abcdef", "hex"));

function bits(text: string): string {
  return text.replaceAll(" ", "");
}

describe("the published example", () => {
  const key = keySteps(KEY);
  const block = blockSteps(BLOCK, key);

  test("PC-1 and the shifts", () => {
    expect(key.c0).toBe(bits("1111000 0110011 0010101 0101111"));
    expect(key.d0).toBe(bits("0101010 1011001 1001111 0001111"));
    expect(key.rounds[0]!.c).toBe(bits("1110000 1100110 0101010 1011111"));
    expect(key.rounds[0]!.d).toBe(bits("1010101 0110011 0011110 0011110"));
    expect(key.rounds[1]!.c).toBe(bits("1100001 1001100 1010101 0111111"));
    expect(key.rounds[1]!.d).toBe(bits("0101010 1100110 0111100 0111101"));
    expect(key.rounds[15]!.c).toBe(key.c0);
    expect(key.rounds[15]!.d).toBe(key.d0);
  });

  test("the sixteen subkeys", () => {
    const published = [
      "000110 110000 001011 101111 111111 000111 000001 110010",
      "011110 011010 111011 011001 110110 111100 100111 100101",
      "010101 011111 110010 001010 010000 101100 111110 011001",
      "011100 101010 110111 010110 110110 110011 010100 011101",
      "011111 001110 110000 000111 111010 110101 001110 101000",
      "011000 111010 010100 111110 010100 000111 101100 101111",
      "111011 001000 010010 110111 111101 100001 100010 111100",
      "111101 111000 101000 111010 110000 010011 101111 111011",
      "111000 001101 101111 101011 111011 011110 011110 000001",
      "101100 011111 001101 000111 101110 100100 011001 001111",
      "001000 010101 111111 010011 110111 101101 001110 000110",
      "011101 010111 000111 110101 100101 000110 011111 101001",
      "100101 111100 010111 010001 111110 101011 101001 000001",
      "010111 110100 001110 110111 111100 101110 011100 111010",
      "101111 111001 000110 001101 001111 010011 111100 001010",
      "110010 110011 110110 001011 000011 100001 011111 110101",
    ];
    expect(key.rounds.map(({ subkey }) => subkey)).toEqual(published.map(bits));
  });

  test("the first round", () => {
    expect(block.l0).toBe(bits("1100 1100 0000 0000 1100 1100 1111 1111"));
    expect(block.r0).toBe(bits("1111 0000 1010 1010 1111 0000 1010 1010"));
    const first = block.rounds[0]!;
    expect(first.expanded).toBe(bits("011110 100001 010101 010101 011110 100001 010101 010101"));
    expect(first.mixed).toBe(bits("011000 010001 011110 111010 100001 100110 010100 100111"));
    expect(first.boxes[0]).toEqual({ input: "011000", row: 0, column: 12, output: "0101" });
    expect(first.boxes.map(({ column }) => column)).toEqual([12, 8, 15, 13, 0, 3, 10, 3]);
    expect(first.substituted).toBe(bits("0101 1100 1000 0010 1011 0101 1001 0111"));
    expect(first.f).toBe(bits("0010 0011 0100 1010 1010 1001 1011 1011"));
    expect(first.l).toBe(block.r0);
    expect(first.r).toBe(bits("1110 1111 0100 1010 0110 0101 0100 0100"));
  });

  test("the last round and the ciphertext", () => {
    expect(block.rounds[15]!.l).toBe(bits("0100 0011 0100 0010 0011 0010 0011 0100"));
    expect(block.rounds[15]!.r).toBe(bits("0000 1010 0100 1100 1101 1001 1001 0101"));
    expect(block.preoutput).toBe(
      bits("00001010 01001100 11011001 10010101 01000011 01000010 00110010 00110100"),
    );
    expect(block.output).toBe(bitsOf(Buffer.from("85e813540f0ab405", "hex")));
  });
});

test("any key and block give what the product's DES gives", () => {
  const eightBytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(eightBytes, eightBytes, (key, block) => {
      const cipher = encryptEcb(createKeySchedule(key), block);
      expect(blockSteps(block, keySteps(key)).output).toBe(bitsOf(cipher));
    }),
  );
});

test.each([0, 7, 9])("a key or a block of %i bytes is refused by name", (size) => {
  expect(() => keySteps(new Uint8Array(size))).toThrow(new RangeError(`key: expected 8 bytes, got ${size}`));
  expect(() => blockSteps(new Uint8Array(size), keySteps(KEY))).toThrow(
    new RangeError(`block: expected 8 bytes, got ${size}`),
  );
});
