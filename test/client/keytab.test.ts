import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readKeytab, readKeytabKeys } from "../../src/client/keytab.js";
import { formatKeytab, type KeytabEntry } from "../../src/formats/keytab.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key, randomKey } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { createTestRealm, type TestRealm } from "../../src/testing/test-realm.js";

const dir = mkdtempSync(join(tmpdir(), "tessera-keytab-"));
afterAll(() => rmSync(dir, { recursive: true }));
const NOW = Date.UTC(2026, 2, 1, 12);

function entry(name: string, kvno: number, etype: number): KeytabEntry {
  return { principal: parsePrincipal(name, "test"), kvno, key: randomKey(etypeOf(etype)), timestamp: NOW };
}

function keytab(name: string, ...entries: KeytabEntry[]): string {
  const path = join(dir, name);
  writeFileSync(path, formatKeytab(entries), { mode: 0o600 });
  return path;
}

const OLD = entry("backup/db@EXAMPLE.ORG", 1, 20);
const AES = entry("backup/db@EXAMPLE.ORG", 2, 20);
const DES = entry("backup/db@EXAMPLE.ORG", 2, 3);
const ALICE = entry("alice@EXAMPLE.ORG", 7, 19);

/** The bytes of keys, in hexadecimal. */
function bytes(keys: readonly { exportBytes(): Uint8Array }[]): string[] {
  return keys.map((key) => Buffer.from(key.exportBytes()).toString("hex"));
}

describe("a keytab", () => {
  it("is read whole", async () => {
    const entries = await readKeytab(keytab("whole", OLD, AES, ALICE));
    expect(entries.map(({ principal, kvno, timestamp }) => [principal, kvno, timestamp])).toEqual([
      ["backup/db@EXAMPLE.ORG", 1, NOW],
      ["backup/db@EXAMPLE.ORG", 2, NOW],
      ["alice@EXAMPLE.ORG", 7, NOW],
    ]);
    expect(bytes(entries.map(({ key }) => key))).toEqual(bytes([OLD.key, AES.key, ALICE.key]));
  });

  it("tells of what is of no use here", async () => {
    const path = keytab("strange", ALICE);
    const strange = Buffer.from(formatKeytab([ALICE]));
    // After the name: its type, the time, the short version.
    const etype = strange.indexOf("alice") + 5 + 4 + 4 + 1;
    strange.writeInt16BE(99, etype);
    writeFileSync(path, strange);
    const told: [string, number][] = [];
    const onSkipped = ({ name, etype }: { name: string; etype: number }) => void told.push([name, etype]);
    expect(await readKeytab(path, onSkipped)).toEqual([]);
    await expect(readKeytabKeys(path, undefined, onSkipped)).rejects.toMatchObject({
      name: "KeytabError",
      message: `${path}: holds no key`,
    });
    expect(told).toEqual([
      ["alice@EXAMPLE.ORG", 99],
      ["alice@EXAMPLE.ORG", 99],
    ]);
  });

  it("that is none, or that others may read, is refused", async () => {
    const none = join(dir, "none");
    writeFileSync(none, "no keytab", { mode: 0o600 });
    await expect(readKeytab(none)).rejects.toMatchObject({
      name: "KeytabError",
      message: `${none}: not a keytab of version 0x0502 (at byte 0)`,
    });
    await expect(readKeytab(join(dir, "missing"))).rejects.toMatchObject({
      name: "PrivateFileError",
      code: "missing",
    });
    const open = join(dir, "open");
    writeFileSync(open, formatKeytab([ALICE]), { mode: 0o644 });
    await expect(readKeytab(open)).rejects.toMatchObject({ name: "PrivateFileError", code: "unsafe" });
  });
});

describe("the keys of a principal", () => {
  const path = keytab("keys", OLD, AES, ALICE, DES);

  it("are the newest, one for each encryption type", async () => {
    const { principal, keys } = await readKeytabKeys(path, "backup/db@EXAMPLE.ORG");
    expect(principal).toBe("backup/db@EXAMPLE.ORG");
    expect(bytes(keys)).toEqual(bytes([AES.key, DES.key]));
  });

  it("are the first principal's unless another is named; its realm need not be", async () => {
    expect((await readKeytabKeys(path)).principal).toBe("backup/db@EXAMPLE.ORG");
    const { principal, keys } = await readKeytabKeys(path, "alice");
    expect([principal, bytes(keys)]).toEqual(["alice@EXAMPLE.ORG", bytes([ALICE.key])]);
  });

  it("must be there, and the name must be one", async () => {
    await expect(readKeytabKeys(path, "bob")).rejects.toMatchObject({
      name: "KeytabError",
      message: `${path}: holds no key of bob@EXAMPLE.ORG`,
      hint: `\`tessera klist -k ${path}\` lists its keys`,
    });
    await expect(readKeytabKeys(path, "a//b")).rejects.toMatchObject({
      name: "KrbError",
      reason: "KRB_ERR_GENERIC",
    });
    const empty = keytab("empty");
    await expect(readKeytabKeys(empty, "bob")).rejects.toMatchObject({ message: `${empty}: holds no key` });
  });
});

describe("a bad key", () => {
  const weak = { ...DES, key: new Key(etypeOf(3), Buffer.from("0101010101010101", "hex")) };

  it("that is asked for is refused, with the way to another", async () => {
    const path = keytab("weak", ALICE, AES, weak);
    await expect(readKeytabKeys(path, "backup/db")).rejects.toMatchObject({
      name: "KeytabError",
      message: expect.stringMatching(/weak: backup\/db@EXAMPLE.ORG, kvno 2, des-cbc-md5: .* weak/),
      hint: `make another: tessera kadmin ktadd -k ${path} backup/db@EXAMPLE.ORG`,
    });
    const short = Buffer.from(formatKeytab([OLD]));
    short.writeUInt16BE(31, short.length - 4 - 32 - 2);
    writeFileSync(path, Buffer.concat([formatKeytab([ALICE, AES]), short.subarray(2)]));
    await expect(readKeytabKeys(path, "backup/db")).rejects.toMatchObject({
      message: `${path}: an entry of backup/db@EXAMPLE.ORG that is not whole`,
    });
    expect((await readKeytabKeys(path, "alice")).keys).toHaveLength(1);
  });

  it("that nobody asks for is in nobody's way", async () => {
    expect((await readKeytabKeys(keytab("weak", weak, ALICE), "alice")).keys).toHaveLength(1);
  });
});

describe("a login with a keytab", () => {
  const exchanges = (realm: TestRealm) => realm.log.map(({ exchange, result }) => `${exchange} ${result}`);
  const written = async (realm: TestRealm, ...more: Pick<KeytabEntry, "kvno" | "key">[]) => {
    const { principal, keys } = await realm.keys("backup/db");
    const entries = [...keys, ...more].map((held) => ({ principal, timestamp: realm.now, ...held }));
    return readKeytabKeys(`FILE:${keytab("login", ...entries)}`);
  };

  // Killed between the two, ktadd leaves a version that the database does not have.
  it("falls back on the version before where its newest is ahead of the realm", async () => {
    await using realm = await createTestRealm({ services: ["backup/db"] });
    const keys = await written(realm, { kvno: 2, key: randomKey(etypeOf(20)) });
    const { client } = await realm.client().loginWithKeytab(keys);
    expect(client).toBe("backup/db@TEST.EXAMPLE");
    expect(exchanges(realm)).toEqual(["AS KDC_ERR_PREAUTH_FAILED", "AS OK"]);
  });

  it("is refused once where there is no version before, and twice at most", async () => {
    await using realm = await createTestRealm({ services: ["backup/db"] });
    const keys = await written(realm, ...[2, 3].map((kvno) => ({ kvno, key: randomKey(etypeOf(20)) })));
    const refused = { reason: "KDC_ERR_PREAUTH_FAILED" };
    await expect(realm.client().loginWithKeytab(keys)).rejects.toMatchObject(refused);
    expect(exchanges(realm)).toEqual(["AS KDC_ERR_PREAUTH_FAILED", "AS KDC_ERR_PREAUTH_FAILED"]);
    await expect(realm.client().loginWithKeytab({ ...keys, before: [] })).rejects.toMatchObject(refused);
    expect(exchanges(realm)).toHaveLength(3);
  });

  it("takes the newest by time where an old writer kept 8 bits of the version", async () => {
    await using realm = await createTestRealm({ services: ["backup/db"] });
    const { principal, keys } = await realm.keys("backup/db");
    const old = { principal, kvno: 255, key: randomKey(etypeOf(20)), timestamp: realm.now - 1000 };
    const now = keys.map((held) => ({ principal, timestamp: realm.now, ...held }));
    await realm.client().loginWithKeytab(await readKeytabKeys(keytab("eight", old, ...now)));
    expect(exchanges(realm)).toEqual(["AS OK"]);
  });
});
