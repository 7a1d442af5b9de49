import { spawnSync } from "node:child_process";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  createKeySchedule,
  decryptCbc,
  decryptEcb,
  encryptCbc,
  encryptEcb,
  pad,
  unpad,
} from "../../src/des/index.js";
import { hex } from "./vectors.js";

const SIZES = [0, 1, 7, 8, 9, 15, 16, 17, 24, 32, 40, 48, 64, 200, 1023, 1024, 2047, 2048, 2056, 4095, 4096];

// OpenSSL 3 has no single DES by default, but triple DES with the same key three times is single DES.
describe("DES beside node:crypto's triple DES", () => {
  for (const keySize of [8, 16, 24]) {
    test(`agrees for random keys of ${keySize} bytes and lengths up to 4 KiB, padded and not`, () => {
      for (const size of SIZES) {
        const key = randomBytes(keySize);
        const iv = randomBytes(8);
        const message = randomBytes(size);
        const blocks = message.subarray(0, size - (size % 8));
        const k1 = key.subarray(0, 8);
        const k2 = keySize === 8 ? k1 : key.subarray(8, 16);
        const k3 = keySize === 24 ? key.subarray(16) : k1;
        const tripled = Buffer.concat([k1, k2, k3]);
        const theirs = (cipher: { update(data: Uint8Array): Buffer; final(): Buffer }, data: Uint8Array) =>
          hex(Buffer.concat([cipher.update(data), cipher.final()]));
        const ecb = () => createCipheriv("des-ede3", tripled, null);
        const cbc = () => createCipheriv("des-ede3-cbc", tripled, iv);
        const openEcb = () => createDecipheriv("des-ede3", tripled, null);
        const openCbc = () => createDecipheriv("des-ede3-cbc", tripled, iv);
        const schedule = createKeySchedule(key);

        const sealedEcb = encryptEcb(schedule, pad(message));
        const sealedCbc = encryptCbc(schedule, iv, pad(message));
        expect(hex(sealedEcb)).toBe(theirs(ecb(), message));
        expect(hex(sealedCbc)).toBe(theirs(cbc(), message));
        expect(theirs(openEcb(), sealedEcb)).toBe(hex(unpad(decryptEcb(schedule, sealedEcb))));
        expect(theirs(openCbc(), sealedCbc)).toBe(hex(unpad(decryptCbc(schedule, iv, sealedCbc))));

        expect(hex(encryptEcb(schedule, blocks))).toBe(theirs(ecb().setAutoPadding(false), blocks));
        expect(hex(encryptCbc(schedule, iv, blocks))).toBe(theirs(cbc().setAutoPadding(false), blocks));
        expect(hex(decryptEcb(schedule, blocks))).toBe(theirs(openEcb().setAutoPadding(false), blocks));
        expect(hex(decryptCbc(schedule, iv, blocks))).toBe(theirs(openCbc().setAutoPadding(false), blocks));
      }
    });
  }
});

const PROVIDERS = ["-provider", "legacy", "-provider", "default"];
const openssl = (args: string[], input: Uint8Array) => spawnSync("openssl", args, { input });
const listed = openssl(["list", ...PROVIDERS, "-cipher-algorithms"], new Uint8Array());
const missing =
  listed.error || listed.status !== 0
    ? "no openssl command with the legacy provider"
    : /\bDES-CBC\b/.test(String(listed.stdout))
      ? ""
      : "openssl has no single DES";

describe("DES beside the openssl command's single DES", () => {
  for (const mode of ["ecb", "cbc"] as const) {
    test(`agrees in ${mode.toUpperCase()}, both ways`, (context) => {
      context.skip(missing !== "", missing);
      const key = randomBytes(8);
      const iv = randomBytes(8);
      const message = randomBytes(203);
      const schedule = createKeySchedule(key);
      const args = [
        "enc",
        `-des-${mode}`,
        ...PROVIDERS,
        "-K",
        hex(key),
        ...(mode === "cbc" ? ["-iv", hex(iv)] : []),
      ];
      const sealed =
        mode === "ecb" ? encryptEcb(schedule, pad(message)) : encryptCbc(schedule, iv, pad(message));
      expect(hex(openssl(args, message).stdout)).toBe(hex(sealed));
      expect(hex(openssl([...args, "-d"], sealed).stdout)).toBe(hex(message));
    });
  }
});
