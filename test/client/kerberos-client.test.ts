/** The client against a running realm: how many round trips, which tickets, whose clock, and how it ends. */
import { createServer } from "node:net";
import { setImmediate } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import {
  type CachedLogin,
  type CredentialCache,
  EchoRequestSchema,
  EchoResponseSchema,
  memoryCache,
  ServerTimeRequestSchema,
  ServerTimeResponseSchema,
  WhoAmIRequestSchema,
  WhoAmIResponseSchema,
} from "../../src/client/index.js";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { keyOf, loginTo, PASSWORDS, startRealm, type TestRealm } from "../support/realm.js";
import { standBetween } from "../support/wire-middle.js";

const HOUR = 3_600_000;
const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
const ECHO = { request: EchoRequestSchema, response: EchoResponseSchema };
const TIME = { request: ServerTimeRequestSchema, response: ServerTimeResponseSchema };

/** A cache that takes its time, as a file does, and keeps nothing but what is stored. */
function slowCache(): CredentialCache {
  let kept: CachedLogin | undefined;
  return {
    name: "SLOW:",
    load: async () => {
      await setImmediate();
      return kept;
    },
    store: async (login) => {
      await setImmediate();
      kept = login;
    },
    destroy: async () => {
      await setImmediate();
      const had = kept !== undefined;
      kept = undefined;
      return had;
    },
  };
}

/** The exchanges so far and how they ended: `AS OK`. */
function exchanges(realm: TestRealm): string[] {
  return realm.log.map(({ exchange, result }) => `${exchange} ${result}`);
}

describe.each(["textbook", "standard"] as const)("in a %s realm", (profile) => {
  test("from password to answered call in three round trips", async () => {
    await using realm = await startRealm({ profile });
    const alice = await realm.login("alice", PASSWORDS.alice);
    const answer = await alice.access(realm.v, WHO_AM_I, {});
    expect(exchanges(realm)).toEqual(["AS OK", "TGS OK", "V OK"]);
    expect(answer).toMatchObject({ client: "alice@TEST.EXAMPLE", server: "v/localhost@TEST.EXAMPLE" });
    await alice.access(realm.v, ECHO, { text: "again" });
    expect(exchanges(realm)).toEqual(["AS OK", "TGS OK", "V OK", "V OK"]);
  });

  test("a wrong password is refused by its name, in one round trip, and nobody is logged in", async () => {
    await using realm = await startRealm({ profile });
    const client = realm.client();
    await expect(client.login(realm.principal("alice"), "wrong")).rejects.toMatchObject({
      name: "KrbError",
      reason: "KDC_ERR_PREAUTH_FAILED",
      code: 24,
    });
    expect(exchanges(realm)).toEqual(["AS KDC_ERR_PREAUTH_FAILED"]);
    expect(await client.cached()).toBeUndefined();
    await expect(client.serviceTicket(realm.v.principal)).rejects.toMatchObject({
      reason: "KRB_AP_ERR_TKT_EXPIRED",
      message: "nobody is logged in; log in first",
    });
  });
});

test("a wrong guess of the encryption type costs one more round trip", async () => {
  await using realm = await startRealm();
  const client = realm.client({ etypes: { permitted: [20, 19, 3], first: 20 } });
  const credentials = await client.login(realm.principal("alice"), PASSWORDS.alice);
  expect(exchanges(realm)).toEqual(["AS KDC_ERR_PREAUTH_REQUIRED", "AS OK"]);
  expect(credentials.key.etype.etype).toBe(3);
});

test("a wrong guess of the salt costs one more round trip", async () => {
  await using realm = await startRealm();
  await realm.addUser("carol", "a password that was set under another name");
  const carol = await realm.entry("carol");
  await realm.addUser("caroline", "irrelevant");
  const stringToKey = new Map([[3, { salt: "TEST.EXAMPLEcarol", params: new Uint8Array() }]]);
  await realm.change("caroline", (entry) => ({ ...entry, keys: carol.keys, stringToKey }));
  await realm.login("caroline", "a password that was set under another name");
  expect(exchanges(realm)).toEqual(["AS KDC_ERR_PREAUTH_FAILED", "AS OK"]);
});

test("a standard client does not log in to a textbook realm: it is offered DES and declines", async () => {
  await using realm = await startRealm();
  const client = realm.client({ etypes: { permitted: [20, 19], first: 20 } });
  await expect(client.login(realm.principal("alice"), PASSWORDS.alice)).rejects.toMatchObject({
    reason: "KDC_ERR_ETYPE_NOSUPP",
    details: { offered: "3", accepted: "20 19" },
  });
  expect(exchanges(realm)).toEqual(["AS KDC_ERR_PREAUTH_REQUIRED"]);
});

test("a textbook client logs in to a standard realm with the realm's strongest type", async () => {
  await using realm = await startRealm({ profile: "standard" });
  const client = realm.client({ etypes: { permitted: [20, 19, 16, 3], first: 3 } });
  const credentials = await client.login(realm.principal("alice"), PASSWORDS.alice);
  expect(exchanges(realm)).toEqual(["AS KDC_ERR_PREAUTH_REQUIRED", "AS OK"]);
  expect(credentials.key.etype.etype).toBe(20);
});

test("long-term keys log in without a password", async () => {
  await using realm = await startRealm();
  await realm.addService("host/web");
  const { principal, keys } = await realm.keys("host/web");
  const client = realm.client();
  await client.loginWithKeys(
    principal,
    keys.map(({ key }) => key),
  );
  const answer = await client.access(realm.v, WHO_AM_I, {});
  expect(answer.client).toBe("host/web@TEST.EXAMPLE");
  expect(exchanges(realm)).toEqual(["AS OK", "TGS OK", "V OK"]);
  expect(keys[0]!.key.exportBytes().some((byte) => byte !== 0)).toBe(true);
});

test("long-term keys of types the client does not accept are refused before anything is sent", async () => {
  await using realm = await startRealm();
  const client = realm.client({ etypes: { permitted: [20], first: 20 } });
  const key = await keyOf(realm, "alice");
  await expect(client.loginWithKeys("alice@TEST.EXAMPLE", [key])).rejects.toMatchObject({
    reason: "KDC_ERR_ETYPE_NOSUPP",
    details: { held: "3", accepted: "20" },
  });
  expect(exchanges(realm)).toEqual([]);
});

test.each([
  ["ahead", HOUR],
  ["behind", -HOUR],
  ["ahead by ten years", 10 * 365 * 24 * HOUR],
])("a client whose clock is %s logs in at the second try, and calls", async (_, error) => {
  await using realm = await startRealm();
  const client = realm.client({ clock: () => realm.now + error });
  await client.login(realm.principal("alice"), PASSWORDS.alice, { life: HOUR });
  expect(exchanges(realm)).toEqual(["AS KRB_AP_ERR_SKEW", "AS OK"]);
  expect((await client.cached())?.kdcOffset).toBe(-error);
  const { time } = await client.access(realm.v, TIME, {});
  expect(Number(time!.seconds)).toBe(Math.floor(realm.now / 1000));
  expect(exchanges(realm)).toEqual(["AS KRB_AP_ERR_SKEW", "AS OK", "TGS OK", "V OK"]);
});

test("a clock within the permitted skew costs nothing", async () => {
  await using realm = await startRealm();
  const client = realm.client({ clock: () => realm.now - 300_000 });
  await client.login(realm.principal("alice"), PASSWORDS.alice);
  await client.access(realm.v, ECHO, { text: "hello" });
  expect(exchanges(realm)).toEqual(["AS OK", "TGS OK", "V OK"]);
});

describe("service tickets", () => {
  test("32 callers at once ask the TGS once", async () => {
    await using realm = await startRealm();
    const alice = await realm.login("alice", PASSWORDS.alice);
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, at) => alice.access(realm.v, ECHO, { text: String(at) })),
    );
    expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 32 }, (_, at) => String(at)));
    expect(exchanges(realm).filter((line) => line.startsWith("TGS"))).toEqual(["TGS OK"]);
  });

  test("a refusal reaches all who wait, and the next one asks anew", async () => {
    await using realm = await startRealm();
    const alice = await realm.login("alice", PASSWORDS.alice);
    const nothing = realm.principal("nothing/here");
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => alice.serviceTicket(nothing)));
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ reason: { reason: "KDC_ERR_S_PRINCIPAL_UNKNOWN" } });
    await realm.addService("nothing/here");
    expect((await alice.serviceTicket(nothing)).server).toBe(nothing);
    expect(exchanges(realm)).toEqual(["AS OK", "TGS KDC_ERR_S_PRINCIPAL_UNKNOWN", "TGS OK"]);
  });

  test("tickets of several services asked for at once are all kept", async () => {
    const services = Array.from({ length: 8 }, (_, at) => `service/${at}`);
    await using realm = await startRealm({ services });
    const alice = await realm.login("alice", PASSWORDS.alice, { cache: slowCache() });
    const principals = services.map((name) => realm.principal(name));
    await Promise.all(principals.map((service) => alice.serviceTicket(service)));
    const kept = (await alice.cached())!.credentials.map(({ server }) => server);
    expect(new Set(kept)).toEqual(new Set([realm.principal("krbtgt/TEST.EXAMPLE"), ...principals]));
    expect(kept[0]).toBe("krbtgt/TEST.EXAMPLE@TEST.EXAMPLE");
    await Promise.all(principals.map((service) => alice.serviceTicket(service)));
    expect(exchanges(realm).filter((line) => line.startsWith("TGS"))).toHaveLength(8);
  });

  test("an expired one is asked for again, an expired login is not", async () => {
    await using realm = await startRealm();
    const alice = await realm.login("alice", PASSWORDS.alice);
    await alice.serviceTicket(realm.v.principal, { life: HOUR });
    realm.advance("1h");
    const next = await alice.serviceTicket(realm.v.principal);
    expect(next.endtime).toBe(realm.now + 9 * HOUR);
    realm.advance("9h");
    const asked = realm.log.length;
    await expect(alice.access(realm.v, WHO_AM_I, {})).rejects.toMatchObject({
      reason: "KRB_AP_ERR_TKT_EXPIRED",
      message: `the login ended at ${new Date(realm.now).toISOString()}; log in first`,
    });
    expect(realm.log).toHaveLength(asked);
  });

  test("a ticket asked for before a logout does not bring the login back", async () => {
    await using realm = await startRealm();
    let arrived!: () => void;
    let release!: () => void;
    const asked = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using middle = await standBetween(realm, {
      grantTicket: async (request, pass) => {
        arrived();
        await held;
        return pass(request);
      },
    });
    const client = realm.client({ kdc: middle.kdc, cache: slowCache() });
    await client.login(realm.principal("alice"), PASSWORDS.alice);
    const waiting = client.serviceTicket(realm.v.principal);
    await asked;
    await client.logout();
    release();
    expect((await waiting).server).toBe(realm.v.principal);
    expect(await client.cached()).toBeUndefined();
  });

  test("a ticket asked for before another's login is not the other's", async () => {
    await using realm = await startRealm();
    let arrived!: () => void;
    let release!: () => void;
    const asked = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let first = true;
    await using middle = await standBetween(realm, {
      grantTicket: async (request, pass) => {
        if (!first) return pass(request);
        first = false;
        arrived();
        await held;
        return pass(request);
      },
    });
    const client = realm.client({ kdc: middle.kdc });
    await client.login(realm.principal("alice"), PASSWORDS.alice);
    const alices = client.serviceTicket(realm.v.principal);
    await asked;
    await client.login(realm.principal("bob"), PASSWORDS.bob);
    const bobs = client.serviceTicket(realm.v.principal);
    release();
    expect((await alices).client).toBe("alice@TEST.EXAMPLE");
    expect((await bobs).client).toBe("bob@TEST.EXAMPLE");
    const cached = await client.cached();
    expect(cached?.client).toBe("bob@TEST.EXAMPLE");
    expect(cached?.credentials.map((credentials) => credentials.client)).toEqual([
      "bob@TEST.EXAMPLE",
      "bob@TEST.EXAMPLE",
    ]);
    expect((await client.access(realm.v, WHO_AM_I, {})).client).toBe("bob@TEST.EXAMPLE");
  });
});

describe("renewal", () => {
  test("a renewable login is renewed until its end, and forgets its service tickets", async () => {
    await using realm = await startRealm();
    const alice = await realm.login("alice", PASSWORDS.alice);
    await alice.login(realm.principal("alice"), PASSWORDS.alice, { life: HOUR, renewableLife: 2 * HOUR });
    const began = realm.now;
    await alice.serviceTicket(realm.v.principal);
    realm.advance("59m");
    const renewed = await alice.renew();
    expect(renewed).toMatchObject({
      authtime: began,
      endtime: realm.now + HOUR,
      renewTill: began + 2 * HOUR,
    });
    expect(renewed.flags).toEqual([TicketFlag.RENEWABLE, TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT]);
    expect((await alice.cached())?.credentials).toEqual([renewed]);
    expect((await alice.access(realm.v, ECHO, { text: "still here" })).text).toBe("still here");
    realm.advance("59m");
    expect((await alice.renew()).endtime).toBe(began + 2 * HOUR);
  });

  test("a login that is not renewable says so", async () => {
    await using realm = await startRealm();
    const alice = await realm.login("alice", PASSWORDS.alice);
    await expect(alice.renew()).rejects.toMatchObject({ reason: "KDC_ERR_BADOPTION" });
    expect((await alice.cached())?.credentials).toHaveLength(1);
  });
});

describe("logout", () => {
  test("forgets the login and overwrites its keys", async () => {
    await using realm = await startRealm();
    const cache = memoryCache();
    const client = realm.client({ cache });
    const { key } = await client.login(realm.principal("alice"), PASSWORDS.alice);
    expect(await client.logout()).toBe(true);
    expect(key.exportBytes()).toEqual(new Uint8Array(8));
    expect(await cache.load()).toBeUndefined();
    expect(await client.logout()).toBe(false);
    await expect(client.renew()).rejects.toMatchObject({ reason: "KRB_AP_ERR_TKT_EXPIRED" });
  });

  test("a new login takes the place of the old one", async () => {
    await using realm = await startRealm();
    const client = await realm.login("alice", PASSWORDS.alice);
    await client.serviceTicket(realm.v.principal);
    await client.login(realm.principal("bob"), PASSWORDS.bob);
    const cached = await client.cached();
    expect(cached).toMatchObject({
      client: "bob@TEST.EXAMPLE",
      credentials: [{ client: "bob@TEST.EXAMPLE" }],
    });
    expect((await client.access(realm.v, WHO_AM_I, {})).client).toBe("bob@TEST.EXAMPLE");
  });
});

describe("the network", () => {
  test("a server that takes the connection and never answers: DEADLINE_EXCEEDED, with a hint", async () => {
    await using realm = await startRealm();
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const address = `127.0.0.1:${(silent.address() as { port: number }).port}`;
    const client = realm.client({ kdc: { as: address, tgs: address }, timeoutMs: 60 });
    await expect(client.login(realm.principal("alice"), PASSWORDS.alice)).rejects.toMatchObject({
      name: "RpcError",
      code: status.DEADLINE_EXCEEDED,
      hint: expect.stringContaining("no answer in time"),
    });
    silent.close();
  });

  test.each(["authenticate", "grantTicket", "access"] as const)(
    "a server that never answers %s: DEADLINE_EXCEEDED",
    async (method) => {
      await using realm = await startRealm();
      await using middle = await standBetween(realm, { [method]: () => new Promise<never>(() => {}) });
      const client = realm.client({ kdc: middle.kdc, timeoutMs: 250 });
      const run = async () => {
        await client.login(realm.principal("alice"), PASSWORDS.alice);
        await client.access(middle.v, ECHO, { text: "anybody there?" });
      };
      await expect(run()).rejects.toMatchObject({ name: "RpcError", code: status.DEADLINE_EXCEEDED });
    },
  );

  test("nobody listens: UNAVAILABLE, with a hint", async () => {
    const realm = await startRealm();
    const { kdc, v } = realm;
    const tgt = await loginTo(realm);
    await realm.close();
    const client = realm.client({ kdc });
    const unavailable = {
      name: "RpcError",
      code: status.UNAVAILABLE,
      hint: expect.stringContaining("is the server running"),
    };
    await expect(client.login(realm.principal("alice"), PASSWORDS.alice)).rejects.toMatchObject(unavailable);
    const cache = memoryCache();
    await cache.store({ client: tgt.client, kdcOffset: 0, credentials: [tgt] });
    const holder = realm.client({ kdc, cache });
    await expect(holder.serviceTicket(v.principal)).rejects.toMatchObject(unavailable);
    expect((await holder.cached())?.credentials).toEqual([tgt]);
    client.close();
    holder.close();
  });

  test("what a name can't be is refused before anything is sent", async () => {
    await using realm = await startRealm();
    const client = realm.client();
    const refusal = (field: string) => ({ reason: "KRB_ERR_GENERIC", details: { field } });
    await expect(client.login("alice", "secret")).rejects.toMatchObject(refusal("principal"));
    await expect(client.serviceTicket("v")).rejects.toMatchObject(refusal("service"));
    expect(realm.log).toEqual([]);
  });
});

test.each([
  { what: "of another version", kvno: 2, reason: "KRB_AP_ERR_BADKEYVER" },
  { what: "of a principal made anew", kvno: 1, reason: "KRB_AP_ERR_BAD_INTEGRITY" },
])("a ticket under a key $what, which the service can't open, is forgotten", async ({ kvno, reason }) => {
  await using realm = await startRealm({ profile: "standard" });
  const client = await realm.login("alice");
  const { keys } = await realm.entry("v/localhost");
  await realm.change("v/localhost", (entry) => ({ ...entry, keys: [{ kvno, key: randomKey(etypeOf(20)) }] }));
  const call = (text: string) => client.access(realm.v, ECHO, { text });
  await expect(call("refused")).rejects.toMatchObject({ name: "KrbError", reason });
  await realm.change("v/localhost", (entry) => ({ ...entry, keys }));
  expect(await call("taken")).toMatchObject({ text: "taken" });
  expect((await client.cached())?.credentials).toHaveLength(2);
});

test("a KDC on loopback is reached directly, whatever a proxy variable says", async () => {
  vi.stubEnv("grpc_proxy", "http://127.0.0.1:9");
  try {
    await using realm = await startRealm({ profile: "standard" });
    expect((await loginTo(realm)).client).toBe("alice@TEST.EXAMPLE");
  } finally {
    vi.unstubAllEnvs();
  }
});
