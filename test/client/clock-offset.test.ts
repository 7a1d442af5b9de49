/** A clock offset that was learned at login and is wrong by now: it is learned again, once, and safely. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  fileCache,
  KerberosClient,
  ServerTimeRequestSchema,
  ServerTimeResponseSchema,
} from "../../src/client/index.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { fromServiceError, toStatus } from "../../src/rpc/status.js";
import { PASSWORDS, startRealm, type TestRealm } from "../support/realm.js";
import { standBetween } from "../support/wire-middle.js";

const HOUR = 3_600_000;
const TIME = { request: ServerTimeRequestSchema, response: ServerTimeResponseSchema };

function exchanges(realm: TestRealm): string[] {
  return realm.log.map(({ exchange, result }) => `${exchange} ${result}`);
}

/** A host whose clock is off the realm's, by what the test says at the moment. */
async function openHost(off: number) {
  const realm = await startRealm();
  const host = { off };
  const client = realm.client({ clock: () => realm.now + host.off });
  await client.login(realm.principal("alice"), PASSWORDS.alice, { life: 8 * HOUR });
  realm.log.length = 0;
  return { realm, host, client, [Symbol.asyncDispose]: () => realm.close() };
}

const HOSTS = [
  { what: "set right after a login two hours slow", at: -2 * HOUR, later: 0 },
  { what: "set right after a login two hours fast", at: 2 * HOUR, later: 0 },
  { what: "set wrong after a login", at: 0, later: -2 * HOUR },
];

describe.each(HOSTS)("a clock that is $what", ({ at, later }) => {
  test("costs one more request to the TGS, and the offset is right from then on", async () => {
    await using opened = await openHost(at);
    const { realm, host, client } = opened;
    expect((await client.cached())?.kdcOffset).toBe(0 - at);
    host.off = later;
    await client.serviceTicket(realm.v.principal);
    expect(exchanges(realm)).toEqual(["TGS KRB_AP_ERR_SKEW", "TGS OK"]);
    expect((await client.cached())?.kdcOffset).toBe(0 - later);
    await client.access(realm.v, TIME, {});
    expect(exchanges(realm).slice(2)).toEqual(["V OK"]);
  });

  test("is noticed by V, measured at the TGS, and the call is answered", async () => {
    await using opened = await openHost(at);
    const { realm, host, client } = opened;
    await client.serviceTicket(realm.v.principal);
    realm.log.length = 0;
    host.off = later;
    const { time } = await client.access(realm.v, TIME, {});
    expect(Number(time!.seconds)).toBe(Math.floor(realm.now / 1000));
    expect(exchanges(realm)).toEqual(["V KRB_AP_ERR_SKEW", "TGS KRB_AP_ERR_SKEW", "TGS OK", "V OK"]);
    expect((await client.cached())?.kdcOffset).toBe(0 - later);
  });

  test("does not stand in the way of a renewal", async () => {
    await using opened = await openHost(at);
    const { realm, host, client } = opened;
    await client.login(realm.principal("alice"), PASSWORDS.alice, {
      life: 4 * HOUR,
      renewableLife: 8 * HOUR,
    });
    realm.log.length = 0;
    host.off = later;
    realm.advance("30m");
    await client.renew();
    expect(exchanges(realm)).toEqual(["TGS KRB_AP_ERR_SKEW", "TGS OK"]);
    expect((await client.cached())?.kdcOffset).toBe(0 - later);
  });
});

test("32 calls at once that meet it are all answered, and measure it once", async () => {
  await using opened = await openHost(-2 * HOUR);
  const { realm, host, client } = opened;
  await client.serviceTicket(realm.v.principal);
  realm.log.length = 0;
  host.off = 0;
  await Promise.all(Array.from({ length: 32 }, () => client.access(realm.v, TIME, {})));
  expect(exchanges(realm).filter((line) => line === "TGS OK")).toHaveLength(1);
});

test("the new offset is written over the old one in the cache's file", async () => {
  const dir = mkdtempSync(join(tmpdir(), "offset-"));
  try {
    await using realm = await startRealm();
    const cache = fileCache(join(dir, "cc"));
    const slow = realm.client({ cache, clock: () => realm.now - 2 * HOUR });
    await slow.login(realm.principal("alice"), PASSWORDS.alice);
    const { ino } = statSync(join(dir, "cc"));
    const right = realm.client({ cache });
    await right.serviceTicket(realm.v.principal);
    expect(await cache.load()).toMatchObject({ kdcOffset: 0 });
    expect(statSync(join(dir, "cc")).ino).toBe(ino);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

describe("a hint, which anybody may have made,", () => {
  const skew = (offset: number) =>
    new KrbError("KRB_AP_ERR_SKEW", "clock skew too great", { offset_ms: String(offset) });

  test("is followed once, and the refusal that follows says which offset was kept", async () => {
    await using realm = await startRealm();
    const asked: number[] = [];
    await using middle = await standBetween(realm, {
      grantTicket: () => {
        asked.push(0);
        throw skew(HOUR);
      },
    });
    const client = realm.client({ kdc: middle.kdc, clock: () => realm.now - 2 * HOUR });
    await client.login(realm.principal("alice"), PASSWORDS.alice);
    await expect(client.serviceTicket(realm.v.principal)).rejects.toMatchObject({
      reason: "KRB_AP_ERR_SKEW",
      details: { kept_offset_ms: String(2 * HOUR) },
    });
    expect(asked).toHaveLength(2);
    expect((await client.cached())?.kdcOffset).toBe(2 * HOUR);
  });

  test.each([
    ["beyond the ticket's end", -24 * HOUR],
    ["long before its beginning", 24 * HOUR],
    ["that is no number", Number.NaN],
    ["of nothing", 0],
  ])("%s makes no authenticator", async (_, offset) => {
    await using realm = await startRealm();
    let asked = 0;
    await using middle = await standBetween(realm, {
      grantTicket: () => {
        asked++;
        throw skew(offset);
      },
    });
    const client = realm.client({ kdc: middle.kdc });
    await client.login(realm.principal("alice"), PASSWORDS.alice);
    await expect(client.serviceTicket(realm.v.principal)).rejects.toMatchObject({
      reason: "KRB_AP_ERR_SKEW",
    });
    expect(asked).toBe(1);
  });

  test("by V moves no time but the KDC's, and asks the TGS once in ten seconds", async () => {
    await using realm = await startRealm();
    let asked = 0;
    await using middle = await standBetween(realm, {
      access: () => {
        asked++;
        throw skew(HOUR);
      },
    });
    const client = await realm.login("alice");
    const call = () => client.access(middle.v, TIME, {}).catch((error: unknown) => error);
    for (let calls = 0; calls < 3; calls++) expect(await call()).toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
    expect(asked).toBe(3);
    expect(exchanges(realm)).toEqual(["AS OK", "TGS OK", "TGS OK"]);
    expect((await client.cached())?.kdcOffset).toBe(0);
    realm.advance("10s");
    await call();
    expect(exchanges(realm)).toHaveLength(4);
  });
});

test("V's refusal stays what it is where the KDC is away", async () => {
  await using opened = await openHost(0);
  const { realm, host } = opened;
  const cache = { ...fileCache("/nowhere"), load: async () => kept, change: async () => {} };
  const client = new KerberosClient({
    kdc: { as: "127.0.0.1:1", tgs: "127.0.0.1:1" },
    cache,
    clock: () => realm.now + host.off,
  });
  const source = await realm.login("alice");
  await source.serviceTicket(realm.v.principal);
  const kept = await source.cached();
  host.off = 2 * HOUR;
  await expect(client.access(realm.v, TIME, {})).rejects.toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
  client.close();
});

test("a refusal keeps its hint on the wire", () => {
  const { details } = fromServiceError(toStatus(new KrbError("KRB_AP_ERR_SKEW", "x", { offset_ms: "-5" })));
  expect(details).toMatchObject({ offset_ms: "-5" });
});
