/**
 * Damaged databases, each with the page or the number that is wrong. The story: where the file was cut short,
 * or names a page beyond its end, LMDB's code ends the process with SIGBUS or SIGSEGV, and no sentence.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { endianness, tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { damageOfLmdbFile } from "../../../src/store/lmdb/file-check.js";
import { openLmdbStore } from "../../../src/store/lmdb/store.js";
import { examineLmdbStore, triedInProcess } from "../../../src/store/lmdb/trial.js";
import { examineStore } from "../../../src/store/open-store.js";
import { StoreError } from "../../../src/store/store-error.js";

const PAGE = 4096;
const root = mkdtempSync(join(tmpdir(), "lmdb-check-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A database of two levels with long records and free pages, and a copy of it for each test. */
const good = join(root, "good");
const dir = join(root, "copy");
const data = join(dir, "data.mdb");
beforeAll(async () => {
  const store = await openLmdbStore(good);
  const record = (i: number) => Buffer.alloc(i % 50 === 0 ? 3 * PAGE : 300, i);
  for (let i = 0; i < 300; i++) await store.update(`key ${i}`, () => record(i));
  for (let i = 0; i < 20; i++) await store.update(`key ${i}`, () => undefined);
  await store.close();
});
beforeEach(() => {
  rmSync(dir, { recursive: true, force: true });
  cpSync(good, dir, { recursive: true });
});

/** The numbers in the newer meta page: where it is, and what it says. */
function meta(bytes: Buffer) {
  const transaction = (page: number) => bytes.readBigUInt64LE(page * PAGE + 152);
  const at = transaction(0) > transaction(1) ? 0 : PAGE;
  const number = (offset: number) => Number(bytes.readBigUInt64LE(at + offset));
  return { at, freeRoot: number(88), mainRoot: number(136), lastPage: number(144) };
}

/** Where the nodes of a page are. */
function nodes(bytes: Buffer, page: number): number[] {
  const at = page * PAGE;
  const count = bytes.readUInt16LE(at + 20) / 2;
  return Array.from({ length: count }, (_, i) => at + 24 + bytes.readUInt16LE(at + 24 + 2 * i));
}

/** The leaf below the root that has a long record, and where its node says in which pages. */
function longRecord(bytes: Buffer): number {
  for (const child of nodes(bytes, meta(bytes).mainRoot).map((at) => bytes.readUInt32LE(at)))
    for (const at of nodes(bytes, child))
      if (bytes.readUInt16LE(at + 4) === 1) return at + 8 + bytes.readUInt16LE(at + 6);
  throw new Error("no long record");
}

function change(spoil: (bytes: Buffer) => void): void {
  const bytes = readFileSync(data);
  spoil(bytes);
  writeFileSync(data, bytes);
}

const LITTLE = endianness() === "LE";

describe.runIf(LITTLE)("a database that LMDB wrote", () => {
  it("is whole, to the last page", async () => {
    expect([damageOfLmdbFile(data), damageOfLmdbFile(data, true)]).toEqual([undefined, undefined]);
    expect(await examineLmdbStore(dir)).toBeUndefined();
    expect(await examineStore(`lmdb:${dir}`)).toBeUndefined();
    expect(await examineStore("memory:")).toBeUndefined();
  });

  it("may lack free pages at its end, which LMDB does not always write", async () => {
    const store = await openLmdbStore(dir);
    await store.update("long", () => Buffer.alloc(40 * PAGE));
    await store.update("long", () => undefined);
    await store.close();
    const { lastPage } = meta(readFileSync(data));
    truncateSync(data, (lastPage - 20) * PAGE);
    expect(damageOfLmdbFile(data)).toBeUndefined();
    const again = await openLmdbStore(dir);
    await again.update("long", () => Buffer.alloc(40 * PAGE, 1));
    expect((await again.get("long"))?.length).toBe(40 * PAGE);
    await again.close();
  });

  it("is checked while others write to it", async () => {
    const store = await openLmdbStore(dir);
    for (let round = 0; round < 50; round++) {
      const keys = Array.from({ length: 20 }, (_, i) => `key ${(round * 37 + i * 11) % 300}`);
      const writes = keys.map((key, i) => store.update(key, () => Buffer.alloc(i * 400, round)));
      expect(damageOfLmdbFile(data, true)).toBeUndefined();
      await Promise.all(writes);
    }
    await store.close();
  });

  it("may be empty, or not there yet", () => {
    writeFileSync(data, "");
    expect(damageOfLmdbFile(data)).toBeUndefined();
    rmSync(data);
    expect(damageOfLmdbFile(data)).toBeUndefined();
  });
});

describe.runIf(LITTLE)("a database is refused at open, by name,", () => {
  const BEYOND = 1_000_000n;
  it.each<[string, () => void, RegExp]>([
    ["cut short by half", () => truncateSync(data, statSync(data).size / 2), /page \d+ of \d+/],
    ["cut to its meta pages", () => truncateSync(data, 2 * PAGE), /page \d+ of 2\)/],
    ["cut within a meta page", () => truncateSync(data, PAGE + 100), /no second meta page/],
    ["cut within the first", () => truncateSync(data, 100), /no meta page/],
    ["without its first meta page", () => change((bytes) => bytes.fill(0, 0, PAGE)), /no meta page/],
    ["without its second", () => change((bytes) => bytes.fill(0, PAGE, 2 * PAGE)), /no second meta page/],
    ["without both", () => change((bytes) => bytes.fill(0xff, 0, 2 * PAGE)), /no meta page/],
    [
      "that names another page size",
      () => change((bytes) => [0, PAGE].forEach((at) => void bytes.writeUInt32LE(4 * PAGE, at + 48))),
      /no second meta page/,
    ],
    ["with pages of no size", () => change((bytes) => bytes.writeUInt32LE(7, 48)), /page size 7/],
    [
      "whose root is beyond its end",
      () => change((bytes) => bytes.writeBigUInt64LE(BEYOND, meta(bytes).at + 136)),
      /page 1000000 of \d+/,
    ],
    [
      "whose list of free pages is beyond its end",
      () => change((bytes) => bytes.writeBigUInt64LE(BEYOND, meta(bytes).at + 88)),
      /page 1000000 of \d+/,
    ],
    [
      "whose root is a meta page",
      () => change((bytes) => bytes.writeBigUInt64LE(1n, meta(bytes).at + 136)),
      /page 1 of \d+/,
    ],
    [
      "that has records and no root",
      () => change((bytes) => bytes.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, meta(bytes).at + 136)),
      /a tree of depth 2/,
    ],
    [
      "that names a free page beyond its end",
      () =>
        change((bytes) => {
          const [at] = nodes(bytes, meta(bytes).freeRoot);
          bytes.writeBigInt64LE(1n, at! + 8 + 8);
          bytes.writeBigInt64LE(BEYOND, at! + 8 + 16);
        }),
      /free page 1000000 of \d+/,
    ],
    [
      "that names a row of free pages beyond its end",
      () =>
        change((bytes) => {
          const [at] = nodes(bytes, meta(bytes).freeRoot);
          bytes.writeBigInt64LE(2n, at! + 8 + 8);
          bytes.writeBigInt64LE(-BEYOND, at! + 8 + 16);
          bytes.writeBigInt64LE(2n, at! + 8 + 24);
        }),
      /free page 2 of \d+/,
    ],
    [
      "that lists more free pages than the list is long",
      () => change((bytes) => bytes.writeBigInt64LE(BEYOND, nodes(bytes, meta(bytes).freeRoot)[0]! + 16)),
      /a list of free pages that is none/,
    ],
    [
      "with a branch to a page beyond its end",
      () => change((bytes) => bytes.writeUInt32LE(1_000_000, nodes(bytes, meta(bytes).mainRoot)[1]!)),
      /page 1000000 of \d+/,
    ],
    [
      "with two branches to one page",
      () =>
        change((bytes) => {
          const [first, second] = nodes(bytes, meta(bytes).mainRoot);
          bytes.copyWithin(second!, first!, first! + 6);
        }),
      /page \d+ is named twice/,
    ],
    [
      "with a branch to a page that bears another number",
      () =>
        change((bytes) =>
          bytes.writeUInt32LE(1, bytes.readUInt32LE(nodes(bytes, meta(bytes).mainRoot)[1]!) * PAGE),
        ),
      /page \d+ is another/,
    ],
    [
      "with a long record beyond its end",
      () => change((bytes) => bytes.writeBigUInt64LE(BEYOND, longRecord(bytes))),
      /page 100000\d of \d+/,
    ],
    [
      "with a long record of more pages than it fills",
      () => change((bytes) => bytes.writeBigUInt64LE(5n, longRecord(bytes) + 16)),
      /long data in 5 pages/,
    ],
    [
      "with a node beyond its page",
      () => change((bytes) => bytes.writeUInt16LE(PAGE - 4, meta(bytes).mainRoot * PAGE + 24)),
      /an entry beyond its page/,
    ],
    [
      "with more nodes than fit a page",
      () => change((bytes) => bytes.writeUInt16LE(0xfff0, meta(bytes).mainRoot * PAGE + 20)),
      /more entries than fit/,
    ],
  ])("%s", async (_, spoil, text) => {
    spoil();
    const error = await openLmdbStore(dir).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(StoreError);
    const { code, message } = error as StoreError;
    expect([code, message]).toEqual(["corrupt", expect.stringMatching(text)]);
    expect(message).toContain(`${dir}: not a store, or a damaged one; restore it from a backup (`);
    expect(await examineLmdbStore(dir)).toMatch(new RegExp(text.source.replace("\\)", "")));
  });
});

// Whoever has Apple's processors, or an ARM server with large pages, makes stores like these.
describe.runIf(LITTLE)("a database that was made on a machine with larger pages", () => {
  it.each([16_384, 65_536])("of %d bytes is read and written; cut short, it is refused", async (size) => {
    rmSync(dir, { recursive: true });
    mkdirSync(dir, { mode: 0o700 });
    const made = open<Uint8Array, Uint8Array>({
      path: dir,
      noSubdir: false,
      encoding: "binary",
      keyEncoding: "binary",
      useVersions: true,
      pageSize: size,
    });
    for (let i = 0; i < 100; i++) await made.put(Buffer.from(`key ${i}`), Buffer.alloc(size / 16, i), i + 1);
    await made.close();
    const whole = readFileSync(data);
    expect(whole.readUInt32LE(48)).toBe(size);

    const store = await openLmdbStore(dir);
    expect(Buffer.from((await store.get("key 99"))!)).toEqual(Buffer.alloc(size / 16, 99));
    await store.update("another", () => Buffer.alloc(2 * size, 1));
    expect((await store.get("another"))?.length).toBe(2 * size);
    await store.close();

    for (const length of [whole.length / 2, 2 * size, 2 * size - 1, size, PAGE]) {
      writeFileSync(data, whole.subarray(0, length));
      await expect(openLmdbStore(dir)).rejects.toMatchObject({ name: "StoreError", code: "corrupt" });
    }
  });
});

describe("what the driver can't bear", () => {
  it.runIf(process.platform === "linux")("ends another process, and becomes a sentence", async () => {
    truncateSync(data, 2 * PAGE);
    expect(await triedInProcess(dir)).toMatch(/^reading it ended a process with SIG(?:BUS|SEGV)$/);
  });

  it("and refuses, becomes its sentence", async () => {
    expect(await triedInProcess(join(dir, "none"))).toMatch(/^Error: No such file or directory/);
  });
});
