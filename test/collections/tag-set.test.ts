/** The set of tags: what is in it, and that it neither loses nor invents any as it grows. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { TagSet } from "../../src/collections/tag-set.js";

const SECRET = [0x12345678, 0x9abcdef0] as const;
const tag = (name: number) => createHash("sha256").update(String(name)).digest().subarray(0, 16);

test("has what was added, once, and nothing else, whatever its size", () => {
  const set = new TagSet(SECRET);
  const tags = Array.from({ length: 60_000 }, (_, i) => tag(i));
  const [added, others] = [tags.slice(0, 50_000), tags.slice(50_000)];
  // One assertion for all: each costs as much as many tags.
  const wrong = added.filter((each) => set.has(each) || !set.add(each) || !set.has(each));
  expect(wrong).toEqual([]);
  expect(added.filter((each) => set.add(each))).toEqual([]);
  expect(others.filter((each) => set.has(each))).toEqual([]);
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
  let added = 0;
  // Counters in each word, as somebody might choose them who would have them collide.
  for (let word = 0; word < 4; word++)
    for (let i = 1; i <= 20_000; i++) {
      const chosen = Buffer.alloc(16);
      chosen.writeUInt32LE(i * 256, word * 4);
      added += Number(set.add(chosen));
    }
  expect(added).toBe(80_000);
  expect(set.size).toBe(80_000);
});
