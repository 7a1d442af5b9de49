/** The servers of a realm together: what runs, on what, and what is left when they stop. */
import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  GetNoteRequestSchema,
  GetNoteResponseSchema,
  KerberosClient,
  PutNoteRequestSchema,
  PutNoteResponseSchema,
  profileEtypes,
  WhoAmIRequestSchema,
  WhoAmIResponseSchema,
} from "../../src/client/index.js";
import { AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { makeAccessReq } from "../../src/protocol/access-exchange.js";
import { createMemoryRealm, createRealm, FIRST_SERVICE } from "../../src/realm/create-realm.js";
import { exportKeys } from "../../src/realm/keytab.js";
import { openRealm } from "../../src/realm/open-realm.js";
import { addPasswordPrincipal, addRandomKeyPrincipal } from "../../src/realm/principal-keys.js";
import { deletePrincipal, existingPrincipal } from "../../src/realm/principals.js";
import type { Realm } from "../../src/realm/realm.js";
import type { RealmSettings } from "../../src/realm/realm-settings.js";
import { setProfile } from "../../src/realm/set-profile.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { ListenError } from "../../src/services/listen.js";
import { type RunningRealm, runRealm } from "../../src/services/run-realm.js";
import type { RunRealmOptions } from "../../src/services/run-realm-options.js";
import { openStore } from "../../src/store/open-store.js";
import { MemoryReplayCache } from "../../src/store/replay/memory-replay-cache.js";
import { newFolder } from "../realm/folder.js";
import { eventually } from "../support/eventually.js";
import { echoData } from "../support/realm.js";
import { ACCESS, expectReply, Wire } from "../support/wire.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
const PORTS = { as: 0, tgs: 0, v: 0 };
const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
const PUT = { request: PutNoteRequestSchema, response: PutNoteResponseSchema };
const GET = { request: GetNoteRequestSchema, response: GetNoteResponseSchema };

/** A realm in memory with the user alice; the keys of the profile. */
async function memoryRealm(profile: "textbook" | "standard" = "standard"): Promise<Realm> {
  const realm = await createMemoryRealm({ profile }, {}, NOW);
  await addPasswordPrincipal(realm, "alice", "secret", NOW);
  return realm;
}

/** A realm in a folder with the user alice, closed at the end of the test. */
async function folderRealm(settings: Partial<RealmSettings> = {}): Promise<Realm> {
  const realm = await openRealm(await createRealm(join(newFolder(), "realm"), settings, NOW));
  onTestFinished(() => realm.close());
  await addPasswordPrincipal(realm, "alice", "secret", NOW);
  return realm;
}

/** Runs a realm until the end of the test, by a clock that stands still. */
async function run(options: RunRealmOptions): Promise<RunningRealm> {
  const running = await runRealm({ ports: PORTS, clock: () => NOW, ...options });
  onTestFinished(() => running.stop(0));
  return running;
}

/** A client of a running realm, logged in as alice. */
async function login(running: RunningRealm, now = () => NOW): Promise<KerberosClient> {
  const kdc = { as: running.address("as"), tgs: running.address("tgs") };
  const client = new KerberosClient({ kdc, clock: now, etypes: profileEtypes("textbook") });
  onTestFinished(() => client.close());
  await client.login("alice@EXAMPLE.TEST", "secret");
  return client;
}

async function vOf(realm: Realm, running: RunningRealm, name = FIRST_SERVICE) {
  return { principal: (await existingPrincipal(realm, name)).principal, address: running.address("v") };
}

/** A port on which somebody else listens until the end of the test. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

describe("a realm in memory", () => {
  test.each([
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["returns a promise that rejects", () => Promise.reject(new Error("disk full"))],
  ])("answers all three exchanges, and refuses, with a log that %s", async (_, log) => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => warned.mockRestore());
    const realm = await memoryRealm();
    const running = await run({ realm, log });
    const alice = await login(running);
    expect(await alice.access(await vOf(realm, running), WHO_AM_I, {})).toMatchObject({
      client: "alice@EXAMPLE.TEST",
    });
    await expect(alice.login("alice@EXAMPLE.TEST", "wrong")).rejects.toMatchObject({
      reason: "KDC_ERR_PREAUTH_FAILED",
    });
    expect(warned.mock.calls).toEqual([["log failed: Error: disk full", "TesseraWarning"]]);
  });

  test("runs as it is: AS, TGS and V, with V's keys from the realm", async () => {
    const realm = await memoryRealm();
    const log: LogRecord[] = [];
    const running = await run({ realm, log: (record) => void log.push(record) });
    expect([...running.servers.keys()]).toEqual(["as", "tgs", "v"]);
    for (const part of ["as", "tgs", "v"] as const) {
      expect(running.address(part)).toBe(running.servers.get(part)?.address);
      expect(running.address(part)).toMatch(/^127\.0\.0\.1:\d+$/);
    }
    const { principal, keys } = await existingPrincipal(realm, FIRST_SERVICE);
    expect(running.serviceKeys?.()).toEqual({ principal, keys });
    const alice = await login(running);
    expect(await alice.access(await vOf(realm, running), WHO_AM_I, {})).toMatchObject({
      client: "alice@EXAMPLE.TEST",
      server: "v/localhost@EXAMPLE.TEST",
    });
    const answered = log.filter(({ result }) => result === "OK");
    expect(answered.map(({ exchange, result, time }) => [exchange, result, time])).toEqual(
      ["AS", "TGS", "V"].map((exchange) => [exchange, "OK", "2026-03-01T12:00:00.000Z"]),
    );
  });

  test("may have another service for its V", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "notes/db", NOW);
    const running = await run({ realm, service: "notes/db" });
    expect(running.serviceKeys?.().principal).toBe("notes/db@EXAMPLE.TEST");
    const alice = await login(running);
    const { server } = await alice.access(await vOf(realm, running, "notes/db"), WHO_AM_I, {});
    expect(server).toBe("notes/db@EXAMPLE.TEST");
  });

  test("remembers authenticators for as long as it is there, however often its servers run", async () => {
    const realm = await memoryRealm();
    const first = await run({ realm });
    const alice = await login(first);
    await alice.access(await vOf(realm, first), WHO_AM_I, {});
    const ticket = await alice.serviceTicket("v/localhost@EXAMPLE.TEST");
    const { request } = makeAccessReq(ticket, echoData({ text: "once" }), NOW);
    const bytes = toBinary(AccessRequestSchema, request);
    using before = new Wire(first.address("v"));
    expect((await before.call(ACCESS, bytes)).code).toBe("OK");
    await first.stop(0);
    const second = await run({ realm });
    await (await login(second)).access(await vOf(realm, second), WHO_AM_I, {});
    using after = new Wire(second.address("v"));
    expectReply(await after.call(ACCESS, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_REPEAT");
  });

  test("needs its V, unless V does not run", async () => {
    const realm = await memoryRealm();
    await deletePrincipal(realm, FIRST_SERVICE);
    await expect(runRealm({ realm, ports: PORTS })).rejects.toMatchObject({
      name: "RealmError",
      reason: "missing",
    });
    const running = await run({ realm, ports: { as: 0, tgs: 0 } });
    expect([...running.servers.keys()]).toEqual(["as", "tgs"]);
  });
});

describe("the servers that run", () => {
  test.each([["as"], ["tgs"], ["v"], ["as", "v"]] as const)(
    "are those that have a port: %s",
    async (...parts) => {
      const realm = await memoryRealm();
      const running = await run({ realm, ports: Object.fromEntries(parts.map((part) => [part, 0])) });
      expect([...running.servers.keys()]).toEqual(parts);
      expect(running.serviceKeys === undefined).toBe(!(parts as readonly string[]).includes("v"));
      for (const part of ["as", "tgs", "v"] as const)
        if (!(parts as readonly string[]).includes(part))
          expect(() => running.address(part)).toThrow(new RangeError(`part: ${part} does not run here`));
    },
  );

  test("listen on the port and the address given", async () => {
    const realm = await memoryRealm();
    const port = await takenPort();
    await expect(runRealm({ realm, ports: { as: port } })).rejects.toMatchObject({
      name: "ListenError",
      message: `127.0.0.1:${port} is in use: another server listens there; stop it or choose another port`,
    });
    const everywhere = await run({ realm, ports: { as: 0 }, host: "0.0.0.0" });
    expect(everywhere.address("as")).toMatch(/^0\.0\.0\.0:/);
  });

  test("do not listen beyond loopback with weak encryption, unless told to", async () => {
    const realm = await memoryRealm("textbook");
    for (const part of ["as", "tgs", "v"]) {
      const options = { realm, ports: { [part]: 0 }, host: "0.0.0.0" };
      await expect(runRealm(options)).rejects.toBeInstanceOf(ListenError);
      const running = await run({ ...options, allowWeakCrypto: true });
      expect(running.servers.size).toBe(1);
    }
  });

  test("need a realm, or a keytab", async () => {
    for (const ports of [{ as: 0 }, { tgs: 0 }])
      await expect(runRealm({ ports })).rejects.toThrow(new TypeError("realm: AS and TGS need one"));
    await expect(runRealm({ ports: { v: 0 } })).rejects.toThrow(new TypeError("keytab: V needs one"));
  });

  test("are none where one does not start, and nothing stays open", async () => {
    const realm = await folderRealm({ profile: "standard" });
    const log = vi.fn();
    const tgs = await takenPort();
    await expect(runRealm({ realm, log, ports: { as: 0, tgs, v: 0 } })).rejects.toBeInstanceOf(ListenError);
    const running = await run({ realm });
    const alice = await login(running);
    expect((await alice.access(await vOf(realm, running), WHO_AM_I, {})).client).toBe("alice@EXAMPLE.TEST");
  });
});

describe("a realm in a folder", () => {
  test("runs on what is in the folder, and is whole when the servers stop", async () => {
    const realm = await folderRealm();
    const first = await run({ realm });
    const alice = await login(first);
    await alice.access(await vOf(realm, first), PUT, { name: "first", text: "kept" });
    await first.stop(0);
    await first.stop(0);
    await expect(alice.access(await vOf(realm, first), GET, { name: "first" })).rejects.toThrow();
    expect((await existingPrincipal(realm, "alice")).principal).toBe("alice@EXAMPLE.TEST");
    const second = await run({ realm });
    const again = await login(second);
    const { note } = await again.access(await vOf(realm, second), GET, { name: "first" });
    expect(note?.text).toBe("kept");
  });

  test("ends with `await using`, its stores closed", async () => {
    const realm = await folderRealm();
    let address: string;
    {
      await using running = await runRealm({ realm, ports: PORTS });
      address = running.address("as");
    }
    const client = new KerberosClient({ kdc: { as: address, tgs: address }, timeoutMs: 5000 });
    await expect(client.login("alice@EXAMPLE.TEST", "secret")).rejects.toMatchObject({ name: "RpcError" });
    client.close();
  });

  test("opens only what its servers need", async () => {
    const realm = await folderRealm();
    const dir = realm.directory!.dir;
    const opened = () => ["notes", "replay"].filter((name) => readdirSync(join(dir, name)).length > 0);
    await run({ realm, ports: { as: 0 } });
    expect(opened()).toEqual([]);
    await run({ realm, ports: { tgs: 0 } });
    expect(opened()).toEqual([]);
    await run({ realm, ports: { v: 0 } });
    expect(opened()).toEqual(["notes", "replay"]);
  });

  test("may keep notes and authenticators elsewhere", async () => {
    const realm = await folderRealm();
    const notes = `lmdb:${newFolder()}`;
    const replayCache = new MemoryReplayCache({ skew: 300_000, startedAt: NOW, restart: "fresh" });
    const store = vi.spyOn(replayCache, "store");
    const close = vi.spyOn(replayCache, "close");
    const running = await run({ realm, notes, replayCache });
    const alice = await login(running);
    await alice.access(await vOf(realm, running), PUT, { name: "first", text: "elsewhere" });
    expect(store).toHaveBeenCalledTimes(1);
    await running.stop(0);
    // What was given open stays open; what was named is closed.
    expect(close).not.toHaveBeenCalled();
    const opened = await openStore(notes);
    const keys: string[] = [];
    for await (const [key] of opened.scan("")) keys.push(key);
    await opened.close();
    expect(keys).toEqual([expect.stringContaining("alice@EXAMPLE.TEST")]);
  });

  test("does not know which authenticators it saw before where they are remembered in memory", async () => {
    const realm = await folderRealm();
    const running = await run({ realm, replayCache: "memory:" });
    const alice = await login(running);
    await expect(alice.access(await vOf(realm, running), WHO_AM_I, {})).rejects.toMatchObject({
      reason: "KRB_AP_ERR_SKEW",
    });
  });

  test("follows its profile", async () => {
    const realm = await folderRealm();
    const log: LogRecord[] = [];
    const running = await run({ realm, log: (record) => void log.push(record) });
    await login(running);
    await setProfile(realm, "standard");
    const said = { time: ISO, level: "info", exchange: "realm", text: "profile standard from now on" };
    await eventually(() => expect(log).toContainEqual(said));
    await expect(login(running)).rejects.toMatchObject({ reason: "KDC_ERR_ETYPE_NOSUPP" });
  });

  test("does not follow it into weak encryption beyond loopback", async () => {
    const realm = await folderRealm({ profile: "standard" });
    const log: LogRecord[] = [];
    await run({ realm, ports: { as: 0 }, host: "0.0.0.0", log: (record) => void log.push(record) });
    await setProfile(realm, "textbook");
    const said = {
      time: ISO,
      level: "error",
      exchange: "realm",
      text: expect.stringMatching(/^the profile stays standard: .*--allow-weak-crypto$/),
    };
    await eventually(() => expect(log).toContainEqual(said));
  });
});

describe("V's keytab", () => {
  test("is enough to run V alone; its settings are the standard ones", async () => {
    const realm = await folderRealm();
    const keytab = realm.directory!.keytabFile;
    const kdc = await run({ realm, ports: { as: 0, tgs: 0 } });
    const alice = await login(kdc);
    const target = (running: RunningRealm) => vOf(realm, running);
    const replayCache = () => new MemoryReplayCache({ skew: 300_000, startedAt: NOW, restart: "fresh" });
    const strict = await run({ ports: { v: 0 }, keytab, replayCache: replayCache() });
    await expect(alice.access(await target(strict), WHO_AM_I, {})).rejects.toMatchObject({
      reason: "KDC_ERR_ETYPE_NOSUPP",
    });
    const settings = { profile: "textbook", clockSkew: 1000 } as const;
    const weak = await run({ ports: { v: 0 }, keytab, settings, replayCache: replayCache() });
    expect((await alice.access(await target(weak), WHO_AM_I, {})).client).toBe("alice@EXAMPLE.TEST");
    const late = await run({
      ports: { v: 0 },
      keytab,
      settings,
      replayCache: replayCache(),
      clock: () => NOW + 1001,
    });
    await expect(alice.access(await target(late), WHO_AM_I, {})).rejects.toMatchObject({
      reason: "KRB_AP_ERR_SKEW",
      details: { limit_ms: "1000" },
    });
  });

  test("is enough beside the realm's folder, without its database", async () => {
    const realm = await folderRealm();
    const running = await run({ directory: realm.directory, ports: { v: 0 } });
    expect(running.serviceKeys?.().principal).toBe("v/localhost@EXAMPLE.TEST");
  });

  test("may hold several services, of which one is named", async () => {
    const realm = await folderRealm();
    const keytab = join(newFolder(), "two.keytab");
    await addRandomKeyPrincipal(realm, "notes/db", NOW);
    await exportKeys(realm, [FIRST_SERVICE, "notes/db"], { path: keytab }, NOW);
    const named = await run({ keytab, service: "notes/db", ports: { v: 0 } });
    expect(named.serviceKeys?.().principal).toBe("notes/db@EXAMPLE.TEST");
    await expect(runRealm({ keytab, ports: { v: 0 } })).rejects.toMatchObject({
      name: "KeytabError",
      message: expect.stringContaining("say which is meant"),
    });
    await expect(runRealm({ keytab, service: "other", ports: { v: 0 } })).rejects.toMatchObject({
      name: "KeytabError",
      message: expect.stringContaining("no key of other@EXAMPLE.TEST"),
    });
    await expect(runRealm({ keytab, service: "a//b", ports: { v: 0 } })).rejects.toMatchObject({
      name: "KrbError",
      details: { field: "service" },
    });
  });

  test("that breaks while V runs changes nothing, and is told of", async () => {
    const realm = await folderRealm();
    const log: LogRecord[] = [];
    let now = NOW;
    const running = await run({ realm, clock: () => now, log: (record) => void log.push(record) });
    const { keytabFile } = realm.directory!;
    const keys = running.serviceKeys!();
    writeFileSync(keytabFile, "broken", { mode: 0o600 });
    now += 1000;
    expect(running.serviceKeys!()).toBe(keys);
    expect(log).toEqual([
      {
        time: new Date(now).toISOString(),
        level: "error",
        exchange: "V",
        text: `the old keys stay in use: ${keytabFile}: not a keytab of version 0x0502 (at byte 0)`,
      },
    ]);
  });
});
