/**
 * What a client keeps of the login in its cache: read once, never past its truth, changed for its owner
 * alone.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CachedLogin, type CredentialCache, memoryCache } from "../../src/client/credential-cache.js";
import { fileCache } from "../../src/client/file-credential-cache.js";
import { KeptLogin } from "../../src/client/kept-login.js";
import { grantTicket, login, makeEntry, makeRealm, NOW } from "../support/entries.js";
import { eventually } from "../support/eventually.js";

const realm = makeRealm();
const bobsRealm = { ...realm, alice: makeEntry("bob") };
const { credentials: tgt } = login(realm);
const { credentials: ticket } = grantTicket(realm, tgt);
const { credentials: bobsTgt } = login(bobsRealm);

const alice: CachedLogin = { client: tgt.client, kdcOffset: 0, credentials: [tgt] };
const bob: CachedLogin = { client: bobsTgt.client, kdcOffset: 0, credentials: [bobsTgt] };

/** A cache that counts how often it is read. */
function counted(cache: CredentialCache) {
  const reads = { count: 0 };
  const load = () => {
    reads.count += 1;
    return cache.load();
  };
  return { cache: { ...cache, load }, reads };
}

describe("a login in a file", () => {
  let dir: string;
  let path: string;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "kept-"));
    path = join(dir, "cc");
    await fileCache(path).store(alice);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 60_000);
  });
  afterEach(() => {
    vi.useRealTimers();
    rmSync(dir, { recursive: true });
  });

  function keptInFile() {
    const { cache, reads } = counted(fileCache(path));
    return { kept: new KeptLogin(cache, () => NOW), reads };
  }

  test("is read once, and its keys with what was derived from them stay the same objects", async () => {
    const { kept, reads } = keptInFile();
    const first = await kept.current();
    for (let calls = 0; calls < 10; calls++) expect((await kept.current()).login).toBe(first.login);
    expect(await kept.load()).toBe(first.login);
    expect(first.tgt.ticket).toEqual(tgt.ticket);
    expect(reads.count).toBe(1);
  });

  test("is read again when another process put its own in place, or removed it", async () => {
    const { kept } = keptInFile();
    expect((await kept.current()).login.client).toBe(alice.client);
    await fileCache(path).store(bob);
    expect((await kept.current()).login.client).toBe(bob.client);
    await fileCache(path).destroy();
    expect(await kept.load()).toBeUndefined();
    await fileCache(path).store(alice);
    expect((await kept.current()).login.client).toBe(alice.client);
  });

  test("is read each time as long as its file may have changed within one tick of the clock", async () => {
    const { kept, reads } = keptInFile();
    await kept.load();
    await kept.replace(bob);
    vi.setSystemTime(Date.now() - 60_000);
    await kept.load();
    await kept.load();
    expect(reads.count).toBe(3);
  });

  test("is overwritten in memory too when it is destroyed", async () => {
    const { kept } = keptInFile();
    const { tgt: read } = await kept.current();
    expect(read.key.exportBytes()).toEqual(tgt.key.exportBytes());
    expect(await kept.destroy()).toBe(true);
    expect(read.key.exportBytes()).toEqual(new Uint8Array(8));
    expect(await kept.destroy()).toBe(false);
    expect(await kept.load()).toBeUndefined();
  });
});

test("what was changed while it was read is read again at the next call", async () => {
  let revision = "1";
  let held = alice;
  const cache: CredentialCache = {
    ...memoryCache(),
    revision: () => revision,
    load: async () => {
      const found = held;
      if (revision === "1") {
        revision = "2";
        held = bob;
      }
      return found;
    },
  };
  const kept = new KeptLogin(cache, () => NOW);
  expect(await kept.load()).toBe(alice);
  expect(await kept.load()).toBe(bob);
});

test("a cache that can't tell its state is read each time", async () => {
  const { cache, reads } = counted({ ...memoryCache(), revision: () => undefined });
  const kept = new KeptLogin(cache, () => NOW);
  await kept.load();
  await kept.load();
  expect(reads.count).toBe(2);
});

describe("a login is good", () => {
  const cacheOf = async (held: CachedLogin | undefined) => {
    const cache = memoryCache();
    if (held !== undefined) await cache.store(held);
    return cache;
  };

  test("until the end of its TGT by the KDC's clock, to the millisecond", async () => {
    const cache = await cacheOf({ ...alice, kdcOffset: 5_000 });
    const at = (now: number) => new KeptLogin(cache, () => now).current();
    const last = tgt.endtime - 5_001;
    expect(await at(last)).toMatchObject({ tgt, now: tgt.endtime - 1 });
    await expect(at(last + 1)).rejects.toMatchObject({
      reason: "KRB_AP_ERR_TKT_EXPIRED",
      message: `the login ended at ${new Date(tgt.endtime).toISOString()}; log in first`,
    });
  });

  test("where there is one, with a TGT", async () => {
    const at = async (held: CachedLogin | undefined) =>
      new KeptLogin(await cacheOf(held), () => NOW).current();
    await expect(at(undefined)).rejects.toMatchObject({
      reason: "KRB_AP_ERR_TKT_EXPIRED",
      message: "nobody is logged in; log in first",
    });
    await expect(at({ ...alice, credentials: [ticket] })).rejects.toMatchObject({
      reason: "KRB_AP_ERR_TKT_EXPIRED",
      message: "the credential cache holds no ticket-granting ticket; log in first",
    });
    expect((await at({ ...alice, credentials: [ticket, tgt] })).tgt).toBe(tgt);
  });
});

describe("a ticket", () => {
  const withTicket = (held: CachedLogin) => ({ ...held, credentials: [...held.credentials, ticket] });

  test("lands in the login whose TGT it was asked with", async () => {
    const cache = memoryCache();
    const kept = new KeptLogin(cache, () => NOW);
    await kept.replace(alice);
    await kept.change(tgt, withTicket);
    expect(await cache.load()).toEqual({ ...alice, credentials: [tgt, ticket] });
  });

  test("lands neither in another user's login, nor in a later one of that user, nor in none", async () => {
    const cache = memoryCache();
    const kept = new KeptLogin(cache, () => NOW);
    const { credentials: later } = login(realm);
    for (const held of [bob, { ...alice, credentials: [later] }]) {
      await kept.replace(held);
      await kept.change(tgt, withTicket);
      expect(await cache.load()).toBe(held);
    }
    await kept.destroy();
    await kept.change(tgt, withTicket);
    expect(await cache.load()).toBeUndefined();
  });
});

test("changes wait for one another, and one that fails holds up none", async () => {
  const order: string[] = [];
  const waiting: (() => void)[] = [];
  const cache: CredentialCache = {
    ...memoryCache(),
    store: async ({ client }) => {
      order.push(`begins ${client}`);
      await new Promise<void>((resolve) => void waiting.push(resolve));
      if (client === alice.client) throw new Error("disk full");
      order.push(`ends ${client}`);
    },
  };
  const kept = new KeptLogin(cache, () => NOW);
  const first = kept.replace(alice);
  const second = kept.replace(bob);
  await eventually(() => expect(waiting).toHaveLength(1));
  expect(order).toEqual([`begins ${alice.client}`]);
  waiting[0]!();
  await expect(first).rejects.toThrow("disk full");
  await eventually(() => expect(waiting).toHaveLength(2));
  waiting[1]!();
  await second;
  expect(order).toEqual([`begins ${alice.client}`, `begins ${bob.client}`, `ends ${bob.client}`]);
});
