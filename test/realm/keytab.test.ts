import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import {
  formatKeytab,
  type KeytabEntry,
  parseKeytab,
  type SkippedKeytabEntry,
} from "../../src/formats/keytab.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import type { PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { checkKeytabTarget, exportKeys, exportNewKeys, writeKeytab } from "../../src/realm/keytab.js";
import { addPasswordPrincipal, addRandomKeyPrincipal } from "../../src/realm/principal-keys.js";
import { existingPrincipal } from "../../src/realm/principals.js";
import { changeToRandomKeys } from "../../src/realm/random-keys.js";
import type { Realm } from "../../src/realm/realm.js";
import { wipedBy } from "../support/wiped.js";
import { newFolder } from "./folder.js";
import { keyBytes, keysOf, LATER, MADE, memoryRealm, refusal } from "./realm.js";

const TGS = "krbtgt/EXAMPLE.TEST";

function entriesOf(path: string): KeytabEntry[] {
  return parseKeytab(Uint8Array.from(readFileSync(path)));
}

/** The keys of a keytab as `principal kvno:etype`. */
function held(path: string): string[] {
  return entriesOf(path).map(({ principal, kvno, key }) => `${principal} ${kvno}:${key.etype.etype}`);
}

/** A realm with the services a and b, and the person alice. */
async function realmOfThree(): Promise<Realm> {
  const realm = await memoryRealm();
  await addRandomKeyPrincipal(realm, "a", MADE, { etypes: [20] });
  await addRandomKeyPrincipal(realm, "b", MADE, { etypes: [19] });
  await addPasswordPrincipal(realm, "alice", "secret", MADE, { etypes: [19] });
  return realm;
}

describe("the present keys of services", () => {
  it("are written with their versions, in a file of mode 0600, and stay the realm's", async () => {
    const realm = await realmOfThree();
    await changeToRandomKeys(realm, "a", [19], LATER);
    const path = join(newFolder(), "a.keytab");
    const written: PrincipalEntry[] = [];
    const target = { path, onWritten: (entry: PrincipalEntry) => void written.push(entry) };
    const found = await exportKeys(realm, ["a", "b@EXAMPLE.TEST"], target, LATER + 5_000);
    const entries = [await existingPrincipal(realm, "a"), await existingPrincipal(realm, "b")];
    expect(found).toEqual(entries);
    expect(written).toEqual(entries);
    expect(held(path)).toEqual(["a@EXAMPLE.TEST 2:19", "a@EXAMPLE.TEST 1:20", "b@EXAMPLE.TEST 1:19"]);
    expect(entriesOf(path).map(({ timestamp }) => timestamp)).toEqual(Array(3).fill(LATER + 5_000));
    const bytes = entriesOf(path).map(({ key }) => Buffer.from(key.exportBytes()).toString("hex"));
    expect(bytes).toEqual(entries.flatMap(keyBytes));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("are not those of a person", async () => {
    const realm = await realmOfThree();
    const path = join(newFolder(), "new.keytab");
    await expect(exportKeys(realm, ["a", "alice"], { path }, LATER)).rejects.toMatchObject(
      refusal(
        "password-keyed",
        "alice@EXAMPLE.TEST has a password: its keys are no service's",
        "a service needs a principal of its own: tessera kadmin addprinc -randkey NAME",
      ),
    );
    expect(existsSync(path)).toBe(false);
  });
});

describe("new keys of services", () => {
  it("are written along with the versions that the realm keeps", async () => {
    const realm = await realmOfThree();
    const path = join(newFolder(), "new.keytab");
    const told: string[][] = [];
    const onWritten = (entry: PrincipalEntry) => void told.push([entry.principal, ...held(path)]);
    const found = await exportNewKeys(realm, ["b", "alice"], { path, onWritten }, [], LATER, {
      endPassword: true,
    });
    expect(found).toEqual([await existingPrincipal(realm, "b"), await existingPrincipal(realm, "alice")]);
    expect(found.map(keysOf)).toEqual([["2:19", "1:19"], ["2:19"]]);
    expect(found.map(({ keysChangedAt, passwordKeyed }) => [keysChangedAt, passwordKeyed])).toEqual([
      [LATER, false],
      [LATER, false],
    ]);
    const b = ["b@EXAMPLE.TEST 2:19", "b@EXAMPLE.TEST 1:19"];
    expect(told).toEqual([
      ["b@EXAMPLE.TEST", ...b],
      ["alice@EXAMPLE.TEST", ...b, "alice@EXAMPLE.TEST 2:19"],
    ]);
  });

  it("have the encryption types asked for", async () => {
    const realm = await realmOfThree();
    const path = join(newFolder(), "new.keytab");
    await exportNewKeys(realm, ["b"], { path }, [20, 19], LATER);
    expect(held(path)).toEqual(["b@EXAMPLE.TEST 2:20", "b@EXAMPLE.TEST 2:19", "b@EXAMPLE.TEST 1:19"]);
  });

  test.each<[string, string[], number[], object]>([
    ["a name of another realm", ["a", "b@ELSEWHERE.TEST"], [], { reason: "foreign" }],
    ["a name that is not there", ["a", "c"], [], { reason: "missing" }],
    ["an encryption type that is not permitted", ["a", "b"], [3], { reason: "etype" }],
    ["a person, whose password would end", ["a", "alice"], [], { reason: "password-keyed" }],
    [
      "the realm's TGS",
      ["a", TGS],
      [],
      refusal("protected", `${TGS}@EXAMPLE.TEST: the TGS's keys stay in the realm's database`),
    ],
  ])("are not made where one of several can't be: %s", async (_, names, etypes, error) => {
    const realm = await realmOfThree();
    const old = await existingPrincipal(realm, "a");
    const path = join(newFolder(), "new.keytab");
    await expect(exportNewKeys(realm, names, { path }, etypes, LATER)).rejects.toMatchObject(error);
    expect(await existingPrincipal(realm, "a")).toEqual(old);
    expect(existsSync(path)).toBe(false);
  });

  it("are not made where the keytab can't be written", async () => {
    const realm = await realmOfThree();
    const old = await existingPrincipal(realm, "a");
    const folder = newFolder();
    const broken = join(folder, "broken.keytab");
    writeFileSync(broken, "no keytab at all", { mode: 0o600 });
    const open = join(folder, "open.keytab");
    writeFileSync(open, formatKeytab([]), { mode: 0o600 });
    chmodSync(open, 0o644);
    const attempts: [path: string, error: object][] = [
      [
        join(folder, "no", "new.keytab"),
        refusal(
          "keytab",
          `${folder}/no/new.keytab: its folder does not exist or can't be written`,
          "no key was changed",
        ),
      ],
      [broken, { name: "KeytabError", message: `${broken}: not a keytab of version 0x0502 (at byte 0)` }],
      [open, { name: "PrivateFileError", code: "unsafe" }],
    ];
    for (const [path, error] of attempts) {
      await expect(exportNewKeys(realm, ["a"], { path }, [], LATER)).rejects.toMatchObject(error);
      await expect(exportKeys(realm, ["a"], { path }, LATER)).rejects.toMatchObject(error);
      await expect(checkKeytabTarget(path)).rejects.toMatchObject(error);
    }
    expect(await existingPrincipal(realm, "a")).toEqual(old);
    expect(readFileSync(broken, "utf8")).toBe("no keytab at all");
  });
});

describe("a keytab", () => {
  it("keeps the keys of other principals, and loses the old ones of this one", async () => {
    const realm = await realmOfThree();
    const path = join(newFolder(), "both.keytab");
    await exportKeys(realm, ["a", "b"], { path }, MADE);
    const { keys } = await existingPrincipal(realm, "alice");
    await writeKeytab(path, parsePrincipal("a@EXAMPLE.TEST", "test"), keys, LATER);
    expect(held(path).sort()).toEqual(["a@EXAMPLE.TEST 1:19", "b@EXAMPLE.TEST 1:19"]);
    const times = Object.fromEntries(
      entriesOf(path).map(({ principal, timestamp }) => [principal, timestamp]),
    );
    expect(times).toEqual({ "a@EXAMPLE.TEST": LATER, "b@EXAMPLE.TEST": MADE });
  });

  it("tells of what it holds that is of no use here", async () => {
    const realm = await realmOfThree();
    const path = join(newFolder(), "strange.keytab");
    await exportKeys(realm, ["a"], { path }, MADE);
    const bytes = readFileSync(path);
    // The encryption type follows the name, its type, the time and the short version.
    const etype = bytes.indexOf("EXAMPLE.TEST") + 12 + 2 + 1 + 4 + 4 + 1;
    expect(bytes.readInt16BE(etype)).toBe(20);
    bytes.writeInt16BE(99, etype);
    writeFileSync(path, bytes);
    const told: SkippedKeytabEntry[] = [];
    const onSkipped = (skipped: SkippedKeytabEntry) => void told.push(skipped);
    await checkKeytabTarget(path, onSkipped);
    expect(told).toMatchObject([{ name: "a@EXAMPLE.TEST", etype: 99, reason: "etype" }]);
    await exportKeys(realm, ["b"], { path, onSkipped }, LATER);
    expect(told.length).toBeGreaterThan(1);
    expect(new Set(told.map(({ name }) => name))).toEqual(new Set(["a@EXAMPLE.TEST"]));
  });

  it("is wiped from memory: what is read of it, and what is written", async () => {
    const realm = await realmOfThree();
    const path = join(newFolder(), "new.keytab");
    const holds = (bytes: readonly number[], key: string) => Buffer.from(bytes).toString("hex").includes(key);
    const [key] = keyBytes(await existingPrincipal(realm, "a"));
    const writing = await wipedBy(() => exportKeys(realm, ["a"], { path }, MADE));
    // The entry where it was composed, and where it stood until it was written; copies of the key alone do
    // not count.
    expect(writing.filter((bytes) => holds(bytes, key!) && bytes.length > 32)).toHaveLength(2);
    const written = [...readFileSync(path)];
    // Read twice: first in a piece that is copied.
    const reading = await wipedBy(() => exportKeys(realm, ["a"], { path }, MADE));
    expect(reading.filter((bytes) => bytes.join() === written.join())).toHaveLength(3);
  });

  it("that is good, or not there yet, can be written", async () => {
    const realm = await realmOfThree();
    const path = join(newFolder(), "new.keytab");
    await checkKeytabTarget(path);
    expect(existsSync(path)).toBe(false);
    await exportKeys(realm, ["a"], { path }, MADE);
    await checkKeytabTarget(path);
    expect(held(path)).toEqual(["a@EXAMPLE.TEST 1:20"]);
  });
});
