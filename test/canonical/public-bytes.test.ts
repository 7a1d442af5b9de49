import { expect, test } from "vitest";
import { publicBytes } from "../../src/canonical/public-bytes.js";

test("every buffer is of the size asked for, and its bytes are nobody else's", () => {
  const sizes = [0, 1, 24, 300, 2048, 2049, 5000, 70_000, ...Array.from({ length: 200 }, (_, i) => i)];
  const buffers = sizes.map((size) => publicBytes(size));
  buffers.forEach((bytes, i) => {
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(bytes).toHaveLength(sizes[i]!);
    bytes.fill(i % 251);
  });
  buffers.forEach((bytes, i) => {
    expect(bytes.every((byte) => byte === i % 251)).toBe(true);
  });
});

test("small buffers share a piece of memory", () => {
  const buffers = Array.from({ length: 100 }, () => publicBytes(24).buffer);
  expect(new Set(buffers).size).toBeLessThan(10);
});
