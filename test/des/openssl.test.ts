import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  createKeySchedule,
  decryptCbc,
  decryptEcb,
  encryptCbc,
  encryptEcb,
  pad,
} from "../../src/des/index.js";

// OpenSSL 3 has no single DES by default, but triple DES with the same key three times is single DES.
const plain = (bytes: Uint8Array) => new Uint8Array(bytes);

describe("DES beside OpenSSL's triple DES", () => {
  for (const keySize of [8, 16, 24]) {
    test(`agrees for keys of ${keySize} bytes and lengths from 0 to 4 KiB`, () => {
      for (const size of [0, 1, 7, 8, 9, 15, 16, 17, 24, 32, 40, 48, 56, 64, 200, 1023, 1024, 4095, 4096]) {
        const key = randomBytes(keySize);
        const iv = randomBytes(8);
        const message = randomBytes(size);
        const k1 = key.subarray(0, 8);
        const k2 = keySize >= 16 ? key.subarray(8, 16) : k1;
        const k3 = keySize === 24 ? key.subarray(16) : k1;
        const tripled = Buffer.concat([k1, k2, k3]);
        const schedule = createKeySchedule(key);
        const blocks = message.subarray(0, size - (size % 8));

        const ecb = createCipheriv("des-ede3", tripled, null);
        expect(plain(encryptEcb(schedule, pad(message)))).toEqual(
          plain(Buffer.concat([ecb.update(message), ecb.final()])),
        );
        const cbc = createCipheriv("des-ede3-cbc", tripled, iv);
        expect(plain(encryptCbc(schedule, iv, pad(message)))).toEqual(
          plain(Buffer.concat([cbc.update(message), cbc.final()])),
        );
        const openEcb = createDecipheriv("des-ede3", tripled, null).setAutoPadding(false);
        expect(plain(decryptEcb(schedule, blocks))).toEqual(
          plain(Buffer.concat([openEcb.update(blocks), openEcb.final()])),
        );
        const openCbc = createDecipheriv("des-ede3-cbc", tripled, iv).setAutoPadding(false);
        expect(plain(decryptCbc(schedule, iv, blocks))).toEqual(
          plain(Buffer.concat([openCbc.update(blocks), openCbc.final()])),
        );
      }
    });
  }
});
