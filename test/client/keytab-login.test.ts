/** A daemon with a keytab stays logged in, by itself, whatever happens to its keys and to the KDC. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  KerberosClient,
  type KerberosClientOptions,
  memoryCache,
  WhoAmIRequestSchema,
  WhoAmIResponseSchema,
} from "../../src/client/index.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { openWorld, SERVICE } from "../services/guard/world.js";
import { eventually } from "../support/eventually.js";
import { createTestRealm, PASSWORDS, startRealm, type TestRealm } from "../support/realm.js";
import { standBetween } from "../support/wire-middle.js";

const DAEMON = "backup/db.example.test";
const HOUR = 3_600_000;
const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };

let dir: string;
let keytab: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "daemon-"));
  keytab = join(dir, "backup.keytab");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Writes the daemon's keytab as `ktadd` does: with all the keys of its principals. */
async function writeKeytab(realm: TestRealm, ...names: string[]): Promise<void> {
  writeFileSync(keytab, await realm.keytab(...(names.length > 0 ? names : [DAEMON])), { mode: 0o600 });
}

/** Gives the daemon a new key, and ends its earlier logins. */
async function rotate(realm: TestRealm, kvno: number): Promise<void> {
  await realm.change(DAEMON, (entry) => ({
    ...entry,
    keys: [{ kvno, key: randomKey(etypeOf(20)) }],
    tgtsFrom: realm.now,
  }));
}

/** A realm, its daemon, and a network between them that may be cut. */
async function openDaemon(options: KerberosClientOptions = {}) {
  const realm = await startRealm({ profile: "standard", services: [DAEMON] });
  await writeKeytab(realm);
  const network = { cut: false };
  const through = <Request, Response>(request: Request, pass: (request: Request) => Promise<Response>) => {
    if (network.cut) throw new RpcError(status.UNAVAILABLE, "the KDC is away");
    return pass(request);
  };
  const middle = await standBetween(realm, { authenticate: through, grantTicket: through });
  const failures: string[] = [];
  const client = realm.client({
    kdc: middle.kdc,
    keytab,
    onLoginFailed: ({ message }) => void failures.push(message),
    ...options,
  });
  return {
    realm,
    network,
    client,
    failures,
    call: async () => (await client.access(realm.v, WHO_AM_I, {})).client,
    /** How the exchanges since the last look ended. */
    exchanges: () => realm.log.splice(0).map(({ exchange, result }) => `${exchange} ${result}`),
    [Symbol.asyncDispose]: async () => {
      await middle[Symbol.asyncDispose]();
      await realm.close();
    },
  };
}

const CALLER = `${DAEMON}@TEST.EXAMPLE`;

describe("a client with a keytab", () => {
  test("logs in when it is first used, and not again while that is good", async () => {
    await using daemon = await openDaemon();
    expect(await daemon.client.cached()).toBeUndefined();
    expect(await daemon.call()).toBe(CALLER);
    expect(await daemon.call()).toBe(CALLER);
    expect(daemon.exchanges()).toEqual(["AS OK", "TGS OK", "V OK", "V OK"]);
    daemon.realm.advance("7h");
    expect(await daemon.call()).toBe(CALLER);
    expect(daemon.exchanges()).toEqual(["V OK"]);
  });

  test("stays logged in for three lifetimes, though its keys are rotated and the KDC is away", async () => {
    await using daemon = await openDaemon();
    const { realm, network, client } = daemon;
    const began = realm.now;
    expect(await daemon.call()).toBe(CALLER);

    // In the last fifth of the first login the next one comes, and holds up no call.
    realm.advance("9h");
    expect(await daemon.call()).toBe(CALLER);
    await eventually(async () =>
      expect((await client.cached())?.credentials[0]?.endtime).toBe(began + 19 * HOUR),
    );

    // The keys are rotated, here and in the keytab, and the KDC goes away before the second login ends.
    await rotate(realm, 2);
    await writeKeytab(realm);
    expect(await daemon.call()).toBe(CALLER);
    network.cut = true;
    realm.advance("9h");
    for (let calls = 0; calls < 5; calls++) expect(await daemon.call()).toBe(CALLER);
    realm.advance("2h");
    await expect(daemon.call()).rejects.toMatchObject({
      name: "RpcError",
      code: status.UNAVAILABLE,
      message: "the KDC is away",
    });
    expect(daemon.failures).toEqual(["the KDC is away"]);

    // It comes back, and so does the daemon; then its third lifetime passes.
    network.cut = false;
    realm.advance("1m");
    expect(await daemon.call()).toBe(CALLER);
    realm.advance("11h");
    daemon.exchanges();
    expect(await daemon.call()).toBe(CALLER);
    expect(daemon.exchanges()).toEqual(["AS OK", "TGS OK", "V OK"]);
    expect(realm.now - began).toBeGreaterThan(30 * HOUR);
  });

  test("puts tickets on guarded calls for as long as it runs", async () => {
    await using realm = await createTestRealm({
      users: { alice: "secret", bob: "other" },
      services: [SERVICE, DAEMON],
    });
    await writeKeytab(realm);
    await using world = await openWorld({ realm });
    const client = world.client({ as: realm.client({ keytab }) });
    for (let lifetimes = 0; lifetimes < 3; lifetimes++) {
      expect(await client.say("a")).toBe("a");
      realm.advance("11h");
      await rotate(realm, lifetimes + 2);
      await writeKeytab(realm);
    }
    expect(world.log.map(({ client: name, result }) => [name, result])).toEqual([
      [CALLER, "OK"],
      [CALLER, "OK"],
      [CALLER, "OK"],
    ]);
  });

  test("makes one login, however many calls want one", async () => {
    await using daemon = await openDaemon();
    const callers = await Promise.all(Array.from({ length: 32 }, () => daemon.call()));
    expect(new Set(callers)).toEqual(new Set([CALLER]));
    daemon.realm.advance("11h");
    await Promise.all(Array.from({ length: 32 }, () => daemon.call()));
    expect(daemon.exchanges().filter((line) => line !== "V OK")).toEqual([
      "AS OK",
      "TGS OK",
      "AS OK",
      "TGS OK",
    ]);
  });

  test("logs in again where the KDC revoked its TGT, once for all who meet it", async () => {
    await using daemon = await openDaemon();
    const { realm, client } = daemon;
    await client.serviceTicket(realm.v.principal);
    realm.advance("1h");
    await rotate(realm, 2);
    await writeKeytab(realm);
    await realm.addService("other/one");
    daemon.exchanges();
    const others = Array.from({ length: 8 }, () => client.serviceTicket(realm.principal("other/one")));
    for (const { client: name } of await Promise.all(others)) expect(name).toBe(CALLER);
    const seen = daemon.exchanges();
    expect(seen.filter((line) => line.startsWith("AS"))).toEqual(["AS OK"]);
    expect(seen).toContain("TGS KDC_ERR_TGT_REVOKED");
    expect(seen.at(-1)).toBe("TGS OK");
  });

  test("logs in again once in ten seconds, however often somebody says that its TGT is revoked", async () => {
    await using realm = await startRealm({ profile: "standard", services: [DAEMON] });
    await writeKeytab(realm);
    await using middle = await standBetween(realm, {
      grantTicket: () => {
        throw new KrbError("KDC_ERR_TGT_REVOKED", "forged");
      },
    });
    const client = realm.client({ kdc: middle.kdc, keytab });
    const ask = () => client.serviceTicket(realm.v.principal);
    for (let calls = 0; calls < 3; calls++)
      await expect(ask()).rejects.toMatchObject({ reason: "KDC_ERR_TGT_REVOKED" });
    expect(realm.log.map(({ exchange }) => exchange)).toEqual(["AS", "AS"]);
    realm.advance("10s");
    await expect(ask()).rejects.toMatchObject({ reason: "KDC_ERR_TGT_REVOKED" });
    expect(realm.log).toHaveLength(3);
  });
});

describe("a login with the keytab that fails", () => {
  test("is tried again after pauses that grow, and callers meanwhile get its error", async () => {
    await using daemon = await openDaemon();
    const { realm, network } = daemon;
    network.cut = true;
    let asked = 0;
    const attempts = async (after: number) => {
      realm.advance(after);
      const before = realm.log.length;
      network.cut = false;
      await rotateAway();
      await expect(daemon.call()).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
      asked += realm.log.length - before;
      return realm.log.length - before;
    };
    // The realm has another key than the keytab: every attempt is refused.
    const rotateAway = () => rotate(realm, 9);
    expect(await attempts(0)).toBe(1);
    expect(await attempts(999)).toBe(0);
    expect(await attempts(1)).toBe(1);
    expect(await attempts(1999)).toBe(0);
    expect(await attempts(1)).toBe(1);
    for (let more = 0; more < 10; more++) await attempts(60_000);
    expect(await attempts(59_999)).toBe(0);
    expect(await attempts(1)).toBe(1);
    expect(asked).toBe(14);
    expect(daemon.failures).toHaveLength(1);
  });

  test("is tried again at once where the keytab has changed", async () => {
    await using daemon = await openDaemon();
    await rotate(daemon.realm, 2);
    await expect(daemon.call()).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
    await writeKeytab(daemon.realm);
    expect(await daemon.call()).toBe(CALLER);
  });

  test("says what is wrong with the keytab", async () => {
    await using daemon = await openDaemon();
    rmSync(keytab);
    await expect(daemon.call()).rejects.toMatchObject({ name: "PrivateFileError", code: "missing" });
    await writeKeytab(daemon.realm, "v/localhost");
    const other = daemon.realm.client({ keytab, principal: DAEMON });
    await expect(other.serviceTicket(daemon.realm.v.principal)).rejects.toThrow(/holds no key of backup/);
  });

  test("is a warning of the process where nobody else is told", async () => {
    await using realm = await startRealm({ profile: "standard", services: [DAEMON] });
    await writeKeytab(realm);
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const client = new KerberosClient({ kdc: { as: "127.0.0.1:2", tgs: "127.0.0.1:2" }, keytab });
    await expect(client.serviceTicket(realm.v.principal)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^the login with the keytab failed: /), "TesseraWarning"],
    ]);
    warn.mockRestore();
    client.close();
  });
});

describe("whose login it is", () => {
  test("the keytab's first principal, or the one that is named, with or without its realm", async () => {
    await using realm = await startRealm({ profile: "standard", services: [DAEMON, "other/one"] });
    await writeKeytab(realm, DAEMON, "other/one");
    const loginOf = async (principal?: string) => {
      const client = realm.client({ keytab: `FILE:${keytab}`, principal });
      await client.serviceTicket(realm.v.principal);
      return (await client.cached())?.client;
    };
    expect(await loginOf()).toBe(CALLER);
    expect(await loginOf("other/one")).toBe("other/one@TEST.EXAMPLE");
    expect(await loginOf("other/one@TEST.EXAMPLE")).toBe("other/one@TEST.EXAMPLE");
  });

  test("somebody else's in the cache gives way, its own is used", async () => {
    const cache = memoryCache();
    await using daemon = await openDaemon({ cache });
    const { realm } = daemon;
    await realm.client({ cache }).login(realm.principal("alice"), PASSWORDS.alice);
    expect(await daemon.call()).toBe(CALLER);
    daemon.exchanges();
    const second = realm.client({ cache, keytab });
    await second.serviceTicket(realm.v.principal);
    expect(daemon.exchanges()).toEqual([]);
  });

  test("options that go with a keytab are refused without one", () => {
    expect(() => new KerberosClient({ principal: DAEMON })).toThrow(TypeError);
    expect(() => new KerberosClient({ onLoginFailed: () => {} })).toThrow(
      "KerberosClient: principal and onLoginFailed go with keytab",
    );
    expect(() => new KerberosClient({ keytab: "KEYRING:x" })).toThrow(RangeError);
  });
});
