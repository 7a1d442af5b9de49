/** One cache file, several who change it: other clients of ours, and MIT's tools. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { CachedLogin, CredentialCache } from "../../src/client/credential-cache.js";
import { fileCache } from "../../src/client/file-credential-cache.js";
import { KeptLogin } from "../../src/client/kept-login.js";
import { KerberosClient } from "../../src/client/kerberos-client.js";
import { formatCredentialCache, parseCredentialCache } from "../../src/formats/ccache.js";
import { formatCredentials } from "../../src/formats/ccache-credential.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { createTestRealm, type TestRealm } from "../../src/testing/test-realm.js";
import { grantTicket, login, makeEntry, makeRealm, NOW } from "../support/entries.js";

const realm = makeRealm();
const { credentials: tgt } = login(realm);
const { credentials: ticket } = grantTicket(realm, tgt);
const { credentials: bobsTgt } = login({ ...realm, alice: makeEntry("bob") });
const alice: CachedLogin = { client: tgt.client, kdcOffset: 0, credentials: [tgt] };
const bob: CachedLogin = { client: bobsTgt.client, kdcOffset: 0, credentials: [bobsTgt] };
const withTicket = (held: CachedLogin) => ({ ...held, credentials: [...held.credentials, ticket] });
const servers = (held: CachedLogin | undefined) => held?.credentials.map(({ server }) => server);

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "shared-"));
  path = join(dir, "cc");
});
afterEach(() => rmSync(dir, { recursive: true }));

/**
 * The cache of somebody who also uses MIT's tools: a note, and a ticket of another system in an encryption
 * type of ours.
 */
function mixedCache(): Uint8Array {
  const config = [{ name: "fast_avail", server: tgt.server, value: Buffer.from("yes") }];
  const bytes = formatCredentialCache({
    defaultPrincipal: tgt.client,
    kdcOffset: 0,
    config,
    credentials: [tgt],
  });
  const mits: Credentials = {
    ...tgt,
    server: "HTTP/web@EXAMPLE.TEST" as Credentials["server"],
    key: randomKey(etypeOf(20)),
    ticket: Buffer.from("6103020105", "hex"),
  };
  const foreign = Buffer.from(
    formatCredentials({ ...mits, server: "HTTP/old@EXAMPLE.TEST" as typeof mits.server }),
  );
  foreign.writeInt16BE(18, foreign.indexOf(mits.key.exportBytes()) - 6);
  return Buffer.concat([bytes, formatCredentials(mits), foreign]);
}

describe("a change of a cache", () => {
  test("is made in the file: all else stays, byte for byte, but for marks of what was removed", async () => {
    const before = mixedCache();
    writeFileSync(path, before, { mode: 0o600 });
    const { ino } = statSync(path);
    const cache = fileCache(path);
    expect(servers(await cache.load())).toEqual([tgt.server]);
    await cache.change?.(withTicket);
    expect(statSync(path).ino).toBe(ino);
    const after = readFileSync(path);
    expect(Buffer.compare(after.subarray(0, before.length), before)).toBe(0);
    expect(servers(await cache.load())).toEqual([tgt.server, ticket.server]);
    await cache.change?.((held) => ({ ...held, credentials: held.credentials.slice(0, 1) }));
    expect(servers(await cache.load())).toEqual([tgt.server]);
    const removed = readFileSync(path);
    expect(removed).toHaveLength(after.length);
    const differing = [...removed.keys()].filter((at) => removed[at] !== after[at]);
    expect(differing.every((at) => at >= before.length)).toBe(true);
    expect(differing.length).toBeLessThanOrEqual(8);
  });

  test("writes nothing where nothing changes, and makes no file where there is none", async () => {
    await fileCache(path).change?.(withTicket);
    expect(await fileCache(path).load()).toBeUndefined();
    await fileCache(path).store(alice);
    const { mtimeNs } = statSync(path, { bigint: true });
    await fileCache(path).change?.((held) => held);
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs);
  });

  test("keeps the clock offset where the file has its place", async () => {
    await fileCache(path).store(alice);
    await fileCache(path).change?.((held) => ({ ...held, kdcOffset: -2500 }));
    expect(await fileCache(path).load()).toMatchObject({ kdcOffset: -2500 });
  });

  test("cuts off the half of a credential that nobody finished", async () => {
    await fileCache(path).store(alice);
    appendFileSync(path, formatCredentials(ticket).subarray(0, 100));
    expect(servers(await fileCache(path).load())).toEqual([tgt.server]);
    await fileCache(path).change?.(withTicket);
    expect(servers(await fileCache(path).load())).toEqual([tgt.server, ticket.server]);
  });

  test("by many at once loses nobody's ticket", async () => {
    await fileCache(path).store(alice);
    const names = Array.from({ length: 24 }, (_, i) => `s${i}/h@EXAMPLE.TEST`);
    await Promise.all(
      names.map((name) =>
        new KeptLogin(fileCache(path), () => NOW).change(tgt, (held) => ({
          ...held,
          credentials: [...held.credentials, { ...ticket, server: name as Credentials["server"] }],
        })),
      ),
    );
    expect(new Set(servers(await fileCache(path).load()))).toEqual(new Set([tgt.server, ...names]));
  });

  test("for alice undoes no login of bob's, whenever that came", async () => {
    const [bobsFile, kept] = [join(dir, "bob"), new KeptLogin(fileCache(path), () => NOW)];
    await fileCache(path).store(alice);
    await fileCache(bobsFile).store(bob);
    // Between the check of whose login it is and the writing of the ticket.
    await kept.change(tgt, (held) => {
      renameSync(bobsFile, path);
      return withTicket(held);
    });
    expect(servers(await fileCache(path).load())).toEqual([bobsTgt.server]);
    expect(await fileCache(path).load()).toMatchObject({ client: bob.client });
    // Before it.
    await kept.change(tgt, withTicket);
    expect(await fileCache(path).load()).toMatchObject({ client: bob.client, credentials: { length: 1 } });
  });
});

describe.skipIf(spawnSync("klist", ["-V"]).status === null)(
  "a changed cache (runs where MIT's tools are)",
  () => {
    const klist = (...flags: string[]) =>
      execFileSync("klist", [...flags, "-c", path], {
        encoding: "utf8",
        env: { ...process.env, LC_ALL: "C" },
      });

    test("is read by them: notes and foreign tickets are there, what was removed is not", async () => {
      writeFileSync(path, mixedCache(), { mode: 0o600 });
      await fileCache(path).change?.(withTicket);
      expect(klist("-C")).toContain(`config: fast_avail(${tgt.server}) = yes`);
      for (const server of [tgt.server, ticket.server, "HTTP/web@EXAMPLE.TEST", "HTTP/old@EXAMPLE.TEST"])
        expect(klist()).toContain(server);
      await fileCache(path).change?.((held) => ({ ...held, credentials: held.credentials.slice(0, 1) }));
      expect(klist()).not.toContain(ticket.server);
      expect(klist()).toContain("HTTP/web@EXAMPLE.TEST");
    });
  },
);

describe("a ticket that its cache can't take", () => {
  const names = ["one/h", "two/h"];
  let kdc: TestRealm;
  beforeEach(async () => {
    kdc = await createTestRealm({ users: { alice: "apple", bob: "pear" }, services: names });
    const shared = kdc.client({ cache: fileCache(path) });
    await shared.login("alice@TEST.EXAMPLE", "apple", { renewableLife: 36_000_000 * 3 });
  });
  afterEach(() => kdc.close());
  const asked = () => kdc.log.filter(({ exchange }) => exchange === "TGS").length;

  /**
   * A cache that others can write: this one can only read it, as a container does what its sidecar mounts.
   */
  const readOnly = (): CredentialCache => ({
    ...fileCache(path),
    change: () => Promise.reject(new Error(`EROFS: read-only file system, open '${path}'`)),
    store: () => Promise.reject(new Error("EROFS: read-only file system")),
  });

  test("is used, asked for once, and said once", async () => {
    const onUnkept = vi.fn();
    const client = kdc.client({ cache: readOnly(), onUnkept });
    for (const name of names) {
      const first = await client.serviceTicket(kdc.principal(name));
      expect(await client.serviceTicket(kdc.principal(name))).toBe(first);
    }
    expect(asked()).toBe(2);
    expect(onUnkept.mock.calls).toEqual([
      [expect.objectContaining({ message: expect.stringContaining("EROFS") })],
    ]);
    expect(servers(await client.cached())).toHaveLength(3);
    expect(servers(await fileCache(path).load())).toHaveLength(1);
  });

  test("is used although whoever is told of it fails, now or later", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => warned.mockRestore());
    const onUnkept = () => {
      throw new Error("no place for notices");
    };
    const client = kdc.client({ cache: readOnly(), onUnkept });
    const ticket = await client.serviceTicket(kdc.principal("one/h"));
    expect(ticket.server).toBe(kdc.principal("one/h"));
    expect(warned.mock.calls).toEqual([["onUnkept failed: Error: no place for notices", "TesseraWarning"]]);
  });

  test("is used where it is the renewed TGT, and after it was forgotten", async () => {
    const client = kdc.client({ cache: readOnly(), onUnkept: () => {} });
    const old = await client.serviceTicket(kdc.principal("one/h"));
    const renewed = await client.renew();
    expect((await client.cached())?.credentials).toEqual([renewed]);
    const next = await client.serviceTicket(kdc.principal("one/h"));
    expect(next).not.toBe(old);
    await client.forgetTicket(next);
    expect(servers(await client.cached())).toEqual([renewed.server]);
  });

  test("is not used beside another login in the cache, nor after a logout elsewhere", async () => {
    const client = kdc.client({ cache: readOnly(), onUnkept: () => {} });
    await client.serviceTicket(kdc.principal("one/h"));
    await kdc.client({ cache: fileCache(path) }).login("bob@TEST.EXAMPLE", "pear");
    expect(await client.cached()).toMatchObject({ client: "bob@TEST.EXAMPLE", credentials: { length: 1 } });
    await client.serviceTicket(kdc.principal("one/h"));
    await fileCache(path).destroy();
    expect(await client.cached()).toBeUndefined();
  });

  test("is said as a warning of the process where nobody else is told", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    await kdc.client({ cache: readOnly() }).serviceTicket(kdc.principal("one/h"));
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^a ticket is used and not kept: EROFS/), "TesseraWarning"],
    ]);
    warn.mockRestore();
  });

  test("but a login that can't be kept is a failure", async () => {
    const client = kdc.client({ cache: readOnly() });
    await expect(client.login("bob@TEST.EXAMPLE", "pear")).rejects.toThrow("EROFS");
  });
});

test("24 clients at once on one cache keep 24 tickets", async () => {
  const names = Array.from({ length: 24 }, (_, i) => `s${i}/h`);
  await using kdc = await createTestRealm({ users: { alice: "apple" }, services: names });
  await kdc.login("alice", undefined, { cache: fileCache(path) });
  await Promise.all(
    names.map(async (name) => {
      using client = new KerberosClient({ kdc: kdc.kdc, clock: () => kdc.now, cache: fileCache(path) });
      await client.serviceTicket(kdc.principal(name));
    }),
  );
  const { credentials } = parseCredentialCache(readFileSync(path));
  expect(new Set(credentials.map(({ server }) => server))).toHaveProperty("size", 25);
});
