import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DES_CBC_MD5 } from "../../src/crypto/des-cbc-md5.js";
import { DES_ECB } from "../../src/crypto/des-ecb.js";
import { DES_EDE_ECB } from "../../src/crypto/des-ede-ecb.js";
import { isDecryptionError } from "./tampering.js";
import { bytes, desStringToKey, hex, text, thrownBy } from "./vectors.js";

describe.each([DES_ECB, DES_EDE_ECB])("$name", (row) => {
  test("agrees with OpenSSL's ECB and PKCS#5 padding for random keys and 0 to 4 KiB", () => {
    for (const size of [...Array(65).keys(), 199, 200, 201, 1000, 4095, 4096]) {
      const keyBytes = row.generateKey();
      const plaintext = new Uint8Array(randomBytes(size));
      const key = row.useKey(keyBytes);
      const sealed = key.encrypt(1, plaintext);
      const openssl = createCipheriv("des-ede3-ecb", thriceOrEde(keyBytes), null);
      expect(hex(sealed)).toBe(openssl.update(plaintext, undefined, "hex") + openssl.final("hex"));
      expect(hex(key.decrypt(1, sealed))).toBe(hex(plaintext));
    }
  });

  test("lesson: two blocks change places and nobody notices", () => {
    const key = row.useKey(row.generateKey());
    const sealed = key.encrypt(2, Buffer.from("PAY   10TO ALICEPAY 9999TO MARY "));
    const swapped = new Uint8Array([
      ...sealed.slice(16, 24),
      ...sealed.slice(8, 16),
      ...sealed.slice(0, 8),
      ...sealed.slice(24),
    ]);
    expect(Buffer.from(key.decrypt(2, swapped)).toString()).toBe("PAY 9999TO ALICEPAY   10TO MARY ");
  });

  test("lesson: blocks of two tickets make a third, and equal text shows as equal blocks", () => {
    const key = row.useKey(row.generateKey());
    const mine = key.encrypt(2, Buffer.from("mallory.MYKEYMYK"));
    const hers = key.encrypt(2, Buffer.from("alice...HERKEYHE"));
    const forged = new Uint8Array([...hers.slice(0, 8), ...mine.slice(8)]);
    expect(Buffer.from(key.decrypt(2, forged)).toString()).toBe("alice...MYKEYMYK");
    const same = key.encrypt(2, Buffer.from("samesamesamesame"));
    expect(hex(same.slice(0, 8))).toBe(hex(same.slice(8, 16)));
    expect(hex(key.encrypt(3, Buffer.from("samesamesamesame")))).toBe(hex(same));
  });

  test("bad length and bad padding give the one DecryptionError", () => {
    const key = row.useKey(row.generateKey());
    const sealed = key.encrypt(1, new Uint8Array(16));
    const bad = [0, 1, 7, 9, 15, 23].map((size) => sealed.slice(0, size));
    bad.push(sealed.slice(0, 16), sealed.slice(0, 8));
    for (const data of bad) expect(isDecryptionError(thrownBy(() => key.decrypt(1, data)))).toBe(true);
  });

  test("checksum is MD5 in ECB: each half stands for itself", () => {
    const keyBytes = row.generateKey();
    const key = row.useKey(keyBytes);
    const data = new Uint8Array(randomBytes(100));
    const checksum = key.checksum(6, data);
    const openssl = createCipheriv("des-ede3-ecb", thriceOrEde(keyBytes), null).setAutoPadding(false);
    expect(hex(checksum)).toBe(openssl.update(createHash("md5").update(data).digest(), undefined, "hex"));
    expect(key.verifyChecksum(10, data, checksum)).toBe(true);
  });
});

test("des-ecb derives the key that des-cbc-md5 makes with a byte 255 after the salt", async () => {
  for (const row of desStringToKey.vectors) {
    const [password, salt] = [text(row.password), bytes(row.salt)];
    const key = hex(await DES_ECB.stringToKey(password, salt));
    expect(key).toBe(hex(await DES_CBC_MD5.stringToKey(password, Uint8Array.of(...salt, 255))));
    expect(key).not.toBe(row.key);
  }
});

/** OpenSSL 3 has neither single DES nor (everywhere) two-key triple DES; both are three-key triple DES. */
function thriceOrEde(key: Uint8Array): Buffer {
  return Buffer.concat([key.subarray(0, 8), key.subarray(-8), key.subarray(0, 8)]);
}
