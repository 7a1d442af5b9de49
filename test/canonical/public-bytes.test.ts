import { expect, test } from "vitest";
import { publicBytes } from "../../src/canonical/public-bytes.js";

test("every buffer is zero, of the size asked for, and nobody else's", () => {
  const sizes = [0, 1, 24, 300, 2048, 2049, 5000, ...Array.from({ length: 200 }, (_, i) => i)];
  const buffers = sizes.map((size) => publicBytes(size));
  buffers.forEach((bytes, i) => {
    expect(bytes).toStrictEqual(new Uint8Array(sizes[i]!));
    bytes.fill(1);
  });
  for (const bytes of buffers) expect(bytes.every((byte) => byte === 1)).toBe(true);
});
