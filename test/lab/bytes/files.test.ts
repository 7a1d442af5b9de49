/**
 * Keytabs, credential caches and dumps: every byte has a place in the tree, whole or not, and no key is in
 * it.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCredentialCache } from "../../../src/formats/ccache.js";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { leavesOf } from "../../../src/lab/bytes/byte-node.js";
import { cacheTree, dumpTree, keytabTree } from "../../../src/lab/bytes/files.js";
import { DumpWriter } from "../../../src/store/dump/writer.js";
import { MasterKey } from "../../../src/store/master-key.js";
import { grantTicket, login, longTermKeyOf, makeRealm, NOW } from "../../support/entries.js";
import { faultsOf, leavesOfKind, nodeAt } from "./gapless.js";

const realm = makeRealm();
const first = login(realm);
const second = grantTicket(realm, first.credentials);
const { principal } = realm.service;
const keytab = formatKeytab([
  { principal, timestamp: NOW, ...longTermKeyOf(realm.service) },
  { principal: realm.alice.principal, timestamp: NOW, ...longTermKeyOf(realm.alice) },
]);
const cache = formatCredentialCache({
  defaultPrincipal: realm.alice.principal,
  kdcOffset: 1500,
  config: [{ name: "fast_avail", server: undefined, value: Buffer.from("yes") }],
  credentials: [first.credentials, second.credentials],
});

describe("a keytab", () => {
  it("is read down to each value of each entry", () => {
    const tree = keytabTree(keytab)!;
    expect(faultsOf(tree, keytab.length)).toEqual([]);
    expect(leavesOfKind(tree, "unknown", "malformed")).toEqual([]);
    expect(tree.children.map(({ name }) => name)).toEqual(["version", "entry 1", "entry 2"]);
    expect(nodeAt(tree, "entry 1", "etype").value).toBe("des-cbc-md5 (3)");
    expect(nodeAt(tree, "entry 2", "timestamp").value).toBe("2026-03-01T12:00:00.000Z");
  });

  it("shows no key, and marks where keys are", () => {
    const tree = keytabTree(keytab)!;
    const key = Buffer.from(longTermKeyOf(realm.service).key.exportBytes()).toString("hex");
    expect(JSON.stringify(tree)).not.toContain(key);
    const { at, length } = leavesOf(tree).find(({ kind }) => kind === "key")!;
    expect(Buffer.from(keytab.subarray(at, at + length)).toString("hex")).toBe(key);
  });

  it("has holes and an end that no reader looks at", () => {
    const hole = Buffer.concat([keytab, Buffer.from("fffffffc00112233", "hex"), Buffer.alloc(7)]);
    const tree = keytabTree(hole)!;
    expect(faultsOf(tree, hole.length)).toEqual([]);
    expect(leavesOfKind(tree, "unknown")).toEqual(["keytab/hole/not read", "keytab/not read"]);
  });
});

describe("a credential cache", () => {
  it("is read down to the fields of its tickets", () => {
    const tree = cacheTree(cache)!;
    expect(faultsOf(tree, cache.length)).toEqual([]);
    expect(leavesOfKind(tree, "unknown", "malformed")).toEqual([]);
    const records = tree.children.filter(({ kind }) => kind === "record").map(({ name }) => name);
    expect(records).toEqual(["note fast_avail", "credential 1", "credential 2"]);
    expect(nodeAt(tree, "credential 2", "ticket", "server").value).toBe("notes/localhost@EXAMPLE.TEST");
    expect(nodeAt(tree, "credential 1", "flags").value).toBe("initial, pre-authent");
    expect(nodeAt(tree, "credential 1", "renew till").value).toBe("none");
  });

  it("shows no key", () => {
    const keys = [first, second].map(({ credentials }) =>
      Buffer.from(credentials.key.exportBytes()).toString("hex"),
    );
    for (const key of keys) expect(JSON.stringify(cacheTree(cache))).not.toContain(key);
  });
});

describe("a dump", () => {
  it("is read down to the records and their sealed keys", async () => {
    const dir = mkdtempSync(join(tmpdir(), "tessera-dump-"));
    try {
      const sealing = new MasterKey(new Uint8Array(32).fill(7));
      const path = join(dir, "dump");
      const header = { realm: "EXAMPLE.TEST", settings: "{}", createdAt: NOW, masterKeyId: sealing.id };
      const writer = await DumpWriter.create(path, header);
      await writer.finish(sealing);
      const bytes = readFileSync(path);
      const tree = dumpTree(bytes)!;
      expect(faultsOf(tree, bytes.length)).toEqual([]);
      expect(nodeAt(tree, "header", "realm").value).toBe("EXAMPLE.TEST");
      expect(leavesOfKind(dumpTree(bytes.subarray(0, -3))!, "malformed")).toEqual(["dump/cut short"]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("in general", () => {
  it.each([
    ["keytab", keytabTree, keytab],
    ["cache", cacheTree, cache],
  ] as const)("a %s that was cut or altered loses no byte", (_, read, whole) => {
    const altered = fc.tuple(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(altered, ([size, at, byte]) => {
        const bytes = Uint8Array.from(whole.subarray(0, size));
        if (at < size) bytes[at] = byte;
        const tree = read(bytes);
        if (tree !== undefined) expect(faultsOf(tree, size)).toEqual([]);
      }),
    );
  });

  it("what is none of them is told apart", () => {
    for (const read of [keytabTree, cacheTree, dumpTree])
      for (const bytes of [new Uint8Array(), Buffer.from("hello, world"), Buffer.from("0503", "hex")])
        expect(read(bytes)).toBeUndefined();
  });
});
