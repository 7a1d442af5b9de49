/**
 * What a service overwrites when it has read its keys: SECURITY.md, "Memory". The guard's calls are tested
 * beside them.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatKeytab } from "../../src/formats/keytab.js";
import { randomKey } from "../../src/protocol/keys.js";
import { KeytabFile } from "../../src/services/keytab-file.js";
import { TicketCache } from "../../src/services/ticket-cache.js";
import { grantTicket, keyOf, login, makeRealm, NOW } from "../support/entries.js";
import { type Contents, wipedBy } from "../support/wiped.js";

const realm = makeRealm(20);
const { principal } = realm.service;
const key = keyOf(realm.service);

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "wiping-"));
  path = join(dir, "krb5.keytab");
});
afterEach(() => rmSync(dir, { recursive: true }));

function times(wiped: readonly Contents[], bytes: Uint8Array): number {
  return wiped.filter((contents) => Buffer.compare(Buffer.from(contents), bytes) === 0).length;
}

function write(kvno: number, of = key): Uint8Array {
  const bytes = formatKeytab([{ principal, kvno, timestamp: NOW, key: of }]);
  writeFileSync(path, bytes, { mode: 0o600 });
  return bytes;
}

// As it was read, and as it was handed over.
const COPIES = 2;

test("a keytab's bytes are wiped when it was opened, also for nothing", async () => {
  const bytes = write(1);
  expect(times(await wipedBy(() => KeytabFile.openNow(path)), bytes)).toBe(COPIES);
  const garbage = Buffer.from("no keytab");
  writeFileSync(path, garbage);
  const wiped = await wipedBy(() => expect(() => KeytabFile.openNow(path)).toThrow());
  expect(times(wiped, garbage)).toBe(COPIES);
});

test("a keytab's bytes are wiped when it was read again", async () => {
  let now = NOW;
  write(1);
  const file = KeytabFile.openNow(path, { clock: () => now });
  const bytes = write(2, randomKey(key.etype));
  now += 1_000;
  expect(times(await wipedBy(() => file.serviceKeys()), bytes)).toBe(COPIES);
  expect(file.serviceKeys().keys.map(({ kvno }) => kvno)).toEqual([2]);
});

test("a ticket cache keeps no copy of the keys that it tells apart", async () => {
  const { credentials } = grantTicket(realm, login(realm).credentials);
  const cache = new TicketCache({ clockSkew: 300_000 });
  const service = { principal, keys: realm.service.keys };
  const first = await wipedBy(() => cache.open(credentials.ticket, service, [20], NOW));
  expect(times(first, key.exportBytes())).toBe(1);
  // The same objects are the same keys.
  const again = await wipedBy(() => cache.open(credentials.ticket, service, [20], NOW));
  expect(times(again, key.exportBytes())).toBe(0);
});
