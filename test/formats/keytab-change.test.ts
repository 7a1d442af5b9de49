import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FileWrite } from "../../src/formats/file-write.js";
import {
  emptyKeytab,
  formatKeytab,
  formatKeytabEntry,
  isKey,
  type KeytabEntry,
  parseKeytab,
  readKeytabLayout,
} from "../../src/formats/keytab.js";
import { planAddition, planRemoval } from "../../src/formats/keytab-change.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { wipedBy } from "../support/wiped.js";

const T = Date.UTC(2026, 2, 1);
const entry = (name: string, kvno: number, etype = 20): KeytabEntry => ({
  principal: parsePrincipal(`${name}@EXAMPLE.TEST`, "name"),
  kvno,
  timestamp: T,
  key: new Key(etypeOf(etype), new Uint8Array(etypeOf(etype).keySize).fill(kvno)),
});
const names = (bytes: Uint8Array) => parseKeytab(bytes).map(({ principal, kvno }) => `${principal} ${kvno}`);

/** The file after some writes. */
function written(bytes: Uint8Array, writes: readonly FileWrite[]): Uint8Array {
  const size = writes.reduce((end, { offset, bytes }) => Math.max(end, offset + bytes.length), bytes.length);
  const file = new Uint8Array(size);
  file.set(bytes);
  for (const write of writes) file.set(write.bytes, write.offset);
  return file;
}

const added = (file: Uint8Array, ...entries: KeytabEntry[]) => {
  const { bodies, lengths } = planAddition(readKeytabLayout(file), entries);
  return written(file, [...bodies, ...lengths]);
};
const removed = (file: Uint8Array, kvno: number) =>
  written(
    file,
    planRemoval(readKeytabLayout(file).slots.filter(({ held }) => held && isKey(held) && held.kvno === kvno)),
  );

describe("a keytab changed in place", () => {
  it("gets entries at its end, in order, and keeps every byte it had", () => {
    const file = added(emptyKeytab(), entry("a", 1), entry("b", 2));
    expect(names(file)).toEqual(["a@EXAMPLE.TEST 1", "b@EXAMPLE.TEST 2"]);
    const more = added(file, entry("c", 3));
    expect(more.subarray(0, file.length)).toEqual(file);
    expect(more).toEqual(formatKeytab([entry("a", 1), entry("b", 2), entry("c", 3)]));
  });

  it("shows nothing of an entry before its length word, and half of it to nobody", () => {
    const file = formatKeytab([entry("a", 1)]);
    const { bodies, lengths } = planAddition(readKeytabLayout(file), [entry("b", 2), entry("c", 3)]);
    expect(names(written(file, bodies))).toEqual(["a@EXAMPLE.TEST 1"]);
    for (let bytes = 0; bytes <= bodies[0]!.bytes.length; bytes++)
      expect(names(written(file, [{ ...bodies[0]!, bytes: bodies[0]!.bytes.subarray(0, bytes) }]))).toEqual([
        "a@EXAMPLE.TEST 1",
      ]);
    expect(names(written(file, [...bodies, lengths[0]!]))).toEqual(["a@EXAMPLE.TEST 1", "b@EXAMPLE.TEST 2"]);
  });

  it("makes a hole of a removed entry, in which no byte of the key stays", () => {
    const file = formatKeytab([entry("a", 1), entry("b", 0xab), entry("c", 3)]);
    const hole = removed(file, 0xab);
    expect(names(hole)).toEqual(["a@EXAMPLE.TEST 1", "c@EXAMPLE.TEST 3"]);
    expect(hole).toHaveLength(file.length);
    expect([...hole]).not.toContain(0xab);
  });

  it("fills the first hole that is large enough, padded with zeros, and counts only then", () => {
    const file = removed(formatKeytab([entry("a", 1), entry("long/er.name", 2), entry("c", 3)]), 2);
    const { bodies, lengths } = planAddition(readKeytabLayout(file), [entry("b", 4)]);
    expect(names(written(file, bodies))).toEqual(["a@EXAMPLE.TEST 1", "c@EXAMPLE.TEST 3"]);
    const filled = written(file, [...bodies, ...lengths]);
    expect(names(filled)).toEqual(["a@EXAMPLE.TEST 1", "b@EXAMPLE.TEST 4", "c@EXAMPLE.TEST 3"]);
    expect(filled).toHaveLength(file.length);
    expect(added(file, entry("much/longer.name.than.that", 5))).not.toHaveLength(file.length);
  });

  it("fills a hole of just its size, and none that is a byte too small", () => {
    const file = removed(formatKeytab([entry("ab", 2), entry("c", 3)]), 2);
    expect(added(file, entry("de", 4))).toHaveLength(file.length);
    expect(added(file, entry("def", 4)).length).toBeGreaterThan(file.length);
  });

  it("keeps no copy of a key besides the bytes that are to be written", async () => {
    const layout = readKeytabLayout(removed(formatKeytab([entry("ab", 2), entry("c", 3)]), 2));
    const body = [...formatKeytabEntry(entry("de", 4))];
    const wiped = await wipedBy(() => planAddition(layout, [entry("de", 4), entry("de", 4)]));
    expect(wiped.filter((contents) => contents.join() === body.join())).toHaveLength(2);
  });

  it("is as it was once an addition is taken back", () => {
    const file = removed(formatKeytab([entry("a", 1), entry("b", 2)]), 1);
    const { bodies, lengths, undo, undoSize } = planAddition(readKeytabLayout(file), [
      entry("c", 3),
      entry("d", 4),
    ]);
    const whole = written(file, [...bodies, ...lengths]);
    expect(names(whole)).toHaveLength(3);
    expect(written(whole.subarray(0, undoSize), undo)).toEqual(file);
  });

  it.each([
    ["an end mark", "00000000"],
    ["an end mark and what a writer left that was killed", `00000000${"5a".repeat(200)}`],
    ["part of a length word", "0000"],
  ])("takes entries in place of %s, and nothing behind them counts", (_, hex) => {
    const head = formatKeytab([entry("a", 1)]);
    const file = new Uint8Array(Buffer.concat([head, Buffer.from(hex, "hex")]));
    const { bodies, lengths, undo, undoSize } = planAddition(readKeytabLayout(file), [entry("b", 2)]);
    const whole = written(file, [...bodies, ...lengths]);
    expect(names(whole)).toEqual(["a@EXAMPLE.TEST 1", "b@EXAMPLE.TEST 2"]);
    expect(names(added(whole, entry("c", 3)))).toHaveLength(3);
    expect(names(written(whole.subarray(0, undoSize), undo))).toEqual(["a@EXAMPLE.TEST 1"]);
  });

  it("writes an end mark only where something stands behind what was appended", () => {
    const head = formatKeytab([entry("a", 1)]);
    const body = formatKeytabEntry(entry("b", 2));
    const behind = (rest: number) =>
      new Uint8Array(Buffer.concat([head, new Uint8Array(4), new Uint8Array(rest).fill(0x5a)]));
    const writes = (file: Uint8Array) => planAddition(readKeytabLayout(file), [entry("b", 2)]).bodies.length;
    expect([-1, 0, 1].map((more) => writes(behind(body.length + more)))).toEqual([1, 1, 2]);
    expect(writes(head)).toBe(1);
    // An entry that fills a hole leaves the end of the keytab where it was.
    const hole = removed(formatKeytab([entry("b", 2)]), 2);
    expect(writes(new Uint8Array(Buffer.concat([hole, behind(9).subarray(head.length)])))).toBe(1);
  });

  it("refuses to append behind an entry that the file's end cuts short", () => {
    const file = formatKeytab([entry("a", 1)]).subarray(0, 20);
    expect(() => added(file, entry("b", 2))).toThrow(
      new RangeError("keytab: expected whole entries, got one that ends inside an entry"),
    );
  });

  it("keeps what others wrote, byte for byte, through any changes", () => {
    const foreign = formatKeytabEntry(entry("host/web", 3));
    foreign[foreign.length - 4 - 32 - 3] = 18; // the encryption type's low byte
    const word = Buffer.from([0, 0, 0, foreign.length]);
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 200 }), name: fc.constantFrom("a", "b/long.er", "c/d") }),
      fc.record({ remove: fc.integer({ min: 1, max: 200 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let file = new Uint8Array(Buffer.concat([formatKeytab([entry("x", 201)]), word, foreign]));
        const at = file.length - foreign.length;
        const expected = new Map([["x@EXAMPLE.TEST 201", 201]]);
        for (const made of steps) {
          if ("add" in made) {
            file = new Uint8Array(added(file, entry(made.name, made.add)));
            expected.set(`${made.name}@EXAMPLE.TEST ${made.add}`, made.add);
          } else {
            file = new Uint8Array(removed(file, made.remove));
            for (const [name, kvno] of expected) if (kvno === made.remove) expected.delete(name);
          }
        }
        expect(new Set(names(file))).toEqual(new Set(expected.keys()));
        expect(Buffer.compare(file.subarray(at, at + foreign.length), foreign)).toBe(0);
      }),
    );
  });
});
