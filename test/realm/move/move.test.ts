/** A realm's principals are dumped, loaded, copied and checked. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRealm } from "../../../src/realm/create-realm.js";
import { checkRealm } from "../../../src/realm/move/check.js";
import { copyPrincipals } from "../../../src/realm/move/copy.js";
import { dumpRealm } from "../../../src/realm/move/dump.js";
import { loadDump, realmForDump } from "../../../src/realm/move/load.js";
import type { RecordFault } from "../../../src/realm/move/sealed-records.js";
import { newMasterKey } from "../../../src/realm/new-master-key.js";
import { openRealm } from "../../../src/realm/open-realm.js";
import { addPasswordPrincipal, changePassword } from "../../../src/realm/principal-keys.js";
import { deletePrincipal, existingPrincipal } from "../../../src/realm/principals.js";
import { changeToRandomKeys } from "../../../src/realm/random-keys.js";
import type { RealmDirectory } from "../../../src/realm/realm-directory.js";
import { FILLING_KEY } from "../../../src/store/filling-mark.js";
import { aloneOn, openStore } from "../../../src/store/open-store.js";
import { principalKey } from "../../../src/store/principal-key.js";
import { HAS_POSTGRES, PostgresServer } from "../../support/postgres-server.js";
import { keyBytes, LATER, MADE } from "../realm.js";

const root = mkdtempSync(join(tmpdir(), "tessera-move-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const place = () => join(root, `place${count++}`);

const ALICE = "alice@EXAMPLE.TEST";
const TGS = "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST";
let directory: RealmDirectory;
let dump: string;

async function newRealm(): Promise<RealmDirectory> {
  const made = await createRealm(place(), { profile: "standard", maxLife: 3_600_000 }, MADE);
  await using realm = await openRealm(made);
  await addPasswordPrincipal(realm, "alice", "one", MADE, { etypes: [20] });
  return made;
}

async function aliceOf(from: RealmDirectory): Promise<string[]> {
  await using realm = await openRealm(from);
  return keyBytes(await existingPrincipal(realm, "alice"));
}

/** Works on the database of a realm. */
async function withStore<T>(
  name: string,
  work: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>,
): Promise<T> {
  const store = await openStore(name);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function contents(name: string): Promise<[string, string][]> {
  return withStore(name, async (store) => {
    const all: [string, string][] = [];
    for await (const [key, value] of store.scan("")) all.push([key, Buffer.from(value).toString("hex")]);
    return all;
  });
}

beforeAll(async () => {
  directory = await newRealm();
  dump = place();
  await dumpRealm(directory, dump, MADE);
});

describe("a dump", () => {
  it("knows how many principals there are before it reads them", async () => {
    const made = await newRealm();
    await withStore(made.principals, (store) => store.update(FILLING_KEY, () => Buffer.from("elsewhere")));
    const seen: [number, number][] = [];
    await dumpRealm(made, place(), MADE, (...progress) => void seen.push(progress));
    expect(seen).toEqual([
      [1, 1 / 3],
      [2, 2 / 3],
      [3, 1],
    ]);
  });
});

describe("a dump loaded", () => {
  it("into a folder that is not there makes the realm: settings, master key, principals", async () => {
    const dir = place();
    const made = await realmForDump(dir, dump, { masterKeyFile: directory.masterKeyFile });
    const fractions: number[] = [];
    const loaded = await loadDump(made, dump, { update: false }, ({ fraction }) => fractions.push(fraction));
    expect(loaded).toEqual({ records: 3, resumed: false });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(made.settings).toEqual(directory.settings);
    expect(readFileSync(made.masterKeyFile)).toEqual(readFileSync(directory.masterKeyFile));
    expect(statSync(made.masterKeyFile).mode & 0o777).toBe(0o600);
    expect(await contents(made.principals)).toEqual(await contents(directory.principals));
    expect(await aliceOf(made)).toEqual(await aliceOf(directory));
  });

  it("is refused where there are principals, and replaces them if told to; others stay", async () => {
    const target = await realmForDump(place(), dump, { masterKeyFile: directory.masterKeyFile });
    await loadDump(target, dump, { update: false });
    await expect(loadDump(target, dump, { update: false })).rejects.toMatchObject({
      code: "exists",
      message: expect.stringContaining("there are principals already"),
    });
    await using realm = await openRealm(target);
    await addPasswordPrincipal(realm, "bob", "two", LATER, { etypes: [20] });
    await changePassword(realm, "alice", "changed", [], LATER);
    expect(await loadDump(target, dump, { update: true })).toEqual({ records: 3, resumed: false });
    expect(keyBytes(await existingPrincipal(realm, "alice"))).toEqual(await aliceOf(directory));
    expect(await existingPrincipal(realm, "bob")).toMatchObject({ modifiedAt: LATER });
  });

  it("goes on where it was interrupted; until then the realm is closed to all else", async () => {
    const target = await realmForDump(place(), dump, { masterKeyFile: directory.masterKeyFile });
    await expect(openRealm(target)).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("emptied"),
    });
    const alice = (await contents(directory.principals)).find(([key]) => key === principalKey(ALICE))![1];
    // As it is when the process dies after the first record.
    await loadDump(target, dump, { update: false });
    const mark = await withStore(target.principals, async (store) => {
      for await (const [key] of store.scan("")) await store.update(key, () => undefined);
      await store.update(principalKey(ALICE), () => Buffer.from(alice, "hex"));
      const source = `dump ${(await sealOf(dump)).slice(0, 16)}`;
      await store.update(FILLING_KEY, () => Buffer.from(source));
      return source;
    });
    await expect(openRealm(target)).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining(`half filled (${mark})`),
    });
    const other = place();
    await dumpRealm(directory, other, LATER);
    await expect(loadDump(target, other, { update: true })).rejects.toMatchObject({
      code: "exists",
      message: expect.stringContaining(`being filled from elsewhere (${mark})`),
    });
    expect(await faultsOf(target)).toEqual([[target.dir, "corrupt"]]);
    expect(await loadDump(target, dump, { update: false })).toEqual({ records: 3, resumed: true });
    expect(await contents(target.principals)).toEqual(await contents(directory.principals));
  });

  it("twice at once is loaded once, and the second is told", async () => {
    const target = await realmForDump(place(), dump, { masterKeyFile: directory.masterKeyFile });
    const both = [loadDump(target, dump, { update: false }), loadDump(target, dump, { update: false })];
    const ends = await Promise.allSettled(both);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    // The other fills it, or has just filled it.
    const code = expect.stringMatching(/^(busy|exists)$/);
    expect(ends.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code } });
    expect(await contents(target.principals)).toEqual(await contents(directory.principals));
  });

  it("of another realm or master key, or altered, is refused before anything is written", async () => {
    const other = await createRealm(place(), { realm: "OTHER.TEST" }, MADE);
    const before = await contents(other.principals);
    await expect(loadDump(other, dump, { update: true })).rejects.toMatchObject({
      message: expect.stringContaining("EXAMPLE.TEST, and this one is OTHER.TEST"),
    });
    expect(await contents(other.principals)).toEqual(before);
    const stranger = await createRealm(place(), {}, MADE);
    await expect(loadDump(stranger, dump, { update: true })).rejects.toMatchObject({ code: "wrong-key" });
    await expect(
      realmForDump(place(), dump, { masterKeyFile: stranger.masterKeyFile }),
    ).rejects.toMatchObject({
      code: "wrong-key",
    });
    const bytes = readFileSync(dump);
    const altered = place();
    bytes[bytes.indexOf("alice")]! ^= 1;
    writeFileSync(altered, bytes);
    const empty = await realmForDump(place(), dump, { masterKeyFile: directory.masterKeyFile });
    await expect(loadDump(empty, altered, { update: false })).rejects.toMatchObject({ code: "corrupt" });
    expect(await contents(empty.principals)).toEqual([]);
  });

  it("from before a roll-over needs the old master key, and with it is as good as ever", async () => {
    const rolled = await newRealm();
    const old = place();
    writeFileSync(old, readFileSync(rolled.masterKeyFile), { mode: 0o600 });
    const before = place();
    await dumpRealm(rolled, before, MADE);
    const alice = await aliceOf(rolled);
    await newMasterKey(rolled);
    await expect(loadDump(rolled, before, { update: true })).rejects.toMatchObject({ code: "wrong-key" });
    const restored = await realmForDump(place(), before, { masterKeyFile: old });
    await loadDump(restored, before, { update: false });
    expect(await aliceOf(restored)).toEqual(alice);
  });
});

it("a dump is not made of a database with a record that does not open; the old one stays", async () => {
  const broken = await newRealm();
  await damage(broken, principalKey(ALICE));
  const file = place();
  writeFileSync(file, "the old one");
  await expect(dumpRealm(broken, file, MADE)).rejects.toMatchObject({
    code: "corrupt",
    message: expect.stringContaining(ALICE),
  });
  expect(readFileSync(file, "utf8")).toBe("the old one");
});

it("a dump holds no key, in whatever form, and its master key is not in it", async () => {
  const bytes = readFileSync(dump);
  const holds = (key: Uint8Array) => {
    const raw = Buffer.from(key);
    return (
      bytes.includes(raw) || bytes.includes(raw.toString("hex")) || bytes.includes(raw.toString("base64"))
    );
  };
  await using realm = await openRealm(directory);
  let keys = 0;
  for await (const { keys: longTerm } of realm.principals.list())
    for (const { key } of longTerm) {
      keys++;
      expect(holds(key.exportBytes())).toBe(false);
    }
  expect(keys).toBeGreaterThan(2);
  expect(holds(readFileSync(directory.masterKeyFile).subarray(8))).toBe(false);
  expect(holds(Buffer.from(ALICE))).toBe(true);
});

it.skipIf(!HAS_POSTGRES)(
  "a dump goes into PostgreSQL, and names no database itself (PostgreSQL is not here)",
  async () => {
    await using server = await PostgresServer.start();
    const choice = { masterKeyFile: directory.masterKeyFile, database: server.database() };
    const target = await realmForDump(place(), dump, choice);
    expect(await loadDump(target, dump, { update: false })).toEqual({ records: 3, resumed: false });
    expect(await aliceOf(target)).toEqual(await aliceOf(directory));
    const again = place();
    await dumpRealm(target, again, MADE);
    expect(readFileSync(again).equals(readFileSync(dump))).toBe(true);
    // What is replaced is replaced together; others stay.
    {
      await using realm = await openRealm(target);
      await changePassword(realm, "alice", "changed", [], LATER);
      await changeToRandomKeys(realm, "v/localhost", [], LATER);
      await addPasswordPrincipal(realm, "bob", "two", LATER, { etypes: [20] });
    }
    expect(await loadDump(target, dump, { update: true })).toEqual({ records: 3, resumed: false });
    expect(await aliceOf(target)).toEqual(await aliceOf(directory));
    const kept = "key LIKE 'principal:alice@%' OR key LIKE 'principal:v/%'";
    expect(server.sql(`SELECT count(DISTINCT xmin::text) FROM tessera.principals_1 WHERE ${kept}`)).toBe("1");
    expect(server.sql("SELECT count(*) FROM tessera.principals_1")).toBe("4");
    // Where it is full, no other folder is made that would be a KDC's of it.
    const other = place();
    await expect(realmForDump(other, dump, choice)).rejects.toMatchObject({
      code: "exists",
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
    expect(existsSync(other)).toBe(false);
  },
  60_000,
);

describe("while another program fills a database, nothing is written by", () => {
  const busy = { code: "busy", message: expect.stringContaining("another program is filling it") };

  /** Tries all that fills, with and without `--update`, while somebody else does; then it works. */
  async function tryAll(target: RealmDirectory, choice: { database?: string }): Promise<void> {
    const before = await contents(target.principals);
    const [other, masterKeyFile] = [place(), directory.masterKeyFile];
    await aloneOn(target.principals, async () => {
      for (const update of [false, true]) {
        await expect(loadDump(target, dump, { update })).rejects.toMatchObject(busy);
        const copy = copyPrincipals(directory.principals, target.principals, { update });
        await expect(copy).rejects.toMatchObject(busy);
      }
      if (choice.database === undefined) return;
      const made = realmForDump(other, dump, { masterKeyFile, ...choice });
      await expect(made).rejects.toMatchObject(busy);
      expect(existsSync(other)).toBe(false);
    });
    expect(await contents(target.principals)).toEqual(before);
    await loadDump(target, dump, { update: false });
    expect(await aliceOf(target)).toEqual(await aliceOf(directory));
  }

  it("another load or copy, on LMDB", async () => {
    await tryAll(await realmForDump(place(), dump, { masterKeyFile: directory.masterKeyFile }), {});
  });

  it.skipIf(!HAS_POSTGRES)(
    "another load or copy, on PostgreSQL (PostgreSQL is not here)",
    async () => {
      await using server = await PostgresServer.start();
      const choice = { database: server.database() };
      const { masterKeyFile } = directory;
      await tryAll(await realmForDump(place(), dump, { masterKeyFile, ...choice }), choice);
      // It was interrupted: nobody holds the lock of a program that is gone.
      const ends = aloneOn(server.url("EXAMPLE.TEST"), async () => {
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
        throw new Error("gone");
      });
      await expect(ends).rejects.toThrow("gone");
      await aloneOn(server.url("EXAMPLE.TEST"), async () => {});
    },
    60_000,
  );
});

describe("a check", () => {
  it("finds nothing wrong with a whole realm", async () => {
    const told: number[] = [];
    expect(
      await checkRealm(
        directory,
        () => expect.unreachable(),
        (records) => told.push(records),
      ),
    ).toBe(3);
    expect(told).toEqual([1, 2, 3]);
  });

  it("names every record that does not open, and a TGS that is not there", async () => {
    const broken = await newRealm();
    await damage(broken, principalKey(ALICE));
    await withStore(broken.principals, async (store) => {
      await store.update("principal:not a name", () => Buffer.from("x"));
      await store.update(principalKey(TGS), () => undefined);
    });
    expect(await faultsOf(broken)).toEqual([
      [ALICE, "corrupt"],
      ["not a name", expect.anything()],
      [TGS, "missing"],
    ]);
  });
});

describe("a copy", () => {
  it("makes an empty database the same, and a second time only if told to", async () => {
    const to = `lmdb:${place()}`;
    const copied = await copyPrincipals(directory.principals, to, { update: false });
    expect(copied).toEqual({ written: 3, removed: 0, resumed: false });
    expect(await contents(to)).toEqual(await contents(directory.principals));
    await expect(copyPrincipals(directory.principals, to, { update: false })).rejects.toMatchObject({
      code: "exists",
    });
    expect(await copyPrincipals(directory.principals, to, { update: true })).toEqual({
      written: 0,
      removed: 0,
      resumed: false,
    });
  });

  it("brings another in line: what differs is replaced, what the first lacks removed", async () => {
    const first = directory;
    const second = await realmForDump(place(), dump, { masterKeyFile: first.masterKeyFile });
    await loadDump(second, dump, { update: false });
    await using realm = await openRealm(second);
    await changePassword(realm, "alice", "changed", [], LATER);
    await addPasswordPrincipal(realm, "zoe", "two", LATER, { etypes: [20] });
    await addPasswordPrincipal(realm, "aaron", "two", LATER, { etypes: [20] });
    expect(await copyPrincipals(first.principals, second.principals, { update: true })).toEqual({
      written: 1,
      removed: 2,
      resumed: false,
    });
    expect(await contents(second.principals)).toEqual(await contents(first.principals));
  });

  it("takes in what changes at the source while it runs", async () => {
    const [source, to] = [await newRealm(), `lmdb:${place()}`];
    await using realm = await openRealm(source);
    let changes = 0;
    const change = async () => {
      if (changes++ > 0) return;
      await addPasswordPrincipal(realm, "aaron", "two", LATER, { etypes: [20] });
      await deletePrincipal(realm, "alice");
    };
    const changing: Promise<void>[] = [];
    await copyPrincipals(source.principals, to, { update: false }, () => changing.push(change()));
    await Promise.all(changing);
    await copyPrincipals(source.principals, to, { update: true });
    expect(await contents(to)).toEqual(await contents(source.principals));
  });

  it("is refused into another realm's database, and into a namesake's", async () => {
    const other = await createRealm(place(), { realm: "OTHER.TEST" }, MADE);
    const namesake = await createRealm(place(), {}, MADE);
    for (const [target, refusal] of [
      [other, { code: "exists", message: expect.stringContaining("has the realm OTHER.TEST") }],
      [namesake, { code: "wrong-key", hint: expect.stringContaining("two realms of one name") }],
    ] as const) {
      const before = await contents(target.principals);
      await expect(
        copyPrincipals(directory.principals, target.principals, { update: true }),
      ).rejects.toMatchObject(refusal);
      expect(await contents(target.principals)).toEqual(before);
    }
    const name = "postgres://db/tessera?realm=OTHER.TEST";
    await expect(copyPrincipals(directory.principals, name, { update: false })).rejects.toMatchObject({
      code: "exists",
      message: expect.stringContaining("for the realm OTHER.TEST, and these are of EXAMPLE.TEST"),
    });
  });

  it("is refused from a folder that is not there, which it does not make, and to memory", async () => {
    const nowhere = place();
    await expect(
      copyPrincipals(`lmdb:${nowhere}`, `lmdb:${place()}`, { update: false }),
    ).rejects.toMatchObject({ code: "missing" });
    expect(existsSync(nowhere)).toBe(false);
    await expect(copyPrincipals(directory.principals, "memory:", { update: false })).rejects.toThrow(
      RangeError,
    );
  });

  it("is refused from a database without principals, and from one that is half filled", async () => {
    const empty = `lmdb:${place()}`;
    await expect(copyPrincipals(empty, `lmdb:${place()}`, { update: false })).rejects.toMatchObject({
      code: "missing",
    });
    await withStore(empty, (store) => store.update(FILLING_KEY, () => Buffer.from("dump 00")));
    await expect(copyPrincipals(empty, `lmdb:${place()}`, { update: false })).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("half filled (dump 00)"),
    });
  });

  it.skipIf(!HAS_POSTGRES)(
    "goes to PostgreSQL and back, byte for byte (PostgreSQL is not here)",
    async () => {
      await using server = await PostgresServer.start();
      const [there, back] = [server.url("EXAMPLE.TEST"), `lmdb:${place()}`];
      expect((await copyPrincipals(directory.principals, there, { update: false })).written).toBe(3);
      await expect(copyPrincipals(directory.principals, there, { update: false })).rejects.toMatchObject({
        code: "exists",
      });
      expect((await copyPrincipals(there, back, { update: false })).written).toBe(3);
      expect(await contents(back)).toEqual(await contents(directory.principals));
    },
    60_000,
  );
});

async function faultsOf(of: RealmDirectory): Promise<[string, string][]> {
  const faults: RecordFault[] = [];
  await checkRealm(of, (fault) => faults.push(fault));
  return faults.map(({ name, error }) => [name, (error as unknown as { code: string }).code]);
}

/** Alters one byte of a record, in the middle. */
function damage(of: RealmDirectory, key: string): Promise<void> {
  return withStore(of.principals, (store) =>
    store.update(key, (current) => {
      const altered = Uint8Array.from(current!);
      altered[altered.length >> 1]! ^= 1;
      return altered;
    }),
  );
}

/** The seal of a dump, in hex: its last 32 bytes. */
async function sealOf(path: string): Promise<string> {
  return readFileSync(path).subarray(-32).toString("hex");
}
