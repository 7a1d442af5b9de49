import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { AES_BLOCK_SIZE, AesCts } from "../../src/crypto/aes-cts.js";
import { slowCbcCts } from "./slow-cbc-cts.js";
import { hex } from "./vectors.js";

describe.each([16, 32])("a key of %i bytes", (keySize) => {
  test("starts every message from the zero vector, whatever went before, in either direction", () => {
    const keyBytes = new Uint8Array(randomBytes(keySize));
    const aes = new AesCts(Uint8Array.from(keyBytes));
    for (let round = 0; round < 200; round++) {
      // Some are empty; every third is a long one, which takes another path.
      const size = round % 7 === 0 ? 0 : ((round * 37) % 211) + (round % 3 === 0 ? 4_000 : 0);
      const confounder = new Uint8Array(randomBytes(AES_BLOCK_SIZE));
      const plaintext = new Uint8Array(randomBytes(size));
      const out = new Uint8Array(AES_BLOCK_SIZE + size);
      aes.encrypt(confounder, plaintext, out);
      expect(hex(out)).toBe(slowCbcCts(keyBytes, Buffer.concat([confounder, plaintext])).toString("hex"));
      if (round % 5 > 0) expect(hex(aes.decrypt(out))).toBe(hex(plaintext));
    }
  });

  test("writes no further than the message reaches", () => {
    const aes = new AesCts(new Uint8Array(randomBytes(keySize)));
    for (const size of [0, 1, 15, 16, 17, 31, 32, 33, 4_080, 4_081, 8_000]) {
      const out = new Uint8Array(AES_BLOCK_SIZE + size + 40).fill(0xee);
      aes.encrypt(new Uint8Array(AES_BLOCK_SIZE), new Uint8Array(size), out);
      expect(hex(out.subarray(AES_BLOCK_SIZE + size))).toBe("ee".repeat(40));
    }
  });

  test("wipe overwrites the key it was given", () => {
    const key = new Uint8Array(randomBytes(keySize));
    const aes = new AesCts(key);
    const out = new Uint8Array(48);
    aes.encrypt(new Uint8Array(AES_BLOCK_SIZE), new Uint8Array(32), out);
    aes.decrypt(out);
    aes.wipe();
    expect(hex(key)).toBe("00".repeat(keySize));
  });

  test("can be wiped unused, and after one direction alone", () => {
    const sealed = new Uint8Array(48);
    for (const use of [
      () => {},
      (aes: AesCts) => aes.encrypt(new Uint8Array(AES_BLOCK_SIZE), new Uint8Array(32), sealed),
      (aes: AesCts) => aes.decrypt(sealed),
    ]) {
      const key = new Uint8Array(randomBytes(keySize));
      const aes = new AesCts(key);
      use(aes);
      aes.wipe();
      expect(hex(key)).toBe("00".repeat(keySize));
    }
  });
});
