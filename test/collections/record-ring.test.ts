/** Records in a ring, beside a plain list of what was added. */
import { expect, test } from "vitest";
import { RecordRing } from "../../src/collections/record-ring.js";

const HEADER_BYTES = 24;

function bytes(length: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 0xff));
}

test("finds what was added last under a key, whole, and nothing under another", () => {
  const ring = new RecordRing(1024);
  const key = bytes(16, 1);
  expect(ring.find(key)).toBeUndefined();
  ring.add(key, bytes(5, 2), bytes(0, 3), bytes(9, 4));
  expect(ring.find(key)).toEqual(Buffer.concat([bytes(5, 2), bytes(9, 4)]));
  ring.add(key, bytes(3, 5));
  expect(ring.find(key)).toEqual(bytes(3, 5));
  expect(ring.find(bytes(16, 2))).toBeUndefined();
  expect(ring.find(key.subarray(1))).toBeUndefined();
});

test("keys that end alike are told apart", () => {
  const ring = new RecordRing(4096);
  const keys = Array.from({ length: 20 }, (_, i) => Buffer.concat([bytes(6, i), Buffer.of(9, 9)]));
  keys.forEach((key, i) => {
    ring.add(key, bytes(4, i));
  });
  keys.forEach((key, i) => {
    expect(ring.find(key)).toEqual(bytes(4, i));
  });
});

test("the oldest make room, over and over, and the bytes never exceed the size", () => {
  const size = 8 * 251;
  const ring = new RecordRing(size);
  const added: { readonly key: Buffer; readonly value: Buffer }[] = [];
  for (let i = 0; i < 3_000; i++) {
    const key = Buffer.alloc(8);
    key.writeDoubleBE(i / 7);
    const value = bytes((i * 53) % 300, i);
    ring.add(key, value);
    added.push({ key, value });
    const { entries, bytes: taken, maxBytes } = ring.load;
    expect(taken).toBeLessThanOrEqual(maxBytes);
    const kept = added.slice(-entries);
    const sum = kept.reduce((total, one) => total + HEADER_BYTES + 8 + one.value.length, 0);
    expect(sum).toBeLessThanOrEqual(size);
    for (const one of kept) expect(ring.find(one.key)).toEqual(one.value);
    const gone = added.at(-entries - 1);
    if (gone === undefined) continue;
    expect(ring.find(gone.key)).toBeUndefined();
    // There is room for all but what is left over at the end of the buffer, and one more record.
    expect(sum).toBeGreaterThan(size - 3 * (HEADER_BYTES + 8 + 300) - 8 * entries);
  }
});

test("what is larger than the ring is not kept, and pushes nothing out", () => {
  const ring = new RecordRing(256);
  ring.add(bytes(8, 1), bytes(8, 1));
  ring.add(bytes(8, 2), bytes(256, 2));
  expect(ring.find(bytes(8, 1))).toEqual(bytes(8, 1));
  expect(ring.find(bytes(8, 2))).toBeUndefined();
  expect(ring.load).toEqual({ entries: 1, bytes: 40, maxBytes: 256 });
});

test("a size that is no multiple of eight is refused", () => {
  expect(() => new RecordRing(100)).toThrow(new RangeError("size: expected a multiple of 8, got 100"));
});
