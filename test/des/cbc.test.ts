import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKeySchedule, decryptCbc, encryptCbc, encryptEcb, pad, unpad } from "../../src/des/index.js";
import { bytes, hex, load, type MiscVectors, type NistVectors, type PyDesVectors } from "./vectors.js";

const key = fc.constantFrom(8, 16, 24).chain((size) => fc.uint8Array({ minLength: size, maxLength: size }));
const block = fc.uint8Array({ minLength: 8, maxLength: 8 });

describe("CBC", () => {
  test("matches the example of FIPS 81, both ways", () => {
    const vectors = load<MiscVectors>("misc-kat.json").cbc;
    expect(vectors.length).toBeGreaterThan(0);
    for (const vector of vectors) {
      const schedule = createKeySchedule(bytes(vector.key));
      const iv = bytes(vector.iv);
      expect(hex(encryptCbc(schedule, iv, bytes(vector.plaintext)))).toBe(vector.ciphertext);
      expect(hex(decryptCbc(schedule, iv, bytes(vector.ciphertext)))).toBe(vector.plaintext);
    }
  });

  test("ends in the CBC-MAC of krb5's des_cbc_cksum example when zero padded", () => {
    for (const vector of load<MiscVectors>("misc-kat.json").cbc_mac) {
      const plaintext = bytes(vector.plaintext);
      const padded = new Uint8Array(Math.ceil(plaintext.length / 8) * 8);
      padded.set(plaintext);
      const sealed = encryptCbc(createKeySchedule(bytes(vector.key)), bytes(vector.iv), padded);
      expect(hex(sealed.slice(-8))).toBe(vector.mac);
    }
  });

  for (const [table, rows] of Object.entries(load<NistVectors>("nist-cbc.json").tables)) {
    test(`matches the ${rows.length} answers of NIST's table TCBC${table}`, () => {
      for (const [, keyHex, iv, plaintext, ciphertext] of rows) {
        const schedule = createKeySchedule(bytes(keyHex!));
        expect(hex(encryptCbc(schedule, bytes(iv!), bytes(plaintext!)))).toBe(ciphertext);
        expect(hex(decryptCbc(schedule, bytes(iv!), bytes(ciphertext!)))).toBe(plaintext);
      }
    });
  }

  test("matches pyDes with PKCS#5 padding", () => {
    for (const [keyHex, iv, message, , ciphertext] of load<PyDesVectors>("pydes.json").rows) {
      const schedule = createKeySchedule(bytes(keyHex));
      expect(hex(encryptCbc(schedule, bytes(iv), pad(bytes(message))))).toBe(ciphertext);
      expect(hex(unpad(decryptCbc(schedule, bytes(iv), bytes(ciphertext))))).toBe(message);
    }
  });

  test("opens what it sealed, whatever the key, the IV and the length", () => {
    fc.assert(
      fc.property(key, block, fc.uint8Array({ maxLength: 100 }), (k, iv, message) => {
        const schedule = createKeySchedule(k);
        expect(unpad(decryptCbc(schedule, iv, encryptCbc(schedule, iv, pad(message))))).toEqual(message);
      }),
    );
  });

  test("is ECB over plaintext XOR the previous ciphertext, even across the chunks it works in", () => {
    for (const size of [8, 24, 2040, 2048, 2056, 4104]) {
      const schedule = createKeySchedule(bytes("0123456789abcdef23456789abcdef01"));
      const iv = bytes("fedcba9876543210");
      const plaintext = Uint8Array.from({ length: size }, (_, i) => (i * 13) & 255);
      const expected = new Uint8Array(size);
      let chain = iv;
      for (let i = 0; i < size; i += 8) {
        chain = encryptEcb(
          schedule,
          chain.map((byte, j) => byte ^ plaintext[i + j]!),
        );
        expected.set(chain, i);
      }
      expect(encryptCbc(schedule, iv, plaintext)).toEqual(expected);
      expect(decryptCbc(schedule, iv, expected)).toEqual(plaintext);
    }
  });

  test("leaves IV and input unchanged and returns one buffer of its own, no longer than needed", () => {
    const schedule = createKeySchedule(bytes("0123456789abcdef"));
    for (const size of [0, 8, 200, 2048, 4096]) {
      for (const crypt of [encryptCbc, decryptCbc]) {
        const iv = new Uint8Array(8).fill(5);
        const input = new Uint8Array(size).fill(9);
        const output = crypt(schedule, iv, input);
        expect(iv).toEqual(new Uint8Array(8).fill(5));
        expect(input).toEqual(new Uint8Array(size).fill(9));
        expect(output.byteOffset).toBe(0);
        expect(output.buffer.byteLength).toBe(size);
        expect(output.buffer).not.toBe(input.buffer);
      }
    }
  });

  test("refuses an IV that is not 8 bytes and data that are not whole blocks", () => {
    const schedule = createKeySchedule(new Uint8Array(8));
    const iv = new Uint8Array(8);
    for (const crypt of [encryptCbc, decryptCbc]) {
      expect(() => crypt(schedule, new Uint8Array(7), iv)).toThrow(
        new RangeError("iv: expected 8 bytes, got 7"),
      );
      expect(() => crypt(schedule, undefined as never, iv)).toThrow(
        new TypeError("iv: expected a Uint8Array, got undefined"),
      );
    }
    expect(() => encryptCbc(schedule, iv, new Uint8Array(15))).toThrow(
      new RangeError("plaintext: expected a multiple of 8 bytes, got 15"),
    );
    expect(() => decryptCbc(schedule, iv, new Uint8Array(15))).toThrow(
      new RangeError("ciphertext: expected a multiple of 8 bytes, got 15"),
    );
  });

  test("writes into the output it is given, which may be the input itself or begin before it", () => {
    const schedule = createKeySchedule(bytes("0123456789abcdef"));
    const iv = bytes("fedcba9876543210");
    for (const size of [0, 8, 200, 2048, 2056, 6000]) {
      const input = Uint8Array.from({ length: size }, (_, i) => i & 255);
      for (const crypt of [encryptCbc, decryptCbc]) {
        const expected = crypt(schedule, iv, input);
        const output = new Uint8Array(size);
        expect(crypt(schedule, iv, input, output)).toBe(output);
        expect(output).toEqual(expected);
        const same = input.slice();
        expect(crypt(schedule, iv, same, same)).toEqual(expected);
        const memory = new Uint8Array(size + 24);
        memory.set(input, 24);
        expect(crypt(schedule, iv, memory.subarray(24), memory.subarray(0, size))).toEqual(expected);
      }
    }
  });

  test("refuses an output of another size, and one that begins inside the input", () => {
    const schedule = createKeySchedule(new Uint8Array(8));
    const iv = new Uint8Array(8);
    const memory = new Uint8Array(32);
    for (const crypt of [encryptCbc, decryptCbc]) {
      expect(() => crypt(schedule, iv, memory, new Uint8Array(24))).toThrow(
        new RangeError("output: expected 32 bytes, got 24"),
      );
      expect(() => crypt(schedule, iv, memory, "here" as never)).toThrow(
        new TypeError("output: expected a Uint8Array, got string"),
      );
      expect(() => crypt(schedule, iv, memory.subarray(0, 24), memory.subarray(8))).toThrow(
        new RangeError("output: expected not to begin inside the input, got one 8 bytes into it"),
      );
    }
  });
});
