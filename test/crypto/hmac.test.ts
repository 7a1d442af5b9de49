import { createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { hmac, SHA1, SHA256, SHA384 } from "../../src/crypto/hmac.js";
import { hex, refusal } from "./vectors.js";

test.each([SHA1, SHA256, SHA384])("agrees with node:crypto's Hmac, $name", (algorithm) => {
  for (const size of [0, 1, 63, 64, 65, 127, 128, 129, 500, 3950, 4000, 4096, 20_000])
    for (const keySize of [0, 1, 16, 24, 32, algorithm.blockSize]) {
      const key = new Uint8Array(randomBytes(keySize));
      const data = new Uint8Array(randomBytes(size));
      const right = createHmac(algorithm.name, key).update(data).digest("hex");
      const cut = size >>> 1;
      expect(hex(hmac(algorithm, algorithm.digestSize, key, data))).toBe(right);
      expect(hex(hmac(algorithm, 12, key, data.subarray(0, cut), data.subarray(cut)))).toBe(
        right.slice(0, 24),
      );
    }
});

test("refuses a key longer than a block of the hash", () => {
  expect(refusal(() => hmac(SHA256, 32, new Uint8Array(65), new Uint8Array()))).toBe(
    "RangeError: key: expected at most 64 bytes, got 65",
  );
});
