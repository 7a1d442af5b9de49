/** The replay cache in memory: the common suite, and what becomes of it at a restart. */
import { describe, expect, it } from "vitest";
import {
  MemoryReplayCache,
  type MemoryReplayCacheOptions,
} from "../../../src/store/replay/memory-replay-cache.js";
import { openReplayCache } from "../../../src/store/replay/open-replay-cache.js";
import { type RunningCache, reason, refusal, replayCacheSuite, S, tag } from "../replay-cache-suite.js";

const T = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A cache whose time is the test's. */
function timed(options: Partial<MemoryReplayCacheOptions> = {}) {
  const time = { ms: 0 };
  const cache = new MemoryReplayCache({ skew: S, startedAt: T, uptime: () => time.ms, ...options });
  return { cache, passed: (ms: number) => void Object.assign(time, { ms }) };
}

/** A service that has run since `before`, whose clock shows `now`. */
function running(startedAt: number, now: number): RunningCache {
  const { cache, passed } = timed({ startedAt });
  passed(now - startedAt);
  return {
    cache,
    passed: (ms) => passed(now - startedAt + ms),
    restart: async (restartedAt) => {
      await cache.close();
      return running(restartedAt, restartedAt);
    },
  };
}

replayCacheSuite("memory:", {
  present: () => T,
  open: async (settings) => new MemoryReplayCache({ skew: S, startedAt: T, restart: "fresh", ...settings }),
  run: async (now) => running(now - 2 * S, now),
  knowsTheTime: false,
});

describe("memory: after a restart", () => {
  it("refuses what may have been accepted before, up to start + skew, and says so", async () => {
    const { cache, passed } = timed();
    expect(await reason(cache.store(tag(1), T, T + S, T))).toBe("KRB_AP_ERR_SKEW");
    passed(5);
    expect(await refusal(cache.store(tag(2), T + S, T + 2 * S, T + 5))).toMatchObject({
      reason: "KRB_AP_ERR_SKEW",
      details: { refused_through: "2026-01-02T03:09:05.000Z", ctime: "2026-01-02T03:09:05.000Z" },
    });
    expect(await reason(cache.store(tag(3), T + S + 1, T + 2 * S, T + 5))).toBe("accepted");
    await cache.close();
  });

  it("goes by the clock as it is once it is put right", async () => {
    // It was an hour behind when the process started.
    const { cache, passed } = timed({ startedAt: T - 3_600_000 });
    passed(1000);
    expect(await reason(cache.store(tag(1), T - 3_000_000, T, T - 3_599_000))).toBe("accepted");
    const later = S + 2000;
    passed(1500);
    expect(await refusal(cache.store(tag(2), T + 1500, T + S, T + 1500))).toMatchObject({
      reason: "KRB_AP_ERR_SKEW",
      details: { side: "server", clock_before: new Date(T - 3_598_500).toISOString() },
    });
    passed(later);
    expect(await reason(cache.store(tag(3), T + S, T + 2 * S, T + later))).toBe("KRB_AP_ERR_SKEW");
    expect(await reason(cache.store(tag(4), T + later, T + 2 * S, T + later))).toBe("accepted");
    await cache.close();
  });
});

describe("memory: while the clock is set forward", () => {
  it("takes nothing for one skew, then believes it; a clock that is back is believed at once", async () => {
    const { cache, passed } = timed({ startedAt: T - 2 * S });
    const store = (name: string, at: number, ahead: number) => {
      passed(at - (T - 2 * S));
      return refusal(cache.store(tag(name), at + ahead, at + ahead + S, at + ahead));
    };
    expect(await store("before", T, 0)).toBeUndefined();
    const error = await store("ahead", T + 1000, 3_600_000);
    expect(error?.message).toBe(
      "this server's clock was set forward from 2026-01-02T03:04:06.000Z to 2026-01-02T04:04:06.000Z; " +
        "if it is right, calls are taken again from 2026-01-02T04:09:06.000Z",
    );
    expect(await store("back", T + 2000, 0)).toBeUndefined();
    expect((await store("ahead again", T + 3000, 3_600_000))?.reason).toBe("KRB_AP_ERR_SKEW");
    expect((await store("still", T + 3000 + S, 3_600_000))?.reason).toBe("KRB_AP_ERR_SKEW");
    expect(await store("believed", T + 3001 + S, 3_600_000)).toBeUndefined();
    await cache.close();
  });

  it("takes a correction of a quarter of a skew as it comes", async () => {
    const { cache, passed } = timed({ startedAt: T - 2 * S });
    passed(2 * S);
    for (let i = 1; i < 20; i++) {
      const now = T + (i * S) / 4;
      expect(await reason(cache.store(tag(i), now, now + S, now))).toBe("accepted");
    }
    await cache.close();
  });
});

describe("memory: a steady load", () => {
  // A thousandth of the bound by default, and of 13,000 or 20,000 calls a second, for half an hour.
  const halfHour = async (perSecond: number) => {
    const cache = new MemoryReplayCache({ skew: S, startedAt: T, restart: "fresh", maxBytes: 268_435 });
    const seconds: number[] = [];
    for (let second = 0; second < 1800; second++) {
      let refused = 0;
      for (let call = 0; call < perSecond; call++) {
        const now = T + second * 1000 + call;
        if ((await reason(cache.store(tag(`${second}/${call}`), now, now + S, now))) !== "accepted")
          refused++;
      }
      seconds.push(refused);
    }
    return seconds;
  };

  it("of 13,000 a second is served, every call of it", async () => {
    expect((await halfHour(13)).filter((refused) => refused > 0)).toEqual([]);
  });

  it("beyond it is refused for less than one skew at a time", async () => {
    const seconds = await halfHour(20);
    let longest = 0;
    let length = 0;
    for (const refused of seconds) {
      length = refused === 20 ? length + 1 : 0;
      longest = Math.max(longest, length);
    }
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThanOrEqual(S / 1000);
  });
});

describe("memory: settings", () => {
  it("are refused out of range, by name", () => {
    const make = (options: Partial<MemoryReplayCacheOptions>) => () => timed(options);
    expect(make({ skew: -1 })).toThrow(new RangeError("skew: expected 0 to 86400000 ms, got -1"));
    expect(make({ maxBytes: 63 })).toThrow(/^maxBytes: expected 64 to 68719476736 bytes, got 63$/);
    expect(make({ maxBytes: 2 ** 36 + 1 })).toThrow(RangeError);
    expect(make({ maxBytes: 64.5 })).toThrow(RangeError);
  });
});

it("lists the kinds of replay caches where a name is of none", async () => {
  for (const name of ["etcd:x", "memory", ""])
    await expect(openReplayCache(name, { skew: S, startedAt: 0 })).rejects.toThrow(
      new RangeError(
        `replay cache: expected memory:, lmdb:DIR, redis://HOST or rediss://HOST, got "${name}"`,
      ),
    );
});
