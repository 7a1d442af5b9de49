import { expect, test } from "vitest";
import { systemRandom, takeRandom } from "../../src/crypto/random.js";
import { fixed, hex, refusal } from "./vectors.js";

test("gives as many bytes as asked, in a buffer of their own", () => {
  for (const size of [0, 1, 8, 16, 32, 1024, 1025, 5000]) {
    const bytes = systemRandom(size);
    expect(bytes.length).toBe(size);
    expect(bytes.buffer.byteLength).toBe(size);
  }
});

test("gives no bytes twice, across refills of the pool", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 3000; i++) seen.add(hex(systemRandom(16)));
  expect(seen.size).toBe(3000);
});

test("looks random: every bit is set about half of the time", () => {
  const counts = new Array<number>(64).fill(0);
  for (let i = 0; i < 4000; i++) {
    const bytes = systemRandom(8);
    for (let bit = 0; bit < 64; bit++) counts[bit]! += (bytes[bit >>> 3]! >>> (bit & 7)) & 1;
  }
  // Eight standard deviations: never by chance.
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(8 * Math.sqrt(1000));
});

test("a source that gives another number of bytes is refused", () => {
  expect(refusal(() => takeRandom(fixed(new Uint8Array(15)), 16))).toBe(
    "RangeError: random: expected 16 bytes, got 15",
  );
});
