/** A name that does not exist is read, decoded and made like one that does. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { makeDecoy } from "../../src/protocol/decoy.js";
import { passwordPrincipal } from "../../src/protocol/new-principal.js";
import { krbtgtOf } from "../../src/protocol/principal.js";
import type { KeyValueStore } from "../../src/store/key-value-store.js";
import { openLmdbStore } from "../../src/store/lmdb/store.js";
import { MasterKey } from "../../src/store/master-key.js";
import { MasterKeys } from "../../src/store/master-keys.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import * as records from "../../src/store/principal-record.js";
import { PrincipalStore } from "../../src/store/principal-store.js";
import { makeEntry, makePolicy, NOW, named, REALM } from "../support/entries.js";

const POLICY = makePolicy({ keyEtypes: [20, 19], permittedEtypes: [20, 19] });
const DECOY = makeDecoy(POLICY);
const KEY = new MasterKey(new Uint8Array(32).fill(1));

/** A store that says what was read: the key, and whether something was there. */
async function opened(store: KeyValueStore, masterKeys: MasterKey | MasterKeys = KEY) {
  const read: [key: string, found: boolean][] = [];
  const get = async (key: string) => {
    const bytes = await store.get(key);
    read.push([key, bytes !== undefined]);
    return bytes;
  };
  const watched = {
    get,
    update: store.update.bind(store),
    scan: store.scan.bind(store),
    close: () => store.close(),
  };
  const principals = new PrincipalStore(watched, masterKeys);
  onTestFinished(() => principals.close());
  const alice = await passwordPrincipal(named("alice"), "secret", [20, 19], NOW);
  await principals.create(alice);
  await principals.create(makeEntry(krbtgtOf(REALM), [20]));
  return { principals, alice, read };
}

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "tessera-decoys-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe.each([
  ["memory", async () => openMemoryStore()],
  ["LMDB", () => openLmdbStore(join(newFolder(), "principals"))],
] as const)("in %s", (_, open) => {
  test("a known name gets its own entry, decoded anew each time, with keys to wipe", async () => {
    const { principals, alice } = await opened(await open());
    const { entry, exists } = await principals.clients.getOrDecoy(alice.principal, DECOY);
    expect(exists).toBe(true);
    expect(entry.stringToKey).toEqual(alice.stringToKey);
    expect(entry.keys.map(({ key }, i) => key.equals(alice.keys[i]!.key))).toEqual([true, true]);
    for (const { key } of entry.keys) key.wipe();
    const again = await principals.clients.getOrDecoy(alice.principal, DECOY);
    expect(again.entry.keys[0]!.key.equals(alice.keys[0]!.key)).toBe(true);
    expect((await principals.get(alice.principal))!.keys[0]!.key.equals(alice.keys[0]!.key)).toBe(true);
  });

  test("an unknown name gets a stand-in under its name, with the keys of a password made today", async () => {
    const { principals } = await opened(await open());
    const { entry, exists } = await principals.clients.getOrDecoy(named("nobody"), DECOY);
    expect(exists).toBe(false);
    expect(entry).toMatchObject({ principal: named("nobody"), passwordKeyed: true, disabled: false });
    expect([...entry.stringToKey].map(([etype, { salt }]) => [etype, salt])).toEqual([
      [20, `${REALM}nobody`],
      [19, `${REALM}nobody`],
    ]);
    expect(entry.keys.map(({ key }, i) => key.equals(DECOY.entry.keys[i]!.key))).toEqual([true, true]);
  });

  test("of every name one reading finds something and one does not, in whatever order", async () => {
    const { principals, read } = await opened(await open());
    for (const name of ["alice", "alice", "nobody", "nobody", "somebody"]) {
      read.length = 0;
      await principals.clients.getOrDecoy(named(name), DECOY);
      expect(read.map(([, found]) => found).sort()).toEqual([false, true]);
      expect(read[0]![0]).toBe(`principal:${named(name)}`);
    }
  });
});

test("the record of a decoy is as long as that of a principal made today", async () => {
  const alice = await passwordPrincipal(named("alice"), "secret", POLICY.keyEtypes, NOW);
  const [known, decoy] = [alice, DECOY.entry].map((entry) => records.encodePrincipal(entry, KEY).length);
  expect(Math.abs(known! - decoy!)).toBeLessThan(8);
});

test("a decoy outlives a new master key", async () => {
  const masterKeys = new MasterKeys([KEY]);
  const { principals } = await opened(openMemoryStore(), masterKeys);
  await principals.clients.getOrDecoy(named("nobody"), DECOY);
  const next = new MasterKey(new Uint8Array(32).fill(2));
  vi.spyOn(masterKeys, "current", "get").mockReturnValue(next);
  vi.spyOn(masterKeys, "all", "get").mockReturnValue([next, KEY]);
  expect(await principals.clients.getOrDecoy(named("nobody"), DECOY)).toMatchObject({ exists: false });
  expect(await principals.clients.getOrDecoy(named("alice"), DECOY)).toMatchObject({ exists: true });
});
