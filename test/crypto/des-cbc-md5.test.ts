import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { DES_CBC_MD5 } from "../../src/crypto/des-cbc-md5.js";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import { mistakes } from "./tampering.js";
import { bytes, desCbcEncrypt, fixed, hex, refusal } from "./vectors.js";

const rows = desCbcEncrypt.filter((row) => row.etype_number === 3);
const others = desCbcEncrypt.length - rows.length;

test(`encrypts and decrypts as MIT Kerberos does (${rows.length} rows)`, () => {
  expect(rows).toHaveLength(5);
  for (const row of rows) {
    const key = DES_CBC_MD5.useKey(bytes(row.key));
    expect(hex(key.encrypt(row.usage, bytes(row.plaintext), fixed(bytes(row.confounder))))).toBe(
      row.ciphertext,
    );
    const padding = "00".repeat((8 - ((row.plaintext.length / 2) % 8)) % 8);
    expect(hex(key.decrypt(row.usage, bytes(row.ciphertext)))).toBe(row.plaintext + padding);
  }
});

test(`${others} rows are of des-cbc-crc and des-cbc-md4, which are not in the table`, () => {
  expect(others).toBe(10);
  expect([1, 2].map((etype) => ENCRYPTION_TYPES.get(etype))).toEqual([undefined, undefined]);
});

test("refuses every spoiled form of every vector's ciphertext", () => {
  for (const row of rows) {
    const key = DES_CBC_MD5.useKey(bytes(row.key));
    expect(mistakes(key, row.usage, bytes(row.ciphertext), 8)).toEqual([]);
  }
});

test("agrees with OpenSSL's DES and MD5 for random keys and 0 to 4 KiB", () => {
  for (const size of sizes()) {
    const keyBytes = DES_CBC_MD5.generateKey();
    const plaintext = new Uint8Array(randomBytes(size));
    const confounder = new Uint8Array(randomBytes(8));
    const key = DES_CBC_MD5.useKey(keyBytes);
    const sealed = key.encrypt(7, plaintext, fixed(confounder));
    expect(hex(sealed)).toBe(slowSeal(keyBytes, confounder, plaintext));
    expect(hex(key.decrypt(7, sealed)).slice(0, size * 2)).toBe(hex(plaintext));
  }
});

test("has no key usages: what was sealed for one opens for another (RFC 3961 §6.2.1)", () => {
  const key = DES_CBC_MD5.useKey(DES_CBC_MD5.generateKey());
  const sealed = key.encrypt(2, bytes("6869206d6f746865"));
  expect(hex(key.decrypt(11, sealed))).toBe("6869206d6f746865");
  expect(key.verifyChecksum(10, bytes("61"), key.checksum(6, bytes("61")))).toBe(true);
});

test("checksum is rsa-md5-des: confounder and MD5 under the key XOR F0F0F0F0F0F0F0F0", () => {
  for (const size of [0, 1, 7, 8, 9, 200, 4096]) {
    const keyBytes = DES_CBC_MD5.generateKey();
    const data = new Uint8Array(randomBytes(size));
    const confounder = new Uint8Array(randomBytes(8));
    const key = DES_CBC_MD5.useKey(keyBytes);
    const checksum = key.checksum(6, data, fixed(confounder));
    const digest = createHash("md5").update(confounder).update(data).digest();
    const variant = keyBytes.map((byte) => byte ^ 0xf0);
    expect(hex(checksum)).toBe(opensslDesCbc(variant, Buffer.concat([confounder, digest])));
    expect(key.verifyChecksum(6, data, checksum)).toBe(true);
  }
});

test("checksum is another one each time, and each is right", () => {
  const key = DES_CBC_MD5.useKey(DES_CBC_MD5.generateKey());
  const first = key.checksum(6, bytes("616263"));
  const second = key.checksum(6, bytes("616263"));
  expect(hex(first)).not.toBe(hex(second));
  expect(
    key.verifyChecksum(6, bytes("616263"), first) && key.verifyChecksum(6, bytes("616263"), second),
  ).toBe(true);
});

test("string-to-key has one algorithm: no parameter or 0 is MIT's, all others are refused", async () => {
  const salt = bytes("415448454e412e4d49542e4544557261656275726e");
  for (const params of [undefined, new Uint8Array(), Uint8Array.of(0)])
    expect(hex(await DES_CBC_MD5.stringToKey("password", salt, params))).toBe("cbc22fae235298e3");
  await expect(DES_CBC_MD5.stringToKey("password", salt, Uint8Array.of(1))).rejects.toThrow(
    new RangeError("params: expected none or one zero byte, got 1"),
  );
  await expect(DES_CBC_MD5.stringToKey("password", salt, new Uint8Array(4))).rejects.toThrow(
    new RangeError("params: expected none or one zero byte, got 4 bytes"),
  );
});

test("refuses a confounder of the wrong size", () => {
  const key = DES_CBC_MD5.useKey(DES_CBC_MD5.generateKey());
  expect(refusal(() => key.encrypt(1, bytes("61"), fixed(new Uint8Array(7))))).toBe(
    "RangeError: random: expected 8 bytes, got 7",
  );
});

function* sizes(): Generator<number> {
  for (let size = 0; size <= 64; size++) yield size;
  yield* [199, 200, 201, 1000, 4095, 4096];
}

function slowSeal(key: Uint8Array, confounder: Uint8Array, plaintext: Uint8Array): string {
  const padded = Buffer.concat([plaintext, Buffer.alloc((8 - (plaintext.length % 8)) % 8)]);
  const digest = createHash("md5").update(confounder).update(Buffer.alloc(16)).update(padded).digest();
  return opensslDesCbc(key, Buffer.concat([confounder, digest, padded]));
}

/** Single DES as triple DES with one key thrice, which OpenSSL 3 still has. */
function opensslDesCbc(key: Uint8Array, data: Buffer): string {
  const thrice = Buffer.concat([key, key, key]);
  return createCipheriv("des-ede3-cbc", thrice, Buffer.alloc(8))
    .setAutoPadding(false)
    .update(data, undefined, "hex");
}
