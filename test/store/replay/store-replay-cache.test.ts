/** The replay cache in a key-value store: the common suite on both, and what processes share. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { KeyValueStore } from "../../../src/store/key-value-store.js";
import { openLmdbStore } from "../../../src/store/lmdb/store.js";
import { openMemoryStore } from "../../../src/store/memory-store.js";
import { openStore } from "../../../src/store/open-store.js";
import { beginReplayCacheAnew, timesClosedAhead } from "../../../src/store/replay/mend-replay-cache.js";
import { decodeRecords, decodeState, SLOTS, STATE, slotKey } from "../../../src/store/replay/replay-log.js";
import type { ReplayCacheSettings } from "../../../src/store/replay/replay-rules.js";
import { StoreReplayCache } from "../../../src/store/replay/store-replay-cache.js";
import {
  type RunningCache,
  reason,
  refusal,
  replayCacheSuite,
  S,
  tag,
  winners,
} from "../replay-cache-suite.js";

const T = Date.UTC(2026, 0, 2, 3, 4, 5);

const folders: string[] = [];
const newFolder = () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-replay-"));
  folders.push(dir);
  return join(dir, "replay");
};
afterEach(() => {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A store that outlives the caches in it. */
const shared = (store: KeyValueStore): KeyValueStore => ({
  get: (key) => store.get(key),
  update: (key, change) => store.update(key, change),
  scan: (prefix) => store.scan(prefix),
  close: async () => {},
});
const openIn = (store: KeyValueStore, settings: Partial<ReplayCacheSettings> = {}) =>
  StoreReplayCache.open(shared(store), { skew: S, ...settings });

/** The same, where others may come between reading and writing. */
const contended = (store: KeyValueStore): KeyValueStore => {
  const pause = () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...shared(store),
    get: async (key) => {
      const value = await store.get(key);
      await pause();
      return value;
    },
    update: async (key, change) => {
      await pause();
      await store.update(key, change);
    },
  };
};

async function running(store: () => Promise<KeyValueStore>): Promise<RunningCache> {
  const cache = await StoreReplayCache.open(await store(), { skew: S });
  return {
    cache,
    restart: async () => {
      await cache.close();
      return running(store);
    },
  };
}

replayCacheSuite("a memory store", {
  present: () => T,
  open: (settings) => openIn(openMemoryStore(), settings),
  run: async () => {
    const store = openMemoryStore();
    return running(async () => shared(store));
  },
  knowsTheTime: false,
});

replayCacheSuite("lmdb:", {
  present: () => T,
  open: async (settings) => StoreReplayCache.open(await openLmdbStore(newFolder()), { skew: S, ...settings }),
  run: async () => {
    const dir = newFolder();
    return running(() => openLmdbStore(dir));
  },
  knowsTheTime: false,
  randomRuns: 10,
});

const slots = async (store: KeyValueStore) => {
  const found: number[] = [];
  for await (const [key] of store.scan(SLOTS)) found.push(Number(key.slice(SLOTS.length)));
  return found;
};

describe("a replay cache in a store, after a restart", () => {
  it("remembers what was accepted and serves at once", async () => {
    const store = openMemoryStore();
    const first = await openIn(store);
    await first.store(tag(1), T, T + S, T);
    await first.close();
    const second = await openIn(store);
    expect(second.size).toBe(1);
    expect(await reason(second.store(tag(1), T, T + S, T + 1))).toBe("KRB_AP_ERR_REPEAT");
    expect(await reason(second.store(tag(2), T, T + S, T + 1))).toBe("accepted");
  });

  it("remembers which times are closed", async () => {
    const store = openMemoryStore();
    const first = await openIn(store);
    await first.store(tag(1), T, T + S, T);
    await first.store(tag(2), T + 2 * S, T + 3 * S, T + 2 * S);
    await first.close();
    const second = await openIn(store);
    expect(second.size).toBe(1);
    expect(await reason(second.store(tag(1), T, T + S, T))).toBe("KRB_AP_ERR_SKEW");
  });

  it("accepts nothing twice when the skew was changed in between", async () => {
    for (const [before, after] of [
      [60_000, S],
      [S, 60_000],
    ] as const) {
      const store = openMemoryStore();
      const first = await openIn(store, { skew: before });
      const used: number[] = [];
      for (let ctime = T - before; ctime <= T + before; ctime += before / 10) {
        await first.store(tag(ctime), ctime, ctime + before, T);
        used.push(ctime);
      }
      await first.store(tag("later"), T + before, T + 2 * before, T + before + 1);
      await first.close();
      const second = await openIn(store, { skew: after });
      for (const ctime of used)
        expect(await reason(second.store(tag(ctime), ctime, ctime + after, T))).toMatch(
          /^KRB_AP_ERR_(REPEAT|SKEW)$/,
        );
    }
  });

  it("takes what version 0.1 wrote for used", async () => {
    const store = openMemoryStore();
    const minute = Math.floor(T / 60_000);
    await store.update(`r/${String(minute).padStart(12, "0")}/${"0".repeat(32)}`, () => new Uint8Array(24));
    const cache = await openIn(store);
    expect(await reason(cache.store(tag(1), T, T + S, T))).toBe("KRB_AP_ERR_SKEW");
    const later = (minute + 1) * 60_000 + 1;
    expect(await reason(cache.store(tag(1), later, later + S, T))).toBe("accepted");
  });

  it("refuses a damaged log, by name", async () => {
    for (const key of [STATE, slotKey(0)]) {
      const store = openMemoryStore();
      const cache = await openIn(store);
      await cache.store(tag(1), T, T + S, T);
      await store.update(key, () => new Uint8Array(3));
      await expect(openIn(store)).rejects.toMatchObject({ code: "corrupt" });
    }
    const store = openMemoryStore();
    const cache = await openIn(store);
    await store.update(STATE, () => undefined);
    expect(await reason(cache.store(tag(1), T, T + S, T))).toBe("KDC_ERR_SVC_UNAVAILABLE");
  });
});

describe("caches that share a store", () => {
  it("accept one of 1,000 copies between them", async () => {
    const store = openMemoryStore();
    const open = () => openIn(contended(store));
    const caches = [await open(), await open(), await open()];
    for (let round = 0; round < 5; round++) {
      const copies = Array.from({ length: 1000 }, (_, at) => caches[at % 3]!.store(tag(round), T, T + S, T));
      expect(await winners(copies)).toBe(1);
    }
  });

  it("accept all that come to either, and each knows of all", async () => {
    const store = openMemoryStore();
    const caches = [await openIn(store), await openIn(store)];
    for (let round = 0; round < 20; round++)
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => caches[at % 2]!.store(tag(`${round}/${at}`), T, T + S, T)),
      );
    for (let at = 0; at < 50; at++)
      expect(await reason(caches[(at + 1) % 2]!.store(tag(`7/${at}`), T, T + S, T))).toBe(
        "KRB_AP_ERR_REPEAT",
      );
    expect(caches.map(({ size }) => size)).toEqual([1000, 1000]);
  });

  it("have one size: the quieter serves when what filled the store has ended", async () => {
    const store = openMemoryStore();
    const [quiet, busy] = [
      await openIn(store, { maxBytes: 6400 }),
      await openIn(store, { maxBytes: 6400 }),
    ] as const;
    expect(await reason(quiet.store(tag("first"), T, T + S, T))).toBe("accepted");
    let now = T;
    // Three times as many as have room, in the time of ten skews.
    for (let i = 0; i < 300; i++) {
      now += S / 30;
      expect(await reason(busy.store(tag(i), now, now + S, now))).toBe("accepted");
    }
    expect(await reason(quiet.store(tag("second"), now, now + S, now))).toBe("accepted");
    expect(quiet.size).toBe(busy.size + 1);
    expect(quiet.size).toBeLessThan(40);
    const filled = Array.from({ length: 100 }, (_, at) =>
      reason(busy.store(tag(`x${at}`), now, now + S, now)),
    );
    expect(await Promise.all(filled)).toContain("KDC_ERR_SVC_UNAVAILABLE");
    expect(await reason(quiet.store(tag("third"), now, now + S, now))).toBe("KDC_ERR_SVC_UNAVAILABLE");
    now += S + 1;
    expect(await reason(quiet.store(tag("fourth"), now, now + S, now))).toBe("accepted");
  });

  it("accept nothing twice after one was idle while the log went on without it", async () => {
    for (const idleAt of [1, 55, 56, 57, 58, 112]) {
      const store = openMemoryStore();
      const [idle, busy] = [await openIn(store), await openIn(store)] as const;
      for (let i = 0; i < idleAt; i++) await idle.store(tag(i), T, T + S, T);
      let now = T;
      for (let i = 0; i < 400; i++) {
        now += S / 40;
        await busy.store(tag(`busy ${i}`), now, now + S, now);
      }
      expect(Math.min(...(await slots(store)))).toBeGreaterThan(2);
      const recent = now - S / 40;
      expect(await reason(idle.store(tag("busy 398"), recent, recent + S, now))).toBe("KRB_AP_ERR_REPEAT");
      expect(await reason(idle.store(tag("new"), now, now + S, now))).toBe("accepted");
      expect(await reason(busy.store(tag("new"), now, now + S, now))).toBe("KRB_AP_ERR_REPEAT");
      expect(await reason(idle.store(tag(0), T, T + S, T))).toBe("KRB_AP_ERR_SKEW");
    }
  });
});

describe("mending", () => {
  it("finds times that are closed ahead, and begins anew under the servers that run", async () => {
    const name = `lmdb:${newFolder()}`;
    const open = async () => StoreReplayCache.open(await openStore(name), { skew: S });
    const cache = await open();
    const DAY = 86_400_000;
    await cache.store(tag(1), T, T + S, T);
    await cache.store(tag(2), T + DAY, T + DAY + S, T + DAY);
    expect(await timesClosedAhead(name, S, T)).toEqual([]);
    await cache.store(tag(3), T + 1, T + S, T + 1);
    // What ended is written down behind the answer, and before the next.
    await cache.store(tag("3a"), T + 1, T + S, T + 1);
    expect(await timesClosedAhead(name, S, T)).toEqual([{ from: T + DAY, through: T + DAY }]);
    expect(await reason(cache.store(tag(4), T + DAY, T + DAY + S, T + DAY))).toBe("KRB_AP_ERR_SKEW");
    await beginReplayCacheAnew(name, S, T + 2);
    expect(await timesClosedAhead(name, S, T + 2)).toEqual([]);
    // The first call after it meets the new state, and is decided by it.
    expect(await reason(cache.store(tag(5), T + 3, T + S, T + 3))).toBe("KRB_AP_ERR_SKEW");
    expect(await reason(cache.store(tag(3), T + 1, T + S, T + 3))).toBe("KRB_AP_ERR_SKEW");
    const later = T + S + 3;
    expect(await reason(cache.store(tag(6), later, later + S, later))).toBe("accepted");
    const other = await open();
    expect(await reason(other.store(tag(6), later, later + S, later))).toBe("KRB_AP_ERR_REPEAT");
    expect(cache.size).toBe(1);
    await cache.close();
    await other.close();
  });
});

describe("the log", () => {
  it("keeps as many slots as what still counts needs, a few deleted with each write", async () => {
    const store = openMemoryStore();
    const cache = await openIn(store);
    let now = T;
    let most = 0;
    for (let i = 0; i < 3000; i++) {
      now += S / 500;
      await cache.store(tag(i), now, now + S, now);
      if (i % 100 === 0) most = Math.max(most, (await slots(store)).length);
    }
    // 500 records of 32 bytes in a skew, 57 in a slot.
    expect(most).toBeLessThan(14);
    expect(cache.size).toBeLessThan(600);
    const state = decodeState((await store.get(STATE))!);
    expect(state.closed).toHaveLength(1);
  });

  it("is one write for all calls of a turn", async () => {
    const store = openMemoryStore();
    const updates: string[] = [];
    const counted: KeyValueStore = {
      ...shared(store),
      update: (key, change) => {
        updates.push(key);
        return store.update(key, change);
      },
    };
    const cache = await StoreReplayCache.open(counted, { skew: S });
    updates.splice(0);
    await Promise.all(Array.from({ length: 1000 }, (_, at) => cache.store(tag(at), T, T + S, T)));
    expect(updates).toEqual([slotKey(0)]);
    expect(decodeRecords(0, (await store.get(slotKey(0)))!)).toHaveLength(1000);
  });

  it("answers when its record is in the store, not before", async () => {
    const store = openMemoryStore();
    const held: (() => void)[] = [];
    const slow: KeyValueStore = {
      ...shared(store),
      update: async (key, change) => {
        if (key.startsWith(SLOTS)) await new Promise<void>((resolve) => void held.push(resolve));
        await store.update(key, change);
      },
    };
    const cache = await StoreReplayCache.open(slow, { skew: S });
    const events: string[] = [];
    const stored = cache.store(tag(1), T, T + S, T).then(() => void events.push("accepted"));
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    events.push("written");
    held.pop()!();
    await stored;
    expect(events).toEqual(["written", "accepted"]);
  });

  it("refuses all whose write fails, and goes on with the next", async () => {
    const store = openMemoryStore();
    let broken = false;
    const failing: KeyValueStore = {
      ...shared(store),
      update: async (key, change) => {
        if (broken) throw new Error("no room on the disk");
        await store.update(key, change);
      },
    };
    const cache = await StoreReplayCache.open(failing, { skew: S });
    broken = true;
    const outcomes = Array.from({ length: 3 }, (_, at) => refusal(cache.store(tag(at), T, T + S, T)));
    for (const error of await Promise.all(outcomes)) {
      expect(error).toMatchObject({ reason: "KDC_ERR_SVC_UNAVAILABLE" });
      expect(error?.cause).toMatchObject({ message: "no room on the disk" });
    }
    broken = false;
    expect(await reason(cache.store(tag(0), T, T + S, T))).toBe("accepted");
  });
});
