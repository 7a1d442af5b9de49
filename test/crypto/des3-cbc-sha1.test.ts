import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { des3RandomToKey } from "../../src/crypto/derive-key.js";
import { DES3_CBC_SHA1 } from "../../src/crypto/des3-cbc-sha1.js";
import { nFold } from "../../src/crypto/n-fold.js";
import { mistakes } from "./tampering.js";
import { bytes, des3, fixed, hex, text } from "./vectors.js";

test(`string-to-key as RFC 3961 appendix A.4 shows (${des3.string_to_key.length} rows)`, async () => {
  expect(des3.string_to_key).toHaveLength(7);
  for (const row of des3.string_to_key)
    expect(hex(await DES3_CBC_SHA1.stringToKey(text(row.password), bytes(row.salt)))).toBe(row.key);
});

test("string-to-key has no parameters: absent and empty are the same", async () => {
  const [row] = des3.string_to_key;
  const key = await DES3_CBC_SHA1.stringToKey(text(row!.password), bytes(row!.salt), new Uint8Array());
  expect(hex(key)).toBe(row!.key);
});

test(`encrypts and decrypts as MIT Kerberos does (${des3.encrypt.length} rows)`, () => {
  expect(des3.encrypt).toHaveLength(5);
  for (const row of des3.encrypt) {
    const key = DES3_CBC_SHA1.useKey(bytes(row.key));
    expect(hex(key.encrypt(row.usage, bytes(row.plaintext), fixed(bytes(row.confounder))))).toBe(
      row.ciphertext,
    );
    const padding = "00".repeat((8 - ((row.plaintext.length / 2) % 8)) % 8);
    expect(hex(key.decrypt(row.usage, bytes(row.ciphertext)))).toBe(row.plaintext + padding);
  }
});

test(`checksum as MIT Kerberos makes it (${des3.checksum.length} row)`, () => {
  expect(des3.checksum).toHaveLength(1);
  for (const row of des3.checksum) {
    const key = DES3_CBC_SHA1.useKey(bytes(row.key));
    expect(hex(key.checksum(row.usage, bytes(row.data)))).toBe(row.result);
    expect(key.verifyChecksum(row.usage, bytes(row.data), bytes(row.result))).toBe(true);
  }
});

test("refuses every spoiled form of every vector's ciphertext", () => {
  for (const row of des3.encrypt) {
    const key = DES3_CBC_SHA1.useKey(bytes(row.key));
    expect(mistakes(key, row.usage, bytes(row.ciphertext), 8)).toEqual([]);
  }
});

test("agrees with OpenSSL's triple DES and HMAC for random keys and 0 to 4 KiB", () => {
  for (const size of [...Array(33).keys(), 199, 200, 201, 1000, 4095, 4096]) {
    const keyBytes = DES3_CBC_SHA1.generateKey();
    const plaintext = new Uint8Array(randomBytes(size));
    const confounder = new Uint8Array(randomBytes(8));
    const usage = randomBytes(4).readUInt32BE();
    const key = DES3_CBC_SHA1.useKey(keyBytes);
    const sealed = key.encrypt(usage, plaintext, fixed(confounder));
    expect(hex(sealed)).toBe(slowSeal(keyBytes, usage, confounder, plaintext));
    expect(hex(key.decrypt(usage, sealed)).slice(0, size * 2)).toBe(hex(plaintext));
    const mac = createHmac("sha1", slowDerive(keyBytes, usage, 0x99))
      .update(plaintext)
      .digest("hex");
    expect(hex(key.checksum(usage, plaintext))).toBe(mac);
  }
});

test("string-to-key has no parameters, and needs a password or a salt", async () => {
  await expect(DES3_CBC_SHA1.stringToKey("a", bytes("61"), Uint8Array.of(0))).rejects.toThrow(
    new RangeError("params: expected none, got 1 bytes"),
  );
  await expect(DES3_CBC_SHA1.stringToKey("", new Uint8Array())).rejects.toThrow(
    new RangeError("password: expected a password or a salt, got neither"),
  );
});

/** RFC 3961 §5.3 in words. */
function slowSeal(key: Uint8Array, usage: number, confounder: Uint8Array, plaintext: Uint8Array): string {
  const padding = Buffer.alloc((8 - (plaintext.length % 8)) % 8);
  const message = Buffer.concat([confounder, plaintext, padding]);
  const ke = slowDerive(key, usage, 0xaa);
  const ki = slowDerive(key, usage, 0x55);
  const des = createCipheriv("des-ede3-cbc", ke, Buffer.alloc(8)).setAutoPadding(false);
  return des.update(message, undefined, "hex") + createHmac("sha1", ki).update(message).digest("hex");
}

function slowDerive(key: Uint8Array, usage: number, purpose: number): Uint8Array {
  const constant = Buffer.alloc(5, purpose);
  constant.writeUInt32BE(usage);
  let block = Buffer.from(nFold(constant, 8));
  const blocks: Buffer[] = [];
  for (let i = 0; i < 3; i++) {
    block = createCipheriv("des-ede3-ecb", key, null).setAutoPadding(false).update(block);
    blocks.push(block);
  }
  return des3RandomToKey(new Uint8Array(Buffer.concat(blocks).subarray(0, 21)));
}
