import { expect, test } from "vitest";
import { DES_EDE_ECB } from "../../src/crypto/des-ede-ecb.js";
import { mitDesStringToKey } from "../../src/crypto/mit-des-string-to-key.js";
import { bytes, hex, refusal } from "./vectors.js";

const SALT = bytes("4558414d504c452e54455354616c696365");

test("derives two different keys, from the salt followed by 1 and by 2", async () => {
  const key = await DES_EDE_ECB.stringToKey("correct horse", SALT);
  expect(hex(key.slice(0, 8))).toBe(hex(mitDesStringToKey("correct horse", new Uint8Array([...SALT, 1]))));
  expect(hex(key.slice(8))).toBe(hex(mitDesStringToKey("correct horse", new Uint8Array([...SALT, 2]))));
  expect(hex(key.slice(0, 8))).not.toBe(hex(key.slice(8)));
});

test("neither half is the DES key of the same password", async () => {
  // Every length of the salt modulo the block: a suffix of zero would vanish in the padding.
  for (let size = 0; size < 16; size++) {
    const salt = SALT.slice(0, size);
    const single = hex(mitDesStringToKey("correct horse", salt));
    const key = await DES_EDE_ECB.stringToKey("correct horse", salt);
    expect([hex(key.slice(0, 8)), hex(key.slice(8))]).not.toContain(single);
  }
});

test("refuses a key of two equal halves, which is single DES", () => {
  expect(refusal(() => DES_EDE_ECB.useKey(bytes("0123456789abcdef0123456789abcdef")))).toBe(
    "RangeError: key: expected neighbouring DES keys to differ, got equal ones",
  );
});
