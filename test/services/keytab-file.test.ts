import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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

  it("names the entry with a weak DES key or one of bad parity", async () => {
    for (const [hex, text] of [
      ["0101010101010101", "weak"],
      ["133457799bbcdff0", "parity"],
    ] as const) {
      const key = new Key(etypeOf(3), Buffer.from(hex, "hex"));
      await writeFileAtomically(path, formatKeytab([entry(2), { ...entry(1), key }]));
      const error = await KeytabFile.open(path).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(KeytabError);
      expect((error as Error).message).toMatch(
        /v\.keytab: v\/localhost@EXAMPLE\.TEST, kvno 1, des-cbc-md5: /,
      );
      expect((error as Error).message).toContain(text);
    }
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
