import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, it } from "vitest";
import {
  PrincipalRecordSchema,
  SealedPrincipalRecordSchema,
} from "../../src/gen/kerberos/storage/v1/principal_record_pb.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { type Principal, parsePrincipal } from "../../src/protocol/principal.js";
import type { PrincipalEntry } from "../../src/protocol/principal-entry.js";
import type { KeyValueStore } from "../../src/store/key-value-store.js";
import { openLmdbStore } from "../../src/store/lmdb/store.js";
import { MasterKey } from "../../src/store/master-key.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import { decodePrincipal, encodePrincipal } from "../../src/store/principal-record.js";
import { PrincipalStore } from "../../src/store/principal-store.js";

const folders: string[] = [];
afterEach(() => {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});
const temporaryFolder = () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-principals-"));
  folders.push(dir);
  return dir;
};

const T = Date.UTC(2026, 0, 2);
const masterKey = new MasterKey(new Uint8Array(32).fill(1));
const ALICE = parsePrincipal("alice@EXAMPLE.TEST", "test");
const BOB = parsePrincipal("bob@EXAMPLE.TEST", "test");

function entryOf(principal: Principal, more: Partial<PrincipalEntry> = {}): PrincipalEntry {
  return {
    principal,
    keys: [20, 19, 16, 3, -2, -1].map((etype, i) => ({
      kvno: i < 3 ? 2 : 1,
      key: randomKey(etypeOf(etype)),
    })),
    stringToKey: new Map([[20, { salt: "EXAMPLE.TESTalice", params: Uint8Array.of(0, 0, 128, 0) }]]),
    passwordKeyed: true,
    disabled: false,
    expiresAt: undefined,
    passwordExpiresAt: T + 1,
    maxLife: 36_000_000,
    maxRenewableLife: undefined,
    createdAt: T,
    modifiedAt: T + 2,
    keysChangedAt: T + 3,
    tgtsFrom: T + 4,
    ...more,
  };
}

/** Entries with their keys' bytes exposed, for comparison. */
const shown = (entry: PrincipalEntry | undefined) =>
  entry && {
    ...entry,
    keys: entry.keys.map(({ kvno, key }) => [kvno, key.etype.etype, [...key.exportBytes()]]),
  };

const listed = async (store: PrincipalStore) => {
  const names: string[] = [];
  for await (const { principal } of store.list()) names.push(principal);
  return names;
};

function principalStoreSuite(name: string, open: () => Promise<KeyValueStore>) {
  describe(`${name}: a principal store`, () => {
    it("returns every field of what was created", async () => {
      const store = new PrincipalStore(await open(), masterKey);
      const alice = entryOf(ALICE);
      const bob = entryOf(BOB, {
        keys: [],
        stringToKey: new Map(),
        disabled: true,
        expiresAt: T,
        maxRenewableLife: 0,
      });
      await store.create(alice);
      await store.create(bob);
      expect(shown(await store.get(ALICE))).toEqual(shown(alice));
      expect(shown(await store.get(BOB))).toEqual(shown(bob));
      expect(await store.get(parsePrincipal("carol@EXAMPLE.TEST", "test"))).toBeUndefined();
      await store.close();
    });

    it("refuses to create what exists and to change what does not", async () => {
      const store = new PrincipalStore(await open(), masterKey);
      await store.create(entryOf(ALICE));
      await expect(store.create(entryOf(ALICE))).rejects.toMatchObject({
        name: "StoreError",
        code: "exists",
      });
      await expect(store.change(BOB, (entry) => entry)).rejects.toMatchObject({ code: "missing" });
      await expect(store.change(ALICE, () => entryOf(BOB))).rejects.toBeInstanceOf(TypeError);
      expect(await store.delete(BOB)).toBe(false);
      expect(await store.delete(ALICE)).toBe(true);
      expect(await store.get(ALICE)).toBeUndefined();
      await store.close();
    });

    it("loses none of 16 concurrent changes, and lets one of 16 attempts to create succeed", async () => {
      const store = new PrincipalStore(await open(), masterKey);
      const attempts = await Promise.allSettled(
        Array.from({ length: 16 }, () => store.create(entryOf(ALICE, { maxLife: 0 }))),
      );
      expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const more = (entry: PrincipalEntry) => ({ ...entry, maxLife: (entry.maxLife ?? 0) + 1 });
      await Promise.all(Array.from({ length: 16 }, () => store.change(ALICE, more)));
      expect((await store.get(ALICE))?.maxLife).toBe(16);
      await store.close();
    });

    it("returns the same entry until the record changes, never an old one, whoever changed it", async () => {
      const records = await open();
      const store = new PrincipalStore(records, masterKey);
      const other = new PrincipalStore(records, masterKey);
      await store.create(entryOf(ALICE));
      const first = await store.get(ALICE);
      expect(await store.get(ALICE)).toBe(first);
      await other.change(ALICE, (entry) => ({ ...entry, disabled: true }));
      expect((await store.get(ALICE))?.disabled).toBe(true);
      await other.delete(ALICE);
      expect(await store.get(ALICE)).toBeUndefined();
      await store.close();
    });

    it("lists by name", async () => {
      const store = new PrincipalStore(await open(), masterKey);
      const names = ["zoe@A.TEST", "alice@A.TEST", "alice/admin@A.TEST", "Bob@A.TEST", "alice.b@A.TEST"];
      for (const principal of names)
        await store.create(entryOf(parsePrincipal(principal, "test"), { keys: [] }));
      expect(await listed(store)).toEqual([...names].sort());
      await store.close();
    });

    it("refuses a record with any byte changed, and says whose it is", async () => {
      const records = await open();
      const store = new PrincipalStore(records, masterKey);
      await store.create(entryOf(ALICE));
      const good = (await records.get(`principal:${ALICE}`)) as Uint8Array;
      for (let at = 0; at < good.length; at++) {
        const bad = Uint8Array.from(good);
        bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
        await records.update(`principal:${ALICE}`, () => bad);
        await expect(store.get(ALICE), `byte ${at}`).rejects.toMatchObject({
          name: "StoreError",
          code: expect.stringMatching(/^(corrupt|wrong-key)$/),
          message: expect.stringContaining(ALICE),
        });
      }
      const unknownField = Uint8Array.of(0x2a, 0);
      for (const bad of [
        ...[0, 1, 10, good.length - 1].map((length) => good.subarray(0, length)),
        Buffer.concat([good, unknownField]),
      ]) {
        await records.update(`principal:${ALICE}`, () => bad);
        await expect(store.get(ALICE)).rejects.toMatchObject({ name: "StoreError" });
      }
      await expect(store.create(entryOf(ALICE))).rejects.toMatchObject({ code: "exists" });
      expect(await store.delete(ALICE)).toBe(true);
      await store.close();
    });

    it("refuses another principal's record under this name", async () => {
      const records = await open();
      const store = new PrincipalStore(records, masterKey);
      await store.create(entryOf(ALICE));
      const bytes = await records.get(`principal:${ALICE}`);
      await records.update(`principal:${BOB}`, () => bytes);
      await expect(store.get(BOB)).rejects.toMatchObject({ code: "corrupt" });
      await expect(listed(store)).rejects.toMatchObject({ code: "corrupt" });
      await store.close();
    });
  });
}

principalStoreSuite("memory:", async () => openMemoryStore());
principalStoreSuite("lmdb:", () => openLmdbStore(join(temporaryFolder(), "kv")));

describe("principal record", () => {
  it("names a wrong master key", () => {
    const bytes = encodePrincipal(entryOf(ALICE), masterKey);
    const other = new MasterKey(new Uint8Array(32).fill(2));
    expect(() => decodePrincipal(bytes, other, ALICE)).toThrow(
      expect.objectContaining({ code: "wrong-key" }),
    );
  });

  it("refuses sealed keys swapped between etypes, versions or principals, under a valid seal too", () => {
    const alice = encodePrincipal(entryOf(ALICE), masterKey);
    const bob = encodePrincipal(entryOf(BOB), masterKey);
    const bobsKeys = recordOf(bob).keys;
    const swaps: ((record: ReturnType<typeof recordOf>) => void)[] = [
      (record) => record.keys.splice(0, 1, bobsKeys[0] as (typeof bobsKeys)[0]),
      (record) => Object.assign(record.keys[0] ?? {}, { kvno: 9 }),
      (record) => Object.assign(record.keys[1] ?? {}, { etype: -2 }),
      (record) => Object.assign(record.keys[0] ?? {}, { cipher: record.keys[0]?.cipher.subarray(0, 15) }),
      (record) => Object.assign(record.keys[0] ?? {}, { nonce: new Uint8Array() }),
    ];
    for (const swap of swaps) {
      const record = recordOf(alice);
      swap(record);
      // A key opens when it is first used.
      const open = () =>
        decodePrincipal(resealed(record), masterKey, ALICE).keys.map(({ key }) => key.cipher);
      expect(open).toThrow(expect.objectContaining({ code: "corrupt" }));
    }
    expect(shown(decodePrincipal(resealed(recordOf(alice)), masterKey, ALICE))).toBeDefined();
  });

  it("names a record of a newer release", () => {
    const record = recordOf(encodePrincipal(entryOf(ALICE), masterKey));
    expect(() => decodePrincipal(resealed(record, 3), masterKey, ALICE)).toThrow(
      expect.objectContaining({ code: "version" }),
    );
    Object.assign(record.keys[0] ?? {}, { etype: 4711 });
    expect(() => decodePrincipal(resealed(record), masterKey, ALICE)).toThrow(
      expect.objectContaining({ code: "version" }),
    );
  });

  it("leaves no key bytes in the files of the store", async () => {
    const dir = join(temporaryFolder(), "kv");
    const store = new PrincipalStore(await openLmdbStore(dir), masterKey);
    const entries = [entryOf(ALICE), entryOf(BOB)];
    for (const entry of entries) await store.create(entry);
    await store.close();
    const dump = Buffer.concat(readdirSync(dir).map((file) => readFileSync(join(dir, file))));
    expect(dump.includes(ALICE)).toBe(true);
    for (const { key } of entries.flatMap(({ keys }) => keys))
      expect(dump.includes(Buffer.from(key.exportBytes()))).toBe(false);
    expect(dump.includes(Buffer.alloc(32, 1))).toBe(false);
  });
});

function recordOf(bytes: Uint8Array) {
  return fromBinary(PrincipalRecordSchema, fromBinary(SealedPrincipalRecordSchema, bytes).record);
}

function resealed(message: ReturnType<typeof recordOf>, version = 1): Uint8Array {
  const record = toBinary(PrincipalRecordSchema, message);
  const versionBytes = Buffer.alloc(4);
  versionBytes.writeUInt32BE(version);
  const seal = masterKey.authenticate(versionBytes, masterKey.id, record);
  const sealed = create(SealedPrincipalRecordSchema, { version, masterKeyId: masterKey.id, record, seal });
  return toBinary(SealedPrincipalRecordSchema, sealed);
}
