import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { KrbError } from "../../src/protocol/krb-error.js";
import { openLmdbStore } from "../../src/store/lmdb-store.js";
import { MemoryReplayCache } from "../../src/store/memory-replay-cache.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import { openReplayCache } from "../../src/store/open-replay-cache.js";
import { StoreReplayCache } from "../../src/store/store-replay-cache.js";

const S = 300_000;
const T = Date.UTC(2026, 0, 2, 3, 4, 5);

const folders: string[] = [];
const temporaryFolder = () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-replay-"));
  folders.push(dir);
  return dir;
};
afterEach(() => {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const tag = (name: string | number) => createHash("sha256").update(String(name)).digest().subarray(0, 16);
const reason = async (outcome: Promise<void>) =>
  outcome.then(
    () => "accepted",
    (error: unknown) => (error instanceof KrbError ? error.reason : error),
  );
const winners = async (outcomes: Promise<void>[]) => {
  const reasons = await Promise.all(outcomes.map(reason));
  expect(new Set(reasons.filter((text) => text !== "accepted"))).toEqual(new Set(["KRB_AP_ERR_REPEAT"]));
  return reasons.filter((text) => text === "accepted").length;
};

type Cache = MemoryReplayCache | StoreReplayCache;
interface Settings {
  skew?: number;
  capacity?: number;
}

function replayCacheSuite(name: string, open: (settings?: Settings) => Promise<Cache>) {
  describe(`${name}: a replay cache`, () => {
    it("accepts an authenticator once", async () => {
      const cache = await open();
      await cache.store(tag(1), T, T + S, T);
      const error = await cache.store(tag(1), T, T + S, T + 1).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(KrbError);
      expect(error).toMatchObject({
        reason: "KRB_AP_ERR_REPEAT",
        details: { ctime: "2026-01-02T03:04:05.000Z", now: "2026-01-02T03:04:05.001Z" },
      });
      await cache.store(tag(2), T, T + S, T + 1);
      expect(cache.size).toBe(2);
      await cache.close();
    });

    it("accepts one of 16 copies, 20 times over, and one of 1,000", async () => {
      const cache = await open();
      for (let round = 0; round < 20; round++)
        expect(await winners(Array.from({ length: 16 }, () => cache.store(tag(round), T, T + S, T)))).toBe(1);
      expect(await winners(Array.from({ length: 1000 }, () => cache.store(tag("many"), T, T + S, T)))).toBe(
        1,
      );
      await cache.close();
    });

    it("remembers until the time asked for or ctime + 2 skews, and refuses what it forgot", async () => {
      for (const expiry of [T + S, T + 2 * S, T + 3 * S, T + 3 * S + 7]) {
        const cache = await open();
        const until = Math.max(expiry, T + 2 * S);
        await cache.store(tag(1), T, expiry, T);
        const other = (now: number) => cache.store(tag(now), now, now + S, now);
        await other(until);
        await sweep(cache);
        expect(cache.size).toBe(2);
        expect(await reason(cache.store(tag(1), T, expiry, until))).toBe("KRB_AP_ERR_REPEAT");
        await other(until + 1);
        await sweep(cache);
        expect(cache.size).toBe(2);
        expect(await reason(cache.store(tag(1), T, expiry, until + 1))).toBe("KRB_AP_ERR_SKEW");
        // The clock goes back as far as it may: the dropped authenticator is still refused.
        expect(await reason(cache.store(tag(1), T, expiry, until + 1 - S))).toBe("KRB_AP_ERR_SKEW");
        await cache.close();
      }
    });

    it("serves one skew below the high-water mark, and names the mark 1 ms lower", async () => {
      const cache = await open();
      await cache.store(tag(1), T, T + S, T);
      expect(await reason(cache.store(tag(2), T - S, T, T - S))).toBe("accepted");
      const error = await cache.store(tag(3), T - S - 1, T, T - S - 1).catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        reason: "KRB_AP_ERR_SKEW",
        details: { high_water: "2026-01-02T03:04:05.000Z", limit_ms: String(S), side: "server" },
      });
      expect(await reason(cache.store(tag(4), T - 3_600_000, T, T - 3_600_000))).toBe("KRB_AP_ERR_SKEW");
      expect(await reason(cache.store(tag(5), T + 1, T + S, T + 1))).toBe("accepted");
      await cache.close();
    });

    it("carries on after a step forward, and remembers across it", async () => {
      const cache = await open();
      await cache.store(tag(1), T, T + S, T);
      const later = T + 3_600_000;
      await cache.store(tag(2), later, later + S, later);
      expect(await reason(cache.store(tag(2), later, later + S, later))).toBe("KRB_AP_ERR_REPEAT");
      await sweep(cache);
      expect(await reason(cache.store(tag(1), T, T + S, later))).toMatch(/^KRB_AP_ERR_(SKEW|REPEAT)$/);
      await cache.close();
    });

    it("refuses new ones when full rather than forget, until old ones have expired", async () => {
      const cache = await open({ capacity: 3 });
      for (let i = 0; i < 3; i++) await cache.store(tag(i), T, T + S, T);
      expect(await reason(cache.store(tag(3), T, T + S, T))).toBe("KDC_ERR_SVC_UNAVAILABLE");
      for (let i = 0; i < 3; i++)
        expect(await reason(cache.store(tag(i), T, T + S, T))).toBe("KRB_AP_ERR_REPEAT");
      expect(cache.size).toBe(3);
      const later = T + 2 * S + 1;
      await reason(cache.store(tag("x"), later, later + S, later));
      await sweep(cache);
      expect(await reason(cache.store(tag("y"), later, later + S, later))).toBe("accepted");
      await cache.close();
    });

    it("tells tags apart whose bytes begin or end alike, and takes tags of 8 to 64 bytes", async () => {
      const cache = await open();
      const tags = [new Uint8Array(8), new Uint8Array(9), new Uint8Array(64), new Uint8Array(16).fill(255)];
      for (const bytes of tags) expect(await reason(cache.store(bytes, T, T + S, T))).toBe("accepted");
      for (const bytes of tags)
        expect(await reason(cache.store(bytes, T, T + S, T))).toBe("KRB_AP_ERR_REPEAT");
      for (const length of [0, 7, 65])
        await expect(cache.store(new Uint8Array(length), T, T + S, T)).rejects.toBeInstanceOf(RangeError);
      for (const time of [Number.NaN, -1, Number.POSITIVE_INFINITY])
        for (const [c, e, n] of [
          [time, T, T],
          [T, time, T],
          [T, T, time],
        ] as const)
          await expect(cache.store(tag(1), c, e, n)).rejects.toBeInstanceOf(RangeError);
      await cache.close();
    });

    it("accepts nothing twice, whatever the clock does and whenever it sweeps", async () => {
      const skew = 10;
      const step = fc.record({
        id: fc.nat(5),
        offset: fc.integer({ min: -skew, max: skew }),
        clock: fc.integer({ min: -50, max: 60 }),
      });
      const opened: Cache[] = [];
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const cache = await open({ skew });
          opened.push(cache);
          const accepted = new Set<string>();
          let now = 1000;
          for (const { id, offset, clock } of steps) {
            now = Math.max(100, now + clock);
            // A ctime is part of the authenticator; try every one made so far that the clock would let pass,
            // too.
            const ctime = now + offset;
            for (const candidate of new Set([`${id}/${ctime}`, ...accepted])) {
              const made = Number(candidate.split("/")[1]);
              if (Math.abs(now - made) > skew) continue;
              const outcome = await reason(cache.store(tag(candidate), made, made + skew, now));
              if (outcome === "accepted") {
                expect(accepted.has(candidate)).toBe(false);
                accepted.add(candidate);
              }
            }
            if (id === 0) await sweep(cache);
          }
          await cache.close();
        }),
        { numRuns: 60 },
      );
    });
  });
}

/** In memory every `store` sweeps. */
async function sweep(cache: Cache): Promise<void> {
  if (cache instanceof StoreReplayCache) await cache.sweep();
}

replayCacheSuite(
  "memory:",
  async (settings) => new MemoryReplayCache({ skew: S, startedAt: T, restart: "fresh", ...settings }),
);
replayCacheSuite("memory store", (settings) =>
  StoreReplayCache.open(openMemoryStore(), { skew: S, ...settings }),
);
replayCacheSuite("lmdb:", async (settings) =>
  StoreReplayCache.open(await openLmdbStore(join(temporaryFolder(), "replay")), { skew: S, ...settings }),
);

describe("memory: after a restart", () => {
  it("refuses what may have been accepted before, up to start + skew, and says so", async () => {
    const cache = new MemoryReplayCache({ skew: S, startedAt: T });
    expect(await reason(cache.store(tag(1), T, T + S, T))).toBe("KRB_AP_ERR_SKEW");
    const edge = await cache.store(tag(2), T + S, T + 2 * S, T + 5).catch((caught: unknown) => caught);
    expect(edge).toMatchObject({
      reason: "KRB_AP_ERR_SKEW",
      details: { refused_through: "2026-01-02T03:09:05.000Z", ctime: "2026-01-02T03:09:05.000Z" },
    });
    expect(await reason(cache.store(tag(3), T + S + 1, T + 2 * S, T + 5))).toBe("accepted");
    await cache.close();
  });

  it("refuses settings out of range", () => {
    expect(() => new MemoryReplayCache({ skew: -1, startedAt: T })).toThrow(RangeError);
    expect(() => new MemoryReplayCache({ skew: S, startedAt: T, capacity: 0 })).toThrow(RangeError);
    expect(() => new MemoryReplayCache({ skew: S, startedAt: T, capacity: 2 ** 24 + 1 })).toThrow(RangeError);
  });
});

describe("lmdb: after a restart", () => {
  const reopened = async (dir: string, skew = S) => StoreReplayCache.open(await openLmdbStore(dir), { skew });

  it("remembers what was accepted and serves at once", async () => {
    const dir = join(temporaryFolder(), "replay");
    const first = await reopened(dir);
    await first.store(tag(1), T, T + S, T);
    await first.close();
    const second = await reopened(dir);
    expect(second.size).toBe(1);
    expect(await reason(second.store(tag(1), T, T + S, T + 1))).toBe("KRB_AP_ERR_REPEAT");
    expect(await reason(second.store(tag(2), T, T + S, T + 1))).toBe("accepted");
    await second.close();
  });

  it("remembers the high-water mark, with records and after all are swept", async () => {
    const dir = join(temporaryFolder(), "replay");
    const first = await reopened(dir);
    await first.store(tag(1), T + 5, T + S, T);
    await first.close();
    const second = await reopened(dir);
    expect(await reason(second.store(tag(2), T - S, T, T - S))).toBe("accepted");
    expect(await reason(second.store(tag(3), T - S - 1, T, T - S - 1))).toBe("KRB_AP_ERR_SKEW");
    const later = T + 3_600_000;
    await second.store(tag(4), later, later + S, later);
    await second.sweep();
    expect(second.size).toBe(1);
    await second.close();
    const third = await reopened(dir);
    expect(await reason(third.store(tag(1), T + 5, T + S, T))).toBe("KRB_AP_ERR_SKEW");
    expect(await reason(third.store(tag(4), later, later + S, later))).toBe("KRB_AP_ERR_REPEAT");
    await third.close();
  });

  it("accepts nothing twice when the skew was raised in between", async () => {
    const dir = join(temporaryFolder(), "replay");
    const first = await reopened(dir, 60_000);
    await first.store(tag(1), T, T + 60_000, T);
    const later = T + 200_000;
    await first.store(tag(2), later, later + 60_000, later);
    await first.sweep();
    expect(first.size).toBe(1);
    await first.close();
    const second = await reopened(dir, S);
    expect(await reason(second.store(tag(1), T, T + S, later))).toBe("KRB_AP_ERR_SKEW");
    await second.close();
  });

  it("shares one cache between two openers: one of 32 copies wins", async () => {
    const dir = join(temporaryFolder(), "replay");
    const caches = [await reopened(dir), await reopened(dir)];
    const attempts = Array.from(
      { length: 32 },
      (_, i) => caches[i % 2]?.store(tag(1), T, T + S, T) as Promise<void>,
    );
    expect(await winners(attempts)).toBe(1);
    for (const cache of caches) await cache.close();
  });

  it("answers KDC_ERR_SVC_UNAVAILABLE when the store is gone", async () => {
    const cache = await reopened(join(temporaryFolder(), "replay"));
    await cache.close();
    expect(await reason(cache.store(tag(1), T, T + S, T))).toBe("KDC_ERR_SVC_UNAVAILABLE");
  });

  it("treats damaged records as used, and drops them in time", async () => {
    const store = openMemoryStore();
    const cache = await StoreReplayCache.open(store, { skew: S });
    await cache.store(tag(1), T, T + S, T);
    for await (const [key] of store.scan("r/")) await store.update(key, () => new Uint8Array(3));
    expect(await reason(cache.store(tag(1), T, T + S, T))).toBe("KRB_AP_ERR_REPEAT");
    const later = T + 3 * S;
    await cache.store(tag(2), later, later + S, later);
    await cache.sweep();
    expect(cache.size).toBe(1);
    await cache.close();
  });
});

describe("openReplayCache", () => {
  it("opens memory: and lmdb:DIR by name, and lists the types when it does not know one", async () => {
    const options = { skew: S, startedAt: T };
    const memory = await openReplayCache("memory:", options);
    expect(memory).toBeInstanceOf(MemoryReplayCache);
    const lmdb = await openReplayCache(`lmdb:${join(temporaryFolder(), "replay")}`, options);
    expect(await reason(lmdb.store(tag(1), T, T + S, T))).toBe("accepted");
    await lmdb.close();
    await expect(openReplayCache("redis:x", options)).rejects.toThrow(
      new RangeError('store: expected memory: or lmdb:, got "redis:x"'),
    );
  });
});
