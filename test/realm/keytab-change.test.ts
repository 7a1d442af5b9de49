/** One keytab, several who write it, and a database that must agree with it. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { formatKeytab, formatKeytabEntry, type KeytabEntry, parseKeytab } from "../../src/formats/keytab.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key, type LongTermKey, randomKey } from "../../src/protocol/keys.js";
import { type Principal, parsePrincipal } from "../../src/protocol/principal.js";
import { exportNewKeys } from "../../src/realm/keytab.js";
import { putIntoKeytab, type WantedKeys } from "../../src/realm/keytab-change.js";
import { addRandomKeyPrincipal } from "../../src/realm/principal-keys.js";
import { existingPrincipal } from "../../src/realm/principals.js";
import { changeToRandomKeys, withRandomKeysPrepared } from "../../src/realm/random-keys.js";
import { canMount, withSmallDisk } from "../support/mounts.js";
import { newFolder } from "./folder.js";
import { keyBytes, keysOf, LATER, MADE, memoryRealm } from "./realm.js";

const named = (name: string): Principal => parsePrincipal(`${name}@EXAMPLE.TEST`, "name");
const long = (kvno: number, etype = 20): LongTermKey => ({ kvno, key: randomKey(etypeOf(etype)) });
const entry = (name: string, kvno: number, etype = 20): KeytabEntry => ({
  principal: named(name),
  timestamp: MADE,
  ...long(kvno, etype),
});
const held = (path: string) =>
  parseKeytab(Uint8Array.from(readFileSync(path))).map(
    ({ principal, kvno, key }) => `${principal.split("@")[0]} ${kvno}:${key.etype.etype}`,
  );
const newPath = () => join(newFolder(), "k");
const made = (...parts: Uint8Array[]) => {
  const path = newPath();
  writeFileSync(path, Buffer.concat(parts), { mode: 0o600 });
  return path;
};

/** Puts keys into a keytab, and returns what it holds when the database is about to change. */
async function heldMeanwhile(path: string, wanted: WantedKeys): Promise<string[]> {
  let found: string[] = [];
  const write = async () => {
    found = held(path).sort();
  };
  await putIntoKeytab(path, wanted, LATER, { write, isWritten: async () => true });
  return found;
}

afterEach(() => vi.restoreAllMocks());

/** An entry with a word before it, as it stands in a file, of an encryption type that is not here. */
function foreign(name: string, etype: number): Buffer {
  const bytes = Buffer.from(formatKeytabEntry(entry(name, 3)));
  bytes.writeInt16BE(etype, bytes.length - 4 - 32 - 4);
  const word = Buffer.alloc(4);
  word.writeInt32BE(bytes.length);
  return Buffer.concat([word, bytes]);
}

describe("keys put into a keytab", () => {
  // ktadd into the machine's keytab dropped its keys of type 18 and said "written".
  test("leave what others wrote as it is, byte for byte, and in its place", async () => {
    const strange = foreign("x/y", 20);
    strange.write(" ", strange.indexOf("y")); // a name outside the grammar
    const before = Buffer.concat([formatKeytab([entry("host/web", 3)]), foreign("host/web", 18), strange]);
    const path = made(before);
    const { ino } = statSync(path);
    await putIntoKeytab(path, { principal: named("notes/db"), keys: [long(1)] }, LATER);
    const after = readFileSync(path);
    expect(Buffer.compare(after.subarray(0, before.length), before)).toBe(0);
    expect(held(path)).toEqual(["host/web 3:20", "notes/db 1:20"]);
    expect(statSync(path).ino).toBe(ino);
  });

  test("take the place of its old ones and of what is not whole; types we don't know stay", async () => {
    const short = formatKeytab([entry("a", 7)]).subarray(2);
    short[3]!--; // an entry whose key is a byte short
    short[short.length - 4 - 32 - 1]!--;
    const path = made(formatKeytab([entry("a", 1), entry("a", 2)]), foreign("a", 18), short.subarray(0, -1));
    const keys = [long(3), long(2, 19)];
    await putIntoKeytab(path, { principal: named("a"), keys }, LATER);
    expect(held(path).sort()).toEqual(["a 2:19", "a 3:20"]);
    const skipped: string[] = [];
    parseKeytab(Uint8Array.from(readFileSync(path)), ({ reason, etype }) =>
      skipped.push(`${reason} ${etype}`),
    );
    expect(skipped).toEqual(["etype 18"]);
  });

  test("go into the file of a name with FILE: as well, and into none of another type", async () => {
    const [realm, path] = [await memoryRealm(), newPath()];
    await addRandomKeyPrincipal(realm, "a", MADE, { etypes: [20] });
    await exportNewKeys(realm, ["a"], { path: `FILE:${path}` }, [], LATER);
    expect(held(path).sort()).toEqual(["a 1:20", "a 2:20"]);
    await expect(exportNewKeys(realm, ["a"], { path: "MEMORY:x" }, [], LATER)).rejects.toThrow(RangeError);
  });

  test("are written once: the same keys again change nothing", async () => {
    const path = newPath();
    const wanted = { principal: named("a"), keys: [long(2), long(1)] };
    await putIntoKeytab(path, wanted, LATER);
    const before = readFileSync(path);
    await putIntoKeytab(path, wanted, LATER + 1000);
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
  });

  test("come before an old key of the same version, which a reader would otherwise take", async () => {
    const path = made(formatKeytab([entry("a", 2), entry("b", 1)]));
    const key = long(2);
    expect(await heldMeanwhile(path, { principal: named("a"), keys: [key] })).toEqual(["a 2:20", "b 1:20"]);
    const entries = parseKeytab(Uint8Array.from(readFileSync(path)));
    const found = entries.find(({ principal }) => principal === named("a"));
    expect(found?.key.exportBytes()).toEqual(key.key.exportBytes());
  });

  test("leave the old ones of other versions and types until the database has changed", async () => {
    const path = made(formatKeytab([entry("a", 1), entry("a", 2), entry("a", 2, 19), entry("a", 2, 16)]));
    const keys = [long(2), long(3), long(3, 19)];
    expect(await heldMeanwhile(path, { principal: named("a"), keys })).toEqual([
      "a 1:20",
      "a 2:16",
      "a 2:19",
      "a 2:20",
      "a 3:19",
      "a 3:20",
    ]);
    expect(held(path).sort()).toEqual(["a 2:20", "a 3:19", "a 3:20"]);
    const found = parseKeytab(Uint8Array.from(readFileSync(path))).find(({ kvno }) => kvno === 2);
    expect(found?.key.exportBytes()).toEqual(keys[0]!.key.exportBytes());
  });

  test("are not those of another principal, version or type, though the bytes be the same", async () => {
    const { key } = long(1, 3);
    const path = made(formatKeytab([{ principal: named("a"), timestamp: MADE, kvno: 1, key }]));
    await putIntoKeytab(path, { principal: named("b"), keys: [{ kvno: 1, key }] }, LATER);
    expect(held(path).sort()).toEqual(["a 1:3", "b 1:3"]);
    await putIntoKeytab(path, { principal: named("a"), keys: [{ kvno: 2, key }] }, LATER);
    expect(held(path).sort()).toEqual(["a 2:3", "b 1:3"]);
    const other = new Key(etypeOf(-1), key.exportBytes());
    await putIntoKeytab(path, { principal: named("b"), keys: [{ kvno: 1, key: other }] }, LATER);
    expect(held(path).sort()).toEqual(["a 2:3", "b 1:-1"]);
  });

  test("are not put into what is no keytab", async () => {
    const path = made(Buffer.from("no keytab at all"));
    await expect(
      putIntoKeytab(path, { principal: named("a"), keys: [long(1)] }, LATER),
    ).rejects.toMatchObject({
      name: "KeytabError",
      message: `${path}: not a keytab of version 0x0502 (at byte 0)`,
      cause: { name: "FormatError" },
    });
    expect(readFileSync(path, "utf8")).toBe("no keytab at all");
  });

  test("go through a link within its folder, and into an empty file that was just made", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, "..data"));
    writeFileSync(join(folder, "..data", "k"), "", { mode: 0o600 });
    symlinkSync("..data/k", join(folder, "k"));
    await putIntoKeytab(join(folder, "k"), { principal: named("a"), keys: [long(1)] }, LATER);
    expect(held(join(folder, "..data", "k"))).toEqual(["a 1:20"]);
  });

  test("are refused by a keytab that ends inside an entry: nothing could be read behind it", async () => {
    const path = made(formatKeytab([entry("a", 1)]).subarray(0, 30));
    const before = readFileSync(path);
    const write = () => Promise.reject(new Error("must not be reached"));
    await expect(
      putIntoKeytab(path, { principal: named("b"), keys: [long(1)] }, LATER, { write, isWritten: write }),
    ).rejects.toMatchObject({
      name: "KeytabError",
      message: `${path}: its end cuts an entry short, and nothing can be read behind it`,
      hint: "no key was changed; write to another keytab, or remove this one",
    });
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
  });
});

describe("keytab and database", () => {
  const prepare = async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "a", MADE, { etypes: [20] });
    const path = newPath();
    await exportNewKeys(realm, ["a"], { path }, [], LATER);
    return { realm, path, before: readFileSync(path) };
  };

  test("change in this order: the entry is in the file when the database has only the old key", async () => {
    const { realm, path } = await prepare();
    const seen: unknown[] = [];
    await withRandomKeysPrepared(realm, "a", [], LATER, (prepared) =>
      putIntoKeytab(path, prepared.entry, LATER, {
        ...prepared,
        write: async () => {
          seen.push(held(path).sort(), keysOf(await existingPrincipal(realm, "a")));
          await prepared.write();
        },
      }),
    );
    expect(seen).toEqual([
      ["a 1:20", "a 2:20", "a 3:20"],
      ["2:20", "1:20"],
    ]);
    expect(keysOf(await existingPrincipal(realm, "a"))).toEqual(["3:20", "2:20", "1:20"]);
  });

  test("stay as they were where the database can't be changed, and that is said", async () => {
    const { realm, path, before } = await prepare();
    const old = await existingPrincipal(realm, "a");
    vi.spyOn(realm.principals, "change").mockRejectedValueOnce(new Error("no space left on device"));
    await expect(exportNewKeys(realm, ["a"], { path }, [], LATER)).rejects.toMatchObject({
      name: "RealmError",
      reason: "keytab",
      message: "a@EXAMPLE.TEST: its keys could not be changed: no space left on device",
      hint: `the old keys work, and ${path} is as it was`,
      cause: { message: "no space left on device" },
    });
    expect(await existingPrincipal(realm, "a")).toEqual(old);
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
  });

  test("agree where the database changed before it failed: the entry stays", async () => {
    const { realm, path } = await prepare();
    const change = realm.principals.change.bind(realm.principals);
    vi.spyOn(realm.principals, "change").mockImplementationOnce(async (...args) => {
      await change(...args);
      throw new Error("the disk went away");
    });
    await exportNewKeys(realm, ["a"], { path }, [], LATER);
    const now = await existingPrincipal(realm, "a");
    expect(keysOf(now)).toEqual(["3:20", "2:20", "1:20"]);
    expect(held(path).sort()).toEqual(["a 1:20", "a 2:20", "a 3:20"]);
  });

  test("are a version apart, the keytab ahead, where nobody can tell what the database has", async () => {
    const { realm, path } = await prepare();
    const gone = () => Promise.reject(new Error("the disk went away"));
    await expect(
      withRandomKeysPrepared(realm, "a", [], LATER, (prepared) =>
        putIntoKeytab(path, prepared.entry, LATER, { write: gone, isWritten: gone }),
      ),
    ).rejects.toMatchObject({
      reason: "keytab",
      hint: `the old keys work, and ${path} holds a version more, which goes with the next ktadd`,
    });
    expect(held(path).sort()).toEqual(["a 1:20", "a 2:20", "a 3:20"]);
    const [entryNow] = await exportNewKeys(realm, ["a"], { path }, [], LATER);
    const bytes = parseKeytab(Uint8Array.from(readFileSync(path))).map(({ key }) =>
      Buffer.from(key.exportBytes()).toString("hex"),
    );
    expect(bytes.sort()).toEqual(keyBytes(entryNow!).sort());
  });

  test("agree where the principal got other keys and limits while the entry was written", async () => {
    const { realm, path } = await prepare();
    const change = realm.principals.change.bind(realm.principals);
    vi.spyOn(realm.principals, "change").mockImplementationOnce(async (...args) => {
      await changeToRandomKeys(realm, "a", [19], LATER);
      return change(...args);
    });
    const [written] = await exportNewKeys(realm, ["a"], { path }, [], LATER);
    expect(keysOf(written!)).toEqual(["4:19", "3:19", "2:20", "1:20"]);
    expect(held(path).sort()).toEqual(["a 1:20", "a 2:20", "a 3:19", "a 4:19"]);
    await withRandomKeysPrepared(realm, "a", [], LATER, async ({ write }) => {
      await realm.principals.change(named("a"), (latest) => ({ ...latest, maxLife: 5678 }));
      expect(await write()).toMatchObject({ maxLife: 5678 });
    });
  });

  test("keep six services of six who come at once", async () => {
    const realm = await memoryRealm();
    const names = Array.from({ length: 6 }, (_, i) => `s${i}/h`);
    for (const name of names) await addRandomKeyPrincipal(realm, name, MADE, { etypes: [20] });
    const path = newPath();
    await Promise.all(names.map((name) => exportNewKeys(realm, [name], { path }, [], LATER)));
    expect(held(path).sort()).toEqual(names.flatMap((name) => [`${name} 1:20`, `${name} 2:20`]));
    const one = names[0]!;
    await Promise.all(names.slice(0, 4).map(() => exportNewKeys(realm, [one], { path }, [], LATER)));
    const { keys } = await existingPrincipal(realm, one);
    expect(held(path).filter((key) => key.startsWith(one))).toHaveLength(keys.length);
  });
});

test.skipIf(!canMount)(
  "a keytab on a full disk is as it was, no key has changed, and that is said (runs as root)",
  async () => {
    const folder = newFolder();
    await withSmallDisk(folder, async () => {
      const realm = await memoryRealm();
      const path = join(folder, "k");
      await addRandomKeyPrincipal(realm, "a", MADE, { etypes: [20] });
      // Nearly to the end of its page, so that the next entries need another.
      const padding = Buffer.alloc(4 + 3900, 0x5a);
      padding.writeInt32BE(3900);
      writeFileSync(path, Buffer.concat([formatKeytab([entry("b", 1)]), padding]), { mode: 0o600 });
      const before = readFileSync(path);
      expect(() => writeFileSync(join(folder, "fill"), Buffer.alloc(65536))).toThrow("ENOSPC");
      const old = await existingPrincipal(realm, "a");
      await expect(exportNewKeys(realm, ["a"], { path }, [20, 19], LATER)).rejects.toMatchObject({
        name: "PrivateFileError",
        message: expect.stringContaining("ENOSPC"),
        hint: "no key was changed",
      });
      expect(await existingPrincipal(realm, "a")).toEqual(old);
      expect(Buffer.compare(readFileSync(path), before)).toBe(0);
    });
  },
);

describe.skipIf(spawnSync("ktutil", { input: "q\n" }).status !== 0)("MIT's ktutil (runs where it is)", () => {
  test("writes a keytab while ktadd does, and nobody's keys are lost", async () => {
    const source = made(formatKeytab(Array.from({ length: 40 }, (_, i) => entry(`mit/h${i}`, 1))));
    const path = made(formatKeytab([entry("first", 1)]));
    const ktutil = spawn("ktutil", { stdio: ["pipe", "ignore", "inherit"] });
    ktutil.stdin.end(`rkt ${source}\nwkt ${path}\nq\n`);
    const ended = once(ktutil, "close");
    for (let i = 0; i < 40; i++)
      await putIntoKeytab(path, { principal: named(`our/h${i}`), keys: [long(1)] }, LATER);
    await ended;
    const all = ["mit", "our"].flatMap((who) => Array.from({ length: 40 }, (_, i) => `${who}/h${i} 1:20`));
    expect(new Set(held(path))).toEqual(new Set(["first 1:20", ...all]));
  });

  test("fills the holes that ktadd left, and ktadd those of ktutil", async () => {
    const path = made(formatKeytab([entry("one", 1), entry("two", 1), entry("six", 1)]));
    const { size } = statSync(path);
    await putIntoKeytab(path, { principal: named("two"), keys: [] }, LATER);
    const source = made(formatKeytab([entry("ten", 4)]));
    execFileSync("ktutil", { input: `rkt ${source}\nwkt ${path}\nq\n` });
    expect(held(path)).toEqual(["one 1:20", "ten 4:20", "six 1:20"]);
    expect(statSync(path).size).toBe(size);
  });
});
