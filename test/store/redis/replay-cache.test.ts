/**
 * The replay cache on a real redis-server: the common suite, and what becomes of it when the server is lost.
 */

import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { checkServer, redisPlace } from "../../../src/store/redis/connection.js";
import { RedisReplayCache, type RedisReplayCacheOptions } from "../../../src/store/redis/replay-cache.js";
import { FAILOVER_MS } from "../../../src/store/redis/replay-script.js";
import { openReplayCache } from "../../../src/store/replay/open-replay-cache.js";
import { HAS_REDIS, RedisServer } from "../../support/redis-server.js";
import { HAS_OPENSSL, makeCertificate } from "../../support/wire-tls.js";
import {
  type RunningCache,
  reason,
  refusal,
  replayCacheSuite,
  S,
  tag,
  winners,
} from "../replay-cache-suite.js";

let server: RedisServer;
let names = 0;
const newName = () => `test-${names++}`;

/** A cache that waits for its answers as long as a busy machine needs, unless the time is what is tested. */
const openAt = async (url: string, options: Partial<RedisReplayCacheOptions> = {}) => {
  const patient = { skew: S, restart: "fresh", limitMs: 100_000 } as const;
  const cache = await RedisReplayCache.open(url, { ...patient, ...options });
  onTestFinished(() => cache.close());
  return cache;
};

async function running(url: string): Promise<RunningCache> {
  const cache = await openAt(url);
  return {
    cache,
    restart: async () => {
      await cache.close();
      return running(url);
    },
  };
}

/** A server for one test. */
const ownServer = async (...settings: string[]) => {
  const own = await RedisServer.start(...settings);
  onTestFinished(() => own[Symbol.asyncDispose]());
  return own;
};

/** Stores a new authenticator, made now. */
const storeNow = (cache: RedisReplayCache, name: string | number, ahead = 0) => {
  const now = Date.now();
  return refusal(cache.store(tag(name), now + ahead, now + ahead + S, now));
};

/** Asks until it is answered otherwise than that it can't be reached. */
const untilReached = async (ask: () => Promise<{ readonly reason: string } | undefined>) => {
  for (;;) {
    const answer = await ask();
    if (answer?.reason !== "KDC_ERR_SVC_UNAVAILABLE") return answer;
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe.skipIf(!HAS_REDIS)("on a redis-server", () => {
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  replayCacheSuite("redis:", {
    // The clock of Redis can't be turned: the tests begin behind it, and end ahead of it.
    present: () => Date.now() - S / 2,
    open: (settings) => openAt(server.url(newName()), settings),
    run: () => running(server.url(newName())),
    knowsTheTime: true,
    randomRuns: 10,
  });

  it("is shared: of 1,000 copies at three caches one wins, and each knows of all", async () => {
    const url = server.url(newName());
    const caches = [await openAt(url), await openAt(url), await openAt(url)];
    const now = Date.now();
    const copies = Array.from({ length: 1000 }, (_, at) => caches[at % 3]!.store(tag(1), now, now + S, now));
    expect(await winners(copies)).toBe(1);
    await caches[0]!.store(tag(2), now, now + S, now);
    expect(await reason(caches[1]!.store(tag(2), now, now + S, now))).toBe("KRB_AP_ERR_REPEAT");
    expect(caches[1]!.size).toBe(2);
  });

  it("keeps apart what has another name, and the tags of other services", async () => {
    const [one, other] = [await openAt(server.url("orders")), await openAt(server.url("billing"))];
    const now = Date.now();
    await one.store(tag(1), now, now + S, now);
    expect(await reason(other.store(tag(1), now, now + S, now))).toBe("accepted");
    expect(await reason(other.store(tag("another service"), now, now + S, now))).toBe("accepted");
    const keys = server.cli("--raw", "KEYS", "tessera:{orders}:*").split("\n");
    expect(keys.every((key) => /^tessera:\{orders\}:(state|ends|tags:\d+)$/.test(key))).toBe(true);
  });

  it("is opened by its name, and has nothing to say of what another server may have accepted", async () => {
    const url = server.url(newName());
    const cache = await openReplayCache(url, { skew: S, startedAt: Date.now() });
    onTestFinished(() => cache.close());
    const now = Date.now();
    const error = await refusal(cache.store(tag(1), now, now + S, now));
    expect(error).toMatchObject({ reason: "KRB_AP_ERR_SKEW", details: { side: "server" } });
    expect(error?.message).toContain("the replay cache was started anew");
    const through = Date.parse(error!.details.refused_through!);
    expect(through - now).toBeGreaterThanOrEqual(S + FAILOVER_MS);
    expect(through - now).toBeLessThan(S + FAILOVER_MS + 60_000);
  });

  it("tells a client whose clock is ahead of the server's from a service's", async () => {
    const cache = await openAt(server.url(newName()));
    const now = Date.now();
    const ours = await refusal(cache.store(tag(1), now + 2 * S, now + 3 * S, now + 2 * S));
    expect(ours?.message).toMatch(
      /^this server's clock shows .*, and that of Redis at 127\.0\.0\.1:\d+ .*: one/,
    );
    const theirs = await refusal(cache.store(tag(1), now + 2 * S, now + 3 * S, now + S / 2));
    expect(theirs?.message).toMatch(/^the client's clock shows /);
    expect(ours?.details).toMatchObject({ limit_ms: String(S), side: "server" });
    expect(cache.size).toBe(0);
  });

  it("goes on after its scripts were flushed", async () => {
    const cache = await openAt(server.url(newName()));
    expect(await storeNow(cache, 1)).toBeUndefined();
    server.cli("SCRIPT", "FLUSH");
    expect((await storeNow(cache, 2))?.reason).toBe("KDC_ERR_SVC_UNAVAILABLE");
    expect(await untilReached(() => storeNow(cache, 3))).toBeUndefined();
    const now = Date.now();
    expect(await reason(cache.store(tag(1), now, now + S, now))).toMatch(/accepted|REPEAT/);
  });
});

describe.skipIf(!HAS_REDIS)("when a redis-server is lost", () => {
  it("stopped: nothing is accepted, and what it may have lost is refused when it is back", async () => {
    const own = await ownServer();
    const cache = await openAt(own.url());
    const now = Date.now();
    await cache.store(tag(1), now, now + S, now);
    await own.kill();
    for (let i = 0; i < 3; i++) {
      const error = await storeNow(cache, `gone ${i}`);
      expect(error).toMatchObject({ reason: "KDC_ERR_SVC_UNAVAILABLE" });
      expect(error?.cause).toBeInstanceOf(Error);
    }
    await own.begin();
    const error = await untilReached(() => refusal(cache.store(tag(1), now, now + S, now)));
    expect(error).toMatchObject({ reason: "KRB_AP_ERR_SKEW", details: { side: "server" } });
    expect((await storeNow(cache, "new"))?.reason).toBe("KRB_AP_ERR_SKEW");
    // A process that has seen nothing of it is told the same.
    const other = await openAt(own.url());
    expect(await reason(other.store(tag(1), now, now + S, now))).toBe("KRB_AP_ERR_SKEW");
  });

  it("replaced by one with an older past: refused too, whatever that remembers", async () => {
    const [primary, replica] = [await ownServer(), await ownServer()];
    replica.cli("REPLICAOF", "127.0.0.1", String(primary.port));
    primary.cli("CONFIG", "SET", "min-replicas-to-write", "1");
    while (!primary.cli("INFO", "replication").includes("state=online"))
      await new Promise((resolve) => setImmediate(resolve));
    const cache = await openAt(primary.url());
    const now = Date.now();
    await cache.store(tag("replicated"), now, now + S, now);
    while (replica.cli("HGET", "tessera:{replay}:state", "size") !== "1")
      await new Promise((resolve) => setImmediate(resolve));
    await primary.kill();
    replica.cli("REPLICAOF", "NO", "ONE");
    const after = await openAt(replica.url());
    expect(await reason(after.store(tag("replicated"), now, now + S, now))).toBe("KRB_AP_ERR_REPEAT");
    expect(await reason(after.store(tag("lost on the way"), now, now + S, now))).toBe("KRB_AP_ERR_SKEW");
  });

  it("the same process with an older past is a new epoch to whoever knows better", async () => {
    const own = await ownServer();
    const cache = await openAt(own.url());
    expect(await storeNow(cache, 1)).toBeUndefined();
    own.cli("HSET", "tessera:{replay}:state", "epoch", "7");
    expect(await storeNow(cache, 2)).toBeUndefined();
    own.cli("HSET", "tessera:{replay}:state", "epoch", "6");
    expect((await storeNow(cache, 3))?.reason).toBe("KRB_AP_ERR_SKEW");
    expect(own.cli("HGET", "tessera:{replay}:state", "epoch")).toBe("8");
  });

  it("emptied while it runs: refused", async () => {
    const own = await ownServer();
    const cache = await openAt(own.url());
    const now = Date.now();
    await cache.store(tag(1), now, now + S, now);
    own.cli("FLUSHALL");
    expect(await reason(cache.store(tag(1), now, now + S, now))).toBe("KRB_AP_ERR_SKEW");
  });

  it("halted: all who wait are refused within a guard's time, and it serves when it goes on", async () => {
    const own = await ownServer();
    const cache = await openAt(own.url(), { limitMs: undefined });
    expect(await storeNow(cache, "before")).toBeUndefined();
    own.halt(true);
    onTestFinished(() => own.halt(false));
    const errors = await Promise.all(Array.from({ length: 50 }, (_, at) => storeNow(cache, at)));
    for (const error of errors) expect(error?.reason).toBe("KDC_ERR_SVC_UNAVAILABLE");
    expect(errors.map((error) => String(error?.cause))).toContain(
      `Error: Redis at 127.0.0.1:${own.port}: no answer within 200 ms`,
    );
    expect((await storeNow(cache, "later"))?.reason).toBe("KDC_ERR_SVC_UNAVAILABLE");
    own.halt(false);
    expect(await untilReached(() => storeNow(cache, "after"))).toBeUndefined();
  });

  it("halted: however many batches fail, the connection is ended once", async () => {
    const own = await ownServer();
    const cache = await openAt(own.url(), { limitMs: undefined });
    own.halt(true);
    onTestFinished(() => own.halt(false));
    const warnings: string[] = [];
    const onWarning = ({ message }: Error) => void warnings.push(message);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const errors = await Promise.all(Array.from({ length: 1_500 }, (_, at) => storeNow(cache, at)));
    for (const error of errors) expect(error?.reason).toBe("KDC_ERR_SVC_UNAVAILABLE");
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });

  it("cut off: refused, and served over a new connection", async () => {
    const own = await ownServer();
    const sockets: Socket[] = [];
    const proxy = createServer((socket) => {
      const upstream = connect(own.port, "127.0.0.1");
      for (const [from, to] of [
        [socket, upstream],
        [upstream, socket],
      ] as const)
        from
          .on("error", () => {})
          .on("close", () => to.destroy())
          .pipe(to);
      sockets.push(socket);
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    onTestFinished(() => void proxy.close());
    const { port } = proxy.address() as { port: number };
    const cache = await openAt(`redis://127.0.0.1:${port}`);
    const now = Date.now();
    await cache.store(tag(1), now, now + S, now);
    own.halt(true);
    const waiting = Array.from({ length: 10 }, (_, at) => storeNow(cache, at));
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const error of await Promise.all(waiting)) expect(error?.reason).toBe("KDC_ERR_SVC_UNAVAILABLE");
    own.halt(false);
    expect(await untilReached(() => refusal(cache.store(tag(1), now, now + S, now)))).toMatchObject({
      reason: "KRB_AP_ERR_REPEAT",
    });
  });

  it("without memory for more: refused, and what it has remains", async () => {
    const own = await ownServer();
    const cache = await openAt(own.url());
    const now = Date.now();
    await cache.store(tag(1), now, now + S, now);
    const before = now - S / 2;
    await cache.store(tag("ends soon"), before, now, now);
    own.cli("CONFIG", "SET", "maxmemory", "1");
    const error = await refusal(cache.store(tag(2), now, now + S, now));
    expect(error?.reason).toBe("KDC_ERR_SVC_UNAVAILABLE");
    expect(String(error?.cause)).toContain("OOM");
    expect(await reason(cache.store(tag("ends soon"), before, now, now + 1))).toBe("KRB_AP_ERR_SKEW");
    expect(own.cli("KEYS", "*tags:*").split("\n")).toHaveLength(1);
    own.cli("CONFIG", "SET", "maxmemory", "0");
    expect(await reason(cache.store(tag(1), now, now + S, now))).toBe("KRB_AP_ERR_REPEAT");
    expect(await reason(cache.store(tag("ends soon"), before, now, now))).toBe("KRB_AP_ERR_SKEW");
  });
});

describe.skipIf(!HAS_REDIS)("a redis-server that is not fit", () => {
  const fails = async (url: string) =>
    RedisReplayCache.open(url, { skew: S }).then(
      () => undefined,
      (error: unknown) => error,
    );

  it("is refused by name: one that forgets, a replica, one that writes alone, a cluster's", async () => {
    const evicting = await ownServer("--maxmemory-policy", "allkeys-lru");
    expect(await fails(evicting.url())).toMatchObject({
      code: "unsafe",
      message: expect.stringContaining("forgets when memory is short (maxmemory-policy allkeys-lru)"),
      hint: "set maxmemory-policy noeviction",
    });
    const [primary, replica] = [await ownServer(), await ownServer()];
    replica.cli("REPLICAOF", "127.0.0.1", String(primary.port));
    expect(await fails(replica.url())).toMatchObject({ code: "unsafe", hint: "name its primary" });
    while (!primary.cli("INFO", "replication").includes("state=online"))
      await new Promise((resolve) => setImmediate(resolve));
    expect(await fails(primary.url())).toMatchObject({
      code: "unsafe",
      hint: "set min-replicas-to-write 1 and min-replicas-max-lag 10",
    });
    primary.cli("CONFIG", "SET", "min-replicas-to-write", "1");
    expect(await fails(primary.url())).toBeUndefined();
    const cluster = await ownServer("--cluster-enabled", "yes");
    expect(await fails(cluster.url())).toMatchObject({ code: "unsafe", hint: /own/ });
  });

  it("is refused without the password, which no message shows", async () => {
    const own = await ownServer("--requirepass", "s3cret");
    expect(await fails(own.url("replay", ":wrong-one@"))).toMatchObject({ code: "unavailable" });
    expect(String(await fails(own.url("replay", ":wrong-one@")))).not.toContain("wrong-one");
    expect(await fails(own.url("replay", ":s3cret@"))).toBeUndefined();
  });

  it("is unavailable where there is none", async () => {
    const own = await ownServer();
    await own.kill();
    expect(await fails(own.url())).toMatchObject({ code: "unavailable" });
  });
});

describe.skipIf(!HAS_REDIS || !HAS_OPENSSL)("a redis-server with TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "tessera-redis-tls-"));
  const file = (name: string) => join(folder, name);
  let own: RedisServer;
  beforeAll(async () => {
    for (const name of ["server", "client", "other"])
      makeCertificate(file(`${name}.key`), file(`${name}.pem`), "IP:127.0.0.1");
    own = await RedisServer.startWithTls({
      "tls-cert-file": file("server.pem"),
      "tls-key-file": file("server.key"),
      "tls-ca-cert-file": file("client.pem"),
    });
  });
  afterAll(async () => {
    await own[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const url = (files: Readonly<Record<string, string>>) => {
    const parameters = Object.entries(files).map(([name, path]) => `&${name}=${file(path)}`);
    return own.url(newName()).replace("redis:", "rediss:") + parameters.join("");
  };
  const client = { cert: "client.pem", key: "client.key" };
  const refusedOpening = (name: string) =>
    RedisReplayCache.open(name, { skew: S }).then(
      () => undefined,
      (error: unknown) => error,
    );

  it("remembers, where its authority is known and it knows the client's", async () => {
    const cache = await openAt(url({ cacert: "server.pem", ...client }));
    const now = Date.now();
    expect(await refusal(cache.store(tag(1), now, now + S, now))).toBeUndefined();
    expect(await reason(cache.store(tag(1), now, now + S, now))).toBe("KRB_AP_ERR_REPEAT");
  });

  it("is refused by name where its authority is not known", async () => {
    for (const files of [client, { cacert: "other.pem", ...client }])
      expect(await refusedOpening(url(files))).toMatchObject({
        code: "unavailable",
        message: expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+: (self[- ]signed|unable to)/),
        hint: "name the authority's certificate in the address: ?cacert=FILE",
      });
  });

  it("is refused where its certificate is for another host", async () => {
    makeCertificate(file("elsewhere.key"), file("elsewhere.pem"), "DNS:elsewhere.example.test");
    const elsewhere = await RedisServer.startWithTls({
      "tls-cert-file": file("elsewhere.pem"),
      "tls-key-file": file("elsewhere.key"),
      "tls-ca-cert-file": file("client.pem"),
      "tls-auth-clients": "no",
    });
    onTestFinished(() => elsewhere[Symbol.asyncDispose]());
    const name = elsewhere.url().replace("redis:", "rediss:");
    expect(await refusedOpening(`${name}&cacert=${file("elsewhere.pem")}`)).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("does not match certificate's altnames"),
    });
  });

  it("refuses a client whose certificate it does not know, or that has none, or speaks without TLS", async () => {
    for (const files of [{ cert: "other.pem", key: "other.key" }, {}])
      expect(await refusedOpening(url({ cacert: "server.pem", ...files }))).toMatchObject({
        code: "unavailable",
      });
    expect(await refusedOpening(own.url())).toMatchObject({ code: "unavailable" });
  });

  it("needs files that can be read, and a key that others can't read", async () => {
    expect(await refusedOpening(url({ cacert: "none.pem" }))).toMatchObject({
      name: "StoreError",
      code: "unavailable",
      message: expect.stringContaining("none.pem: "),
    });
    chmodSync(file("other.key"), 0o644);
    expect(
      await refusedOpening(url({ cacert: "server.pem", cert: "other.pem", key: "other.key" })),
    ).toMatchObject({ name: "PrivateFileError", code: "unsafe" });
    chmodSync(file("other.key"), 0o600);
  });
});

describe("the name of a Redis server", () => {
  it("is a URL with a host, a database, a name, and nothing else", () => {
    expect(redisPlace("rediss://alice:s%40cret@[::1]:6380/2?name=orders")).toMatchObject({
      name: "orders",
      text: "Redis at [::1]:6380",
      tls: { cacert: undefined, cert: undefined, key: undefined },
    });
    expect(redisPlace("rediss://h?cacert=/etc/ca.pem&cert=c.pem&key=c.key").tls).toEqual({
      cacert: "/etc/ca.pem",
      cert: "c.pem",
      key: "c.key",
    });
    expect(redisPlace("redis://h").tls).toBeUndefined();
    for (const name of [
      "redis:",
      "redis://",
      "redis:localhost",
      "redis://h/x",
      "redis://h/0?prefix=a",
      "redis://h/0?name=a:b",
      "redis://h#a",
      "redis://h?cacert=ca.pem",
      "rediss://h?cert=client.pem",
      "rediss://h?key=client.key",
    ])
      expect(() => redisPlace(name)).toThrow(/^replay cache: expected redis:\/\//);
  });

  it("says that a server too old, or no Redis, is not fit", () => {
    const info = (changes: object) =>
      new Map(
        Object.entries({
          redis_version: "7.0.15",
          run_id: "abc",
          role: "master",
          maxmemory_policy: "noeviction",
          ...changes,
        }) as [string, string][],
      );
    expect(() => checkServer({ text: "Redis" }, info({}))).not.toThrow();
    for (const changes of [{ redis_version: "5.0.7" }, { redis_version: "" }, { run_id: "" }])
      expect(() => checkServer({ text: "Redis" }, info(changes))).toThrow(
        "is no Redis of version 6 or later",
      );
  });
});
