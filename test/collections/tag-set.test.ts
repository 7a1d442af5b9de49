/** The set of tags: what is in it, and that it neither loses nor invents any as it grows. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { TagSet } from "../../src/collections/tag-set.js";

const SECRET = [0x12345678, 0x9abcdef0] as const;
const tag = (name: number) => createHash("sha256").update(String(name)).digest().subarray(0, 16);

test("has what was added, once, and nothing else, whatever its size", () => {
  const set = new TagSet(SECRET);
  for (let i = 0; i < 50_000; i++) {
    expect(set.has(tag(i))).toBe(false);
    expect(set.add(tag(i))).toBe(true);
    expect(set.has(tag(i))).toBe(true);
  }
  for (let i = 0; i < 50_000; i++) expect(set.add(tag(i))).toBe(false);
  for (let i = 50_000; i < 60_000; i++) expect(set.has(tag(i))).toBe(false);
  expect(set.size).toBe(50_000);
});

test("has the tag of zero bytes like any other", () => {
  const set = new TagSet(SECRET);
  expect(set.has(new Uint8Array(16))).toBe(false);
  expect(set.add(new Uint8Array(16))).toBe(true);
  expect(set.add(new Uint8Array(16))).toBe(false);
  expect(set.has(new Uint8Array(16))).toBe(true);
  expect(set.size).toBe(1);
});

test("spreads tags that are chosen alike", () => {
  const set = new TagSet(SECRET);
  // Counters in each word, as somebody might choose them who would have them collide.
  for (let word = 0; word < 4; word++)
    for (let i = 1; i <= 20_000; i++) {
      const chosen = Buffer.alloc(16);
      chosen.writeUInt32LE(i * 256, word * 4);
      expect(set.add(chosen)).toBe(true);
    }
  expect(set.size).toBe(80_000);
});
