/** The servers of a realm, each on its own: where they may listen, and over TLS. */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import {
  KerberosClient,
  profileEtypes,
  WhoAmIRequestSchema,
  WhoAmIResponseSchema,
} from "../../src/client/index.js";
import { withRandomKeys } from "../../src/protocol/new-principal.js";
import { krbtgtOf } from "../../src/protocol/principal.js";
import { ListenError } from "../../src/services/listen.js";
import { type ListenOptions, startAs, startTgs, startV } from "../../src/services/realm-servers.js";
import type { RunningServer } from "../../src/services/server.js";
import { LoginAttempts } from "../../src/store/attempts/login-attempts.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import { NotesStore } from "../../src/store/notes-store.js";
import { MemoryReplayCache } from "../../src/store/replay/memory-replay-cache.js";
import { principalsBy } from "../support/entries.js";
import { PASSWORDS, startRealm, type TestRealm } from "../support/realm.js";
import { HAS_OPENSSL, makeTls } from "../support/wire-tls.js";

const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
const STARTS = ["AS", "TGS", "V"] as const;

/** Starts one more server over a realm's data. */
async function start(name: (typeof STARTS)[number], realm: TestRealm, listen: Partial<ListenOptions> = {}) {
  const at = { host: "127.0.0.1", port: 0, ...listen };
  const { policy } = realm;
  const replayCache = new MemoryReplayCache({
    skew: policy.clockSkew,
    startedAt: realm.now,
    restart: "fresh",
  });
  const common = { clock: () => realm.now, log: () => {}, attempts: LoginAttempts.inMemory("secret") };
  const kdc = { ...common, principals: principalsBy((principal) => realm.entry(principal)), policy };
  if (name === "AS") return startAs(kdc, at);
  if (name === "TGS") return startTgs(kdc, at);
  const keys = await realm.keys("v/localhost");
  const { permittedEtypes, clockSkew } = policy;
  const notes = new NotesStore(openMemoryStore());
  return startV({ ...common, serviceKeys: () => keys, permittedEtypes, clockSkew, replayCache, notes }, at);
}

describe.each(STARTS)("%s", (name) => {
  test.each(["0.0.0.0", "::", "192.0.2.1"])("of a textbook realm does not listen on %s", async (host) => {
    await using realm = await startRealm();
    await expect(start(name, realm, { host })).rejects.toBeInstanceOf(ListenError);
    await expect(start(name, realm, { host })).rejects.toThrow(
      `so it does not listen on ${host}: use the standard profile, listen on 127.0.0.1, or insist with --allow-weak-crypto`,
    );
  });

  test("of a textbook realm listens there when told to, of a standard one without", async () => {
    await using textbook = await startRealm();
    await using standard = await startRealm({ profile: "standard" });
    const insisted = await start(name, textbook, { host: "0.0.0.0", allowWeakCrypto: true });
    const free = await start(name, standard, { host: "0.0.0.0" });
    expect(insisted.address).toMatch(/^0\.0\.0\.0:\d+$/);
    expect(free.address).toMatch(/^0\.0\.0\.0:\d+$/);
    await Promise.all([insisted.stop(0), free.stop(0)]);
  });
});

test.each(["AS", "TGS"] as const)("%s does not start over a database without a TGS", async (name) => {
  await using realm = await startRealm();
  const principals = principalsBy(async () => undefined);
  const attempts = LoginAttempts.inMemory("secret");
  const common = { principals, attempts, policy: realm.policy, clock: () => 0, log: () => {} };
  const listen = { host: "127.0.0.1", port: 0 };
  const starting = name === "AS" ? startAs(common, listen) : startTgs(common, listen);
  await expect(starting).rejects.toMatchObject({
    reason: "KDC_ERR_SVC_UNAVAILABLE",
    details: { server: krbtgtOf("TEST.EXAMPLE") },
  });
});

test("V takes up new keys while it runs, and takes tickets of the old as long as it has them", async () => {
  await using realm = await startRealm();
  let keys = await realm.keys("v/localhost");
  const { permittedEtypes, clockSkew } = realm.policy;
  const v = await startV(
    {
      serviceKeys: () => keys,
      permittedEtypes,
      clockSkew,
      replayCache: new MemoryReplayCache({ skew: clockSkew, startedAt: realm.now, restart: "fresh" }),
      notes: new NotesStore(openMemoryStore()),
      clock: () => realm.now,
      log: () => {},
    },
    { host: "127.0.0.1", port: 0 },
  );
  const target = { principal: realm.v.principal, address: v.address };
  const old = await realm.login("alice", PASSWORDS.alice);
  await old.access(target, WHO_AM_I, {});

  await realm.change("v/localhost", (entry) => withRandomKeys(entry, [3], realm.now, 1));
  const next = await realm.login("alice", PASSWORDS.alice);
  await expect(next.access(target, WHO_AM_I, {})).rejects.toMatchObject({ reason: "KRB_AP_ERR_BADKEYVER" });

  keys = await realm.keys("v/localhost");
  await next.access(target, WHO_AM_I, {});
  await old.access(target, WHO_AM_I, {});

  keys = { ...keys, keys: keys.keys.filter(({ kvno }) => kvno === 2) };
  await next.access(target, WHO_AM_I, {});
  await expect(old.access(target, WHO_AM_I, {})).rejects.toMatchObject({ reason: "KRB_AP_ERR_BADKEYVER" });
  await v.stop(0);
});

describe.skipIf(!HAS_OPENSSL)("over TLS", () => {
  async function startAll(realm: TestRealm, credentials: grpc.ServerCredentials) {
    const servers: RunningServer[] = [];
    for (const name of STARTS) servers.push(await start(name, realm, { credentials }));
    const [as, tgs, v] = servers.map(({ port }) => `localhost:${port}`) as [string, string, string];
    return {
      kdc: { as, tgs },
      v: { principal: realm.v.principal, address: v },
      stop: () => Promise.all(servers.map((server) => server.stop(0))),
    };
  }

  test("the whole dialogue", async () => {
    await using realm = await startRealm();
    const tls = makeTls();
    const { kdc, v, stop } = await startAll(realm, tls.server);
    const etypes = profileEtypes("textbook");
    const client = new KerberosClient({ kdc, credentials: tls.client, clock: () => realm.now, etypes });
    await client.login(realm.principal("alice"), PASSWORDS.alice);
    expect((await client.access(v, WHO_AM_I, {})).client).toBe("alice@TEST.EXAMPLE");
    client.close();
    await stop();
  });

  test.each([
    ["without TLS", undefined],
    ["that trusts another certificate", "other"],
  ])("a client %s gets UNAVAILABLE", async (_, trust) => {
    await using realm = await startRealm();
    const { kdc, stop } = await startAll(realm, makeTls().server);
    const credentials = trust === undefined ? grpc.credentials.createInsecure() : makeTls().client;
    const client = new KerberosClient({ kdc, credentials, clock: () => realm.now, timeoutMs: 2000 });
    await expect(client.login(realm.principal("alice"), PASSWORDS.alice)).rejects.toMatchObject({
      name: "RpcError",
      code: grpc.status.UNAVAILABLE,
    });
    client.close();
    await stop();
  });
});
