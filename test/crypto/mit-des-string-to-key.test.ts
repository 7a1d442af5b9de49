import { createCipheriv, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { correctDesKey } from "../../src/crypto/des-key-parts.js";
import { mitDesStringToKey } from "../../src/crypto/mit-des-string-to-key.js";
import { bytes, desStringToKey, hex, refusal, text } from "./vectors.js";

test(`derives as RFC 3961 appendix A.2 and implementers show (${desStringToKey.vectors.length} rows)`, () => {
  expect(desStringToKey.vectors).toHaveLength(10);
  for (const row of desStringToKey.vectors)
    expect(hex(mitDesStringToKey(text(row.password), bytes(row.salt)))).toBe(row.key);
});

test("agrees with a word-for-word construction on strings of bits and OpenSSL's DES", () => {
  for (let round = 1; round < 100; round++) {
    const password = randomBytes(round).toString("base64").slice(0, round);
    const salt = new Uint8Array(randomBytes((round * 5) % 33));
    const all = Buffer.concat([Buffer.from(password), salt]);
    expect(hex(mitDesStringToKey(password, salt))).toBe(slowStringToKey(all));
  }
});

test("takes a password of 1 MiB, and none at all", () => {
  const salt = bytes("4558414d504c452e54455354");
  const long = "0123456789abcdef".repeat(65536);
  expect(hex(mitDesStringToKey(long, salt))).toBe(slowStringToKey(Buffer.concat([Buffer.from(long), salt])));
  expect(hex(mitDesStringToKey("", salt))).toBe(slowStringToKey(Buffer.from(salt)));
});

test("leaves the salt alone", () => {
  const salt = bytes("4558414d504c452e54455354");
  mitDesStringToKey("password", salt);
  expect(hex(salt)).toBe("4558414d504c452e54455354");
});

test("refuses a password that UTF-8 cannot hold", () => {
  expect(refusal(() => mitDesStringToKey("\ud800", new Uint8Array()))).toBe(
    "RangeError: password: expected well-formed text, got an unpaired surrogate",
  );
});

/** RFC 3961 §6.2's mit_des_string_to_key in words, for at least one byte. */
function slowStringToKey(string: Buffer): string {
  const padded = Buffer.concat([string, Buffer.alloc((8 - (string.length % 8)) % 8)]);
  let sum = 0n;
  for (let at = 0, odd = true; at < padded.length; at += 8, odd = !odd) {
    let bits = "";
    for (const byte of padded.subarray(at, at + 8)) bits += (byte & 0x7f).toString(2).padStart(7, "0");
    sum ^= BigInt(`0b${odd ? bits : [...bits].reverse().join("")}`);
  }
  const bits = sum.toString(2).padStart(56, "0");
  const temporary = Uint8Array.from({ length: 8 }, (_, i) =>
    Number.parseInt(`${bits.slice(7 * i, 7 * i + 7)}0`, 2),
  );
  const key = correctDesKey(temporary);
  const des = createCipheriv("des-ede3-cbc", Buffer.concat([key, key, key]), key).setAutoPadding(false);
  return hex(correctDesKey(new Uint8Array(des.update(padded).subarray(-8))));
}
