import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKeySchedule, decryptEcb, encryptEcb, pad, unpad } from "../../src/des/index.js";
import { bytes, hex, load, type MiscVectors, type NistVectors, type PyDesVectors } from "./vectors.js";

const key = fc.constantFrom(8, 16, 24).chain((size) => fc.uint8Array({ minLength: size, maxLength: size }));
const block = fc.uint8Array({ minLength: 8, maxLength: 8 });
const complement = (data: Uint8Array) => data.map((byte) => ~byte);

describe("ECB", () => {
  test("matches the collected known answers, both ways", () => {
    for (const vector of load<MiscVectors>("misc-kat.json").ecb) {
      const schedule = createKeySchedule(bytes(vector.key));
      expect(hex(encryptEcb(schedule, bytes(vector.plaintext)))).toBe(vector.ciphertext);
      expect(hex(decryptEcb(schedule, bytes(vector.ciphertext)))).toBe(vector.plaintext);
    }
  });

  const names = {
    vartext: "variable plaintext",
    varkey: "variable key",
    invperm: "inverse permutation",
    permop: "permutation operation",
    subtab: "substitution table",
    mmt1: "multi-block messages, one key",
    mmt2: "multi-block messages, two keys",
    mmt3: "multi-block messages, three keys",
  } as const;
  for (const [table, rows] of Object.entries(load<NistVectors>("nist-ecb.json").tables)) {
    test(`matches the ${rows.length} answers of NIST's table: ${names[table as keyof typeof names]}`, () => {
      for (const [, keyHex, plaintext, ciphertext] of rows) {
        const schedule = createKeySchedule(bytes(keyHex!));
        expect(hex(encryptEcb(schedule, bytes(plaintext!)))).toBe(ciphertext);
        expect(hex(decryptEcb(schedule, bytes(ciphertext!)))).toBe(plaintext);
      }
    });
  }

  test("matches pyDes with PKCS#5 padding", () => {
    for (const [keyHex, , message, ciphertext] of load<PyDesVectors>("pydes.json").rows) {
      const schedule = createKeySchedule(bytes(keyHex));
      expect(hex(encryptEcb(schedule, pad(bytes(message))))).toBe(ciphertext);
      expect(hex(unpad(decryptEcb(schedule, bytes(ciphertext))))).toBe(message);
    }
  });

  test("opens what it sealed, whatever the key and the length", () => {
    fc.assert(
      fc.property(key, fc.uint8Array({ maxLength: 100 }), (k, message) => {
        const schedule = createKeySchedule(k);
        expect(unpad(decryptEcb(schedule, encryptEcb(schedule, pad(message))))).toEqual(message);
      }),
    );
  });

  test("has DES's complementation property: inverting key and plaintext inverts the ciphertext", () => {
    fc.assert(
      fc.property(key, block, (k, p) => {
        const turned = encryptEcb(createKeySchedule(complement(k)), complement(p));
        expect(turned).toEqual(complement(encryptEcb(createKeySchedule(k), p)));
      }),
    );
  });

  test("treats every block alike, whatever its place and however long the message", () => {
    const schedule = createKeySchedule(bytes("0123456789abcdef"));
    for (const count of [1, 2, 3, 4, 5, 6, 7, 255, 256, 257, 258, 259, 513]) {
      const message = Uint8Array.from({ length: 8 * count }, (_, i) => (i * 7 + (i >> 8)) & 255);
      const whole = encryptEcb(schedule, message);
      for (let i = 0; i < message.length; i += 8 * 17) {
        expect(whole.slice(i, i + 8)).toEqual(encryptEcb(schedule, message.slice(i, i + 8)));
      }
      expect(decryptEcb(schedule, whole)).toEqual(message);
    }
  });

  test("reads a view that starts inside a larger buffer", () => {
    const schedule = createKeySchedule(bytes("0123456789abcdef"));
    const larger = Uint8Array.from({ length: 43 }, (_, i) => i);
    expect(encryptEcb(schedule, larger.subarray(3, 27))).toEqual(encryptEcb(schedule, larger.slice(3, 27)));
  });

  test("leaves its input unchanged and returns one buffer of its own, no longer than needed", () => {
    const schedule = createKeySchedule(bytes("0123456789abcdef"));
    for (const size of [0, 8, 64, 200, 2048, 4096]) {
      for (const crypt of [encryptEcb, decryptEcb]) {
        const input = new Uint8Array(size).fill(9);
        const output = crypt(schedule, input);
        expect(input).toEqual(new Uint8Array(size).fill(9));
        expect(Object.getPrototypeOf(output)).toBe(Uint8Array.prototype);
        expect(output.byteOffset).toBe(0);
        expect(output.buffer.byteLength).toBe(size);
        expect(output.buffer).not.toBe(input.buffer);
        expect(crypt(schedule, input).buffer).not.toBe(output.buffer);
      }
    }
  });

  test("refuses anything but whole blocks", () => {
    const schedule = createKeySchedule(new Uint8Array(8));
    for (const size of [1, 7, 9, 2049]) {
      expect(() => encryptEcb(schedule, new Uint8Array(size))).toThrow(
        new RangeError(`plaintext: expected a multiple of 8 bytes, got ${size}`),
      );
      expect(() => decryptEcb(schedule, new Uint8Array(size))).toThrow(
        new RangeError(`ciphertext: expected a multiple of 8 bytes, got ${size}`),
      );
    }
  });

  test("refuses what is not bytes", () => {
    const schedule = createKeySchedule(new Uint8Array(8));
    expect(() => encryptEcb(schedule, "plain" as never)).toThrow(
      new TypeError("plaintext: expected a Uint8Array, got string"),
    );
    expect(() => decryptEcb(schedule, null as never)).toThrow(
      new TypeError("ciphertext: expected a Uint8Array, got null"),
    );
  });

  test("writes into the output it is given, which may be the input itself or begin before it", () => {
    const schedule = createKeySchedule(bytes("0123456789abcdef"));
    for (const size of [0, 8, 200, 2048, 2056, 6000]) {
      const input = Uint8Array.from({ length: size }, (_, i) => i & 255);
      for (const crypt of [encryptEcb, decryptEcb]) {
        const expected = crypt(schedule, input);
        const output = new Uint8Array(size);
        expect(crypt(schedule, input, output)).toBe(output);
        expect(output).toEqual(expected);
        const same = input.slice();
        expect(crypt(schedule, same, same)).toEqual(expected);
        const memory = new Uint8Array(size + 24);
        memory.set(input, 24);
        expect(crypt(schedule, memory.subarray(24), memory.subarray(0, size))).toEqual(expected);
      }
    }
  });

  test("refuses an output of another size, and one that begins inside the input", () => {
    const schedule = createKeySchedule(new Uint8Array(8));
    const memory = new Uint8Array(32);
    for (const crypt of [encryptEcb, decryptEcb]) {
      expect(() => crypt(schedule, memory, new Uint8Array(24))).toThrow(
        new RangeError("output: expected 32 bytes, got 24"),
      );
      expect(() => crypt(schedule, memory, "here" as never)).toThrow(
        new TypeError("output: expected a Uint8Array, got string"),
      );
      expect(() => crypt(schedule, memory.subarray(0, 24), memory.subarray(8))).toThrow(
        new RangeError("output: expected not to begin inside the input, got one 8 bytes into it"),
      );
    }
  });
});
