/** What the store overwrites when it is done with it: SECURITY.md, "Memory". */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createMasterKey, loadMasterKey, MasterKey } from "../../src/store/master-key.js";
import { decodePrincipal, encodePrincipal } from "../../src/store/principal-record.js";
import { makeEntry } from "../support/entries.js";
import { type Contents, wipedBy } from "../support/wiped.js";

const folder = mkdtempSync(join(tmpdir(), "tessera-wiping-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = new Uint8Array(32).fill(0x5a);
const masterKey = new MasterKey(SECRET);

/** How often exactly these bytes were overwritten. */
function times(wiped: readonly Contents[], bytes: Uint8Array): number {
  return wiped.filter((contents) => Buffer.compare(Buffer.from(contents), bytes) === 0).length;
}

describe("a principal's record", () => {
  const entry = makeEntry("alice", [20, 3]);
  const keys = entry.keys.map(({ key }) => key.exportBytes());
  const sealing = masterKey.exportSealingKey();
  const record = encodePrincipal(entry, masterKey);

  test("is written without leaving a copy of its keys, or of the key that seals them", async () => {
    const wiped = await wipedBy(() => encodePrincipal(entry, masterKey));
    expect(keys.map((key) => times(wiped, key))).toEqual([1, 1]);
    expect(times(wiped, sealing)).toBe(2);
  });

  test("is read without leaving a copy of its keys, or of the key that seals them", async () => {
    const wiped = await wipedBy(() => {
      for (const { key } of decodePrincipal(record, masterKey, entry.principal).keys) {
        expect(key.equals(key)).toBe(true);
        key.wipe();
      }
    });
    expect(keys.map((key) => times(wiped, key))).toEqual([1, 1]);
    expect(times(wiped, sealing)).toBe(2);
  });

  test("of which no key is used opens none", async () => {
    const wiped = await wipedBy(() => {
      for (const { key } of decodePrincipal(record, masterKey, entry.principal).keys) {
        key.wipe();
        expect(() => key.cipher).toThrow("already wiped");
        expect(key.exportBytes()).toEqual(new Uint8Array(key.etype.keySize));
      }
    });
    expect(wiped).toEqual([]);
  });

  test("that holds a key of another length leaves none either", async () => {
    const short = Uint8Array.of(1, 2, 3);
    const key = { etype: entry.keys[0]!.key.etype, exportBytes: () => Uint8Array.from(short) } as never;
    const odd = encodePrincipal({ ...entry, keys: [{ kvno: 1, key }] }, masterKey);
    const wiped = await wipedBy(() =>
      expect(() => decodePrincipal(odd, masterKey, entry.principal).keys[0]!.key.cipher).toThrow(
        "changed or damaged",
      ),
    );
    expect([times(wiped, short), times(wiped, sealing)]).toEqual([1, 1]);
  });
});

describe("the master key", () => {
  const file = join(folder, "master.key");

  test("is made without leaving a copy: not of its random bytes, nor of the file", async () => {
    const random = Uint8Array.from(SECRET);
    const wiped = await wipedBy(() => createMasterKey(file, () => random));
    expect(random).toEqual(new Uint8Array(32));
    expect(times(wiped, readFileSync(file))).toBe(1);
  });

  test("that can't be written leaves none", async () => {
    const random = Uint8Array.from(SECRET);
    const contents = readFileSync(file);
    const wiped = await wipedBy(() =>
      expect(createMasterKey(file, () => random)).rejects.toMatchObject({ code: "exists" }),
    );
    expect(random).toEqual(new Uint8Array(32));
    expect(times(wiped, contents)).toBe(1);
  });

  test("is read without leaving a copy of the file", async () => {
    const wiped = await wipedBy(() => loadMasterKey(file));
    // What came from the disk, and what that was put together to.
    expect(times(wiped, readFileSync(file))).toBe(2);
  });

  test("that is none leaves nothing of the file", async () => {
    const other = join(folder, "other.key");
    writeFileSync(other, new Uint8Array(40).fill(0x77), { mode: 0o600 });
    const wiped = await wipedBy(() =>
      expect(loadMasterKey(other)).rejects.toMatchObject({ code: "corrupt" }),
    );
    expect(times(wiped, readFileSync(other))).toBe(2);
  });

  test("is overwritten when it is wiped, and of no more use", async () => {
    const key = new MasterKey(SECRET);
    const sealing = key.exportSealingKey();
    const wiped = await wipedBy(() => key.wipe());
    expect(times(wiped, sealing)).toBe(1);
    expect(wiped).toHaveLength(3);
    expect(key.exportSealingKey()).toEqual(new Uint8Array(32));
    expect(key.authenticate(SECRET)).not.toEqual(masterKey.authenticate(SECRET));
  });
});
