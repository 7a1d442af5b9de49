import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { writeFileAtomically } from "../../src/files/private-file.js";
import { formatKeytab, type KeytabEntry } from "../../src/formats/keytab.js";
import { KeytabError } from "../../src/formats/keytab-error.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key, randomKey } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { KeytabFile } from "../../src/services/keytab-file.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const v = parsePrincipal("v/localhost@EXAMPLE.TEST", "v");
const other = parsePrincipal("other/localhost@EXAMPLE.TEST", "other");

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "keytab-"));
  path = join(dir, "v.keytab");
});
afterEach(() => rmSync(dir, { recursive: true }));

function entry(kvno: number, principal = v): KeytabEntry {
  return { principal, kvno, timestamp: NOW, key: randomKey(etypeOf(3)) };
}

describe("a keytab file", () => {
  it("gives the keys of its only principal unasked", async () => {
    await writeFileAtomically(path, formatKeytab([entry(2), entry(1)]));
    const { principal, keys } = (await KeytabFile.open(path)).serviceKeys();
    expect(principal).toBe(v);
    expect(keys.map(({ kvno }) => kvno)).toEqual([2, 1]);
  });

  it("wants the principal named where it holds several, and says which", async () => {
    await writeFileAtomically(path, formatKeytab([entry(1), entry(1, other)]));
    const file = await KeytabFile.open(path);
    expect(() => file.serviceKeys()).toThrow(/v\/localhost@EXAMPLE.TEST, other\/localhost/);
    expect(file.serviceKeys(other).principal).toBe(other);
    expect(() => file.serviceKeys(parsePrincipal("x@EXAMPLE.TEST", "x"))).toThrow(KeytabError);
  });

  it("is read again when it has changed, not before a tenth of a second has passed", async () => {
    let now = NOW;
    await writeFileAtomically(path, formatKeytab([entry(1)]));
    const file = await KeytabFile.open(path, { clock: () => now });
    await writeFileAtomically(path, formatKeytab([entry(2), entry(1)]));
    expect(file.serviceKeys().keys).toHaveLength(1);
    now += 100;
    expect(file.serviceKeys().keys).toHaveLength(2);
  });

  it("is read again in place of the same length, within one tick of the file system's clock", async () => {
    let now = NOW;
    const [one, two] = [formatKeytab([entry(1)]), formatKeytab([entry(2)])];
    writeFileSync(path, one, { mode: 0o600 });
    const file = await KeytabFile.open(path, { clock: () => now });
    writeFileSync(path, two);
    now += 100;
    expect(file.serviceKeys().keys[0]?.kvno).toBe(2);
    writeFileSync(path, one);
    now += 100;
    expect(file.serviceKeys().keys[0]?.kvno).toBe(1);
  });

  it("is named with FILE: before its path as well, and with no other type", async () => {
    await writeFileAtomically(path, formatKeytab([entry(1)]));
    const file = await KeytabFile.open(`FILE:${path}`);
    expect([file.path, file.serviceKeys().principal]).toEqual([path, v]);
    await expect(KeytabFile.open(`MEMORY:${path}`)).rejects.toThrow(RangeError);
  });

  it("is read through an orchestrator's links, also when they are put to a new folder", async () => {
    let now = NOW;
    for (const day of [1, 2]) {
      mkdirSync(join(dir, `..${day}`));
      await writeFileAtomically(join(dir, `..${day}`, "k"), formatKeytab([entry(day)]));
    }
    symlinkSync("..1", join(dir, "..data"));
    symlinkSync("..data/k", path);
    const file = await KeytabFile.open(path, { clock: () => now });
    expect(file.serviceKeys().keys[0]?.kvno).toBe(1);
    symlinkSync("..2", join(dir, "..data_tmp"));
    renameSync(join(dir, "..data_tmp"), join(dir, "..data"));
    now += 100;
    expect(file.serviceKeys().keys[0]?.kvno).toBe(2);
  });

  const weak = new Key(etypeOf(3), Buffer.from("0101010101010101", "hex"));
  const evenParity = new Key(etypeOf(3), Buffer.from("133457799bbcdff0", "hex"));

  it("refuses a service asked for that has a bad key: weak, of bad parity, of wrong length", async () => {
    const short = formatKeytab([entry(1)]);
    short[2 + 3]!--; // the entry's length, and the key's, one byte less
    short[short.length - 4 - 8 - 1]!--;
    for (const [bytes, text] of [
      [
        formatKeytab([entry(2), { ...entry(1), key: weak }]),
        "kvno 1, des-cbc-md5: key: expected a strong DES key",
      ],
      [
        formatKeytab([entry(2), { ...entry(1), key: evenParity }]),
        "kvno 1, des-cbc-md5: key: expected odd parity",
      ],
      [short, "an entry of v/localhost@EXAMPLE.TEST that is not whole"],
    ] as const) {
      await writeFileAtomically(path, bytes);
      const error = await KeytabFile.open(path).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(KeytabError);
      expect((error as Error).message).toContain(text);
      expect((error as Error).message).toContain(
        `; make another: tessera kadmin ktadd -k ${path} v/localhost`,
      );
    }
  });

  // A weak DES key of another principal, left there by an old program, kept every service of the machine from
  // starting.
  it("passes over the bad key of a service that nobody asked for, with one word a file", async () => {
    let now = NOW;
    const told: string[] = [];
    const foreign = formatKeytab([{ ...entry(3), key: randomKey(etypeOf(20)) }]).subarray(2);
    foreign[foreign.length - 4 - 32 - 3] = 18;
    const bytes = Buffer.concat([formatKeytab([{ ...entry(1, other), key: weak }, entry(2)]), foreign]);
    await writeFileAtomically(path, bytes);
    const onSkipped = (text: string) => told.push(text);
    const file = await KeytabFile.open(path, { clock: () => now, onSkipped });
    expect(file.principals).toEqual([v]);
    expect(file.serviceKeys().keys.map(({ kvno }) => kvno)).toEqual([2]);
    expect(() => file.serviceKeys(other)).toThrow(
      /other\/localhost@EXAMPLE.TEST, kvno 1, des-cbc-md5: .*weak/,
    );
    const words = [
      `${path}: passed over a key of v/localhost@EXAMPLE.TEST, kvno 3: encryption type 18 is not supported here`,
      expect.stringMatching(
        /passed over a key of other\/localhost@EXAMPLE.TEST, kvno 1, des-cbc-md5: .*weak/,
      ),
    ];
    expect(told).toEqual(words);
    now += 100;
    file.serviceKeys();
    expect(told).toHaveLength(2);
    await writeFileAtomically(path, bytes);
    now += 100;
    file.serviceKeys();
    expect(told).toEqual([...words, ...words]);
  });

  it("keeps the old keys and reports once when the new file is broken", async () => {
    let now = NOW;
    const errors: string[] = [];
    await writeFileAtomically(path, formatKeytab([entry(1)]));
    const onError = (error: Error) => errors.push(error.message);
    const file = await KeytabFile.open(path, { clock: () => now, onError });
    for (const spoil of [
      () => writeFileSync(path, "no keytab"),
      () => chmodSync(path, 0o644),
      () => rmSync(path),
      () => symlinkSync("/dev/null", path),
    ]) {
      spoil();
      for (let i = 0; i < 3; i++) {
        now += 100;
        expect(file.serviceKeys().keys).toHaveLength(1);
      }
    }
    expect(errors).toHaveLength(4);
  });

  it("keeps the old keys although whoever is told of the new file fails", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => warned.mockRestore());
    let now = NOW;
    await writeFileAtomically(path, formatKeytab([entry(1)]));
    const onError = () => {
      throw new Error("disk full");
    };
    const file = await KeytabFile.open(path, { clock: () => now, onError });
    writeFileSync(path, "no keytab");
    now += 100;
    expect(file.serviceKeys().keys).toHaveLength(1);
    expect(warned.mock.calls).toEqual([["onError failed: Error: disk full", "TesseraWarning"]]);
  });

  it.each([
    ["missing", () => {}, /no such file/],
    ["open to others", () => writeFileSync(path, formatKeytab([entry(1)]), { mode: 0o644 }), /chmod 600/],
    ["empty of keys", () => writeFileSync(path, formatKeytab([]), { mode: 0o600 }), /ktadd/],
    ["no keytab", () => writeFileSync(path, "hello", { mode: 0o600 }), /not a keytab/],
  ])("refuses to open one that is %s", async (_, make, text) => {
    make();
    await expect(KeytabFile.open(path)).rejects.toThrow(text);
  });
});
