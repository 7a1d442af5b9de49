import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { md5, sha256 } from "../../src/crypto/hash.js";
import { hex } from "./vectors.js";

test("sha256 and md5 agree with node:crypto's Hash and give plain arrays of their own", () => {
  for (const size of [0, 1, 55, 56, 64, 1000]) {
    const data = new Uint8Array(randomBytes(size));
    expect(hex(sha256(data))).toBe(createHash("sha256").update(data).digest("hex"));
    expect(hex(md5(data))).toBe(createHash("md5").update(data).digest("hex"));
  }
  expect(Object.getPrototypeOf(sha256(new Uint8Array()))).toBe(Uint8Array.prototype);
});
