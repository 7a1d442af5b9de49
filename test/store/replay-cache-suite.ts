/** What every replay cache promises, and what it refuses with: one suite, run on each backend. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KrbError } from "../../src/protocol/krb-error.js";
import type { ReplayCache } from "../../src/store/replay/replay-cache.js";
import { RECORD_BYTES, type ReplayCacheSettings } from "../../src/store/replay/replay-rules.js";

/** The permitted difference between clocks, in milliseconds. */
export const S = 300_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A cache that says how many authenticators it remembers. */
export type CountingCache = ReplayCache & { readonly size: number };

/** A backend under test. */
export interface Backend {
  /** The present of its tests, in milliseconds since the epoch. */
  readonly present: () => number;
  /** Opens a new cache. */
  readonly open: (settings: Partial<ReplayCacheSettings>) => Promise<CountingCache>;
  /** Opens one of a service that has run for long, and whose clock shows `now`. */
  readonly run: (now: number) => Promise<RunningCache>;
  /** Whether a clock that is wrong by more than a skew is refused as long as it is, whatever comes. */
  readonly knowsTheTime: boolean;
  /** How many random histories are tried; 60 by default. */
  readonly randomRuns?: number;
}

/** A cache whose server can be restarted. */
export interface RunningCache {
  readonly cache: CountingCache;
  /** The same cache, after its server was ended and started again, at `now` by its clock. */
  restart(now: number): Promise<RunningCache>;
  /** Says how much time has gone by since it was opened, whatever its clock shows, in milliseconds. */
  passed?(ms: number): void;
}

/** The tag of an authenticator. */
export const tag = (name: string | number) =>
  createHash("sha256").update(String(name)).digest().subarray(0, 16);

/** What became of a call: `accepted`, or the reason of its refusal. */
export const reason = async (outcome: Promise<void>) =>
  outcome.then(
    () => "accepted",
    (error: unknown) => (error instanceof KrbError ? error.reason : error),
  );

/** The refusal of a call. */
export const refusal = (outcome: Promise<void>) =>
  outcome.then(
    () => undefined,
    (error: unknown) => error as KrbError,
  );

/** How many were accepted; all others must have been repeats. */
export const winners = async (outcomes: readonly Promise<void>[]) => {
  const reasons = await Promise.all(outcomes.map(reason));
  expect(new Set(reasons.filter((text) => text !== "accepted"))).toEqual(new Set(["KRB_AP_ERR_REPEAT"]));
  return reasons.filter((text) => text === "accepted").length;
};

/** Runs the suite on a backend. */
export function replayCacheSuite(
  name: string,
  { present, open, run, knowsTheTime, randomRuns = 60 }: Backend,
): void {
  describe(`${name}: a replay cache`, () => {
    const opened = async (settings: Partial<ReplayCacheSettings> = {}) => {
      const T = present();
      return { T, cache: await open(settings) };
    };

    it("accepts an authenticator once", async () => {
      const { T, cache } = await opened();
      await cache.store(tag(1), T, T + S, T);
      const error = await refusal(cache.store(tag(1), T, T + S, T + 1));
      expect(error).toBeInstanceOf(KrbError);
      expect(error).toMatchObject({
        reason: "KRB_AP_ERR_REPEAT",
        details: { ctime: new Date(T).toISOString(), now: new Date(T + 1).toISOString() },
      });
      await cache.store(tag(2), T, T + S, T + 1);
      expect(cache.size).toBe(2);
      await cache.close();
    });

    it("accepts one of 16 copies, 20 times over, and one of 1,000", async () => {
      const { T, cache } = await opened();
      for (let round = 0; round < 20; round++)
        expect(await winners(Array.from({ length: 16 }, () => cache.store(tag(round), T, T + S, T)))).toBe(1);
      const copies = Array.from({ length: 1000 }, () => cache.store(tag("many"), T, T + S, T));
      expect(await winners(copies)).toBe(1);
      await cache.close();
    });

    it("takes a thousand at once, and remembers each", async () => {
      const { T, cache } = await opened();
      const all = () => Array.from({ length: 1000 }, (_, at) => cache.store(tag(at), T + at, T + at + S, T));
      expect(new Set(await Promise.all(all().map(reason)))).toEqual(new Set(["accepted"]));
      expect(new Set(await Promise.all(all().map(reason)))).toEqual(new Set(["KRB_AP_ERR_REPEAT"]));
      expect(cache.size).toBe(1000);
      await cache.close();
    });

    it("remembers to the last millisecond asked for, and refuses what it no longer remembers", async () => {
      const { T, cache } = await opened();
      const expiry = T + 1000;
      await cache.store(tag(1), T, expiry, T);
      expect(await reason(cache.store(tag(1), T, expiry, expiry))).toBe("KRB_AP_ERR_REPEAT");
      expect(cache.size).toBe(1);
      expect(await reason(cache.store(tag(1), T, expiry, expiry + 1))).toBe("KRB_AP_ERR_SKEW");
      expect(cache.size).toBe(0);
      // The clock goes back to where the authenticator was good: it is refused all the same.
      const error = await refusal(cache.store(tag(1), T, expiry, T));
      expect(error).toMatchObject({
        reason: "KRB_AP_ERR_SKEW",
        details: { side: "server", refused_through: new Date(T).toISOString() },
      });
      expect(await reason(cache.store(tag(1), T + 1, expiry, T))).toBe("accepted");
      await cache.close();
    });

    it("is full at the bytes it may take: refuses new ones, says so once, forgets none", async () => {
      const said: string[] = [];
      const { T, cache } = await opened({
        maxBytes: 3 * RECORD_BYTES,
        report: (text) => void said.push(text),
      });
      const store = (name: number | string, now = T, ctime = now) =>
        reason(cache.store(tag(name), ctime, ctime + 1000, now));
      for (let i = 0; i < 3; i++) expect(await store(i, T + i)).toBe("accepted");
      for (let i = 3; i < 6; i++) expect(await store(i, T + 3)).toBe("KDC_ERR_SVC_UNAVAILABLE");
      expect(said).toEqual([expect.stringMatching(/^the replay cache is full \(3 authenticators\): /)]);
      expect(await refusal(cache.store(tag("x"), T, T + 1000, T + 3))).toMatchObject({
        details: { max_bytes: "192", until: new Date(T + 1002).toISOString() },
      });
      for (let i = 0; i < 3; i++) expect(await store(i, T + 3, T + i)).toBe("KRB_AP_ERR_REPEAT");
      expect(cache.size).toBe(3);
      // As long as what filled it may still be accepted, and no longer.
      expect(await store("y", T + 1002)).toBe("KDC_ERR_SVC_UNAVAILABLE");
      expect(await store("y", T + 1003)).toBe("accepted");
      expect(said).toHaveLength(2);
      expect(said[1]).toBe("the replay cache has room again");
      await cache.close();
    });

    it("is full for no longer than one skew, and counts a batch as it comes", async () => {
      const { T, cache } = await opened({ maxBytes: 10 * RECORD_BYTES });
      const outcomes = await Promise.all(
        Array.from({ length: 25 }, (_, at) => reason(cache.store(tag(at), T, T + S, T))),
      );
      expect(outcomes.filter((outcome) => outcome === "accepted")).toHaveLength(10);
      expect(new Set(outcomes.slice(10))).toEqual(new Set(["KDC_ERR_SVC_UNAVAILABLE"]));
      expect(await reason(cache.store(tag("y"), T + S, T + S, T + S))).toBe("KDC_ERR_SVC_UNAVAILABLE");
      expect(await reason(cache.store(tag("y"), T + S + 1, T + 2 * S, T + S + 1))).toBe("accepted");
      await cache.close();
    });

    it("tells tags apart that differ in one bit, and takes tags of 16 bytes only", async () => {
      const { T, cache } = await opened();
      const zero = new Uint8Array(16);
      const tags = [zero, new Uint8Array(16).fill(255)];
      for (let bit = 0; bit < 128; bit++) {
        const other = Uint8Array.from(zero);
        other[bit >> 3] = 1 << (bit & 7);
        tags.push(other);
      }
      for (const bytes of tags) expect(await reason(cache.store(bytes, T, T + S, T))).toBe("accepted");
      for (const bytes of tags)
        expect(await reason(cache.store(bytes, T, T + S, T))).toBe("KRB_AP_ERR_REPEAT");
      for (const length of [0, 8, 15, 17])
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

    it("refuses all when it is closed", async () => {
      const { T, cache } = await opened();
      await cache.close();
      expect(await reason(cache.store(tag(1), T, T + S, T))).toBe("KDC_ERR_SVC_UNAVAILABLE");
    });

    describe("with a clock that was wrong for a minute", () => {
      for (const [way, step] of [
        ["ahead by a day", DAY],
        ["ahead by an hour", HOUR],
        ["behind by an hour", -HOUR],
        ["behind by a day", -DAY],
      ] as const)
        for (const restarts of ["never", "meanwhile", "afterwards"] as const)
          it(`${way}, restarted ${restarts}: accepts nothing twice, and serves soon after`, async () => {
            const T = present();
            let running = await run(T);
            let clock = 0;
            const accepted = new Set<number>();
            /** An authenticator made at `ctime`, used when the time is `time`. */
            const use = async (ctime: number, time: number) => {
              running.passed?.(time - T);
              const now = time + clock;
              // Others are refused before they come here.
              if (Math.abs(ctime - now) > S) return "KRB_AP_ERR_SKEW";
              const outcome = await reason(running.cache.store(tag(ctime), ctime, ctime + S, now));
              if (outcome === "accepted") {
                expect(accepted.has(ctime)).toBe(false);
                accepted.add(ctime);
              }
              return outcome;
            };
            const all = async (time: number) => {
              for (const ctime of [...accepted, T, T + step]) await use(ctime, time);
            };
            for (const ctime of [T - 200, T - 100, T]) expect(await use(ctime, T)).toBe("accepted");
            clock = step;
            if (restarts === "meanwhile") running = await running.restart(T + 10 + clock);
            const during = await use(T + 20 + clock, T + 20);
            if (knowsTheTime) expect(during).toBe("KRB_AP_ERR_SKEW");
            await all(T + 30);
            clock = 0;
            if (restarts === "afterwards") running = await running.restart(T + 60_000);
            await all(T + 60_010);
            await all(T + S);
            // Served again: at once where something of before is remembered, in any case after one skew.
            const soon = T + 60_000 + S + 1000;
            expect(await use(soon, soon)).toBe("accepted");
            expect(await use(soon, soon)).toBe("KRB_AP_ERR_REPEAT");
            await all(soon);
            if (!knowsTheTime && step > 0) {
              // The time that the wrong clock showed comes.
              for (const time of [T + step - S, T + step + 20, T + step + 30_000]) await all(time);
              expect(accepted.has(T + step + 20)).toBe(during === "accepted");
            }
            await running.cache.close();
          });

      it("names the clock", async () => {
        const { T, cache } = await opened();
        await cache.store(tag(1), T, T + S, T);
        await reason(cache.store(tag(2), T + HOUR, T + HOUR + S, T + HOUR));
        const error = await refusal(cache.store(tag(3), T, T + S, T));
        if (knowsTheTime) expect(error).toBeUndefined();
        else {
          expect(error?.message).toContain(`set back from ${new Date(T + HOUR).toISOString()}`);
          expect(error?.details).toMatchObject({ side: "server" });
        }
        await cache.close();
      });
    });

    it("accepts nothing twice, whatever the clock does", async () => {
      const step = fc.record({
        id: fc.nat(5),
        offset: fc.integer({ min: -S, max: S }),
        clock: fc.integer({ min: -5 * S, max: 6 * S }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const { T, cache } = await opened();
          const accepted = new Set<string>();
          let now = T;
          for (const { id, offset, clock } of steps) {
            now = Math.max(T - 20 * S, now + clock);
            // A ctime is part of the authenticator; try every one made so far that the clock would let pass,
            // too.
            for (const candidate of new Set([`${id}/${now + offset}`, ...accepted])) {
              const made = Number(candidate.split("/")[1]);
              if (Math.abs(now - made) > S) continue;
              const outcome = await reason(cache.store(tag(candidate), made, made + S, now));
              if (outcome === "accepted") {
                expect(accepted.has(candidate)).toBe(false);
                accepted.add(candidate);
              }
            }
          }
          await cache.close();
        }),
        { numRuns: randomRuns },
      );
    });
  });
}
