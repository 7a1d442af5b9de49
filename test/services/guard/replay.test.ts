/** How long a guard waits for its replay cache, and what becomes of those who wait. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { type ReplayWaiter, TimedReplayCache } from "../../../src/services/guard/replay.js";

const REPLAY = { tag: new Uint8Array(16), ctime: 1, expiry: 2 };
const LIMIT = 250;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** Somebody who waits, and what he was told. */
function waiter() {
  const told: string[] = [];
  const self: ReplayWaiter = {
    giveUp: (refusal) => void told.push(refusal.reason),
    onFailure: (error) => void told.push(String(error)),
  };
  return Object.assign(self, { told });
}

/** A cache that answers when the test says so. */
function cacheOf(limit = LIMIT) {
  const answers: { resolve(): void; reject(error: unknown): void }[] = [];
  const store = () => new Promise<void>((resolve, reject) => void answers.push({ resolve, reject }));
  return { cache: new TimedReplayCache({ store }, limit), answers };
}

const LATE = ["Error: no answer within 250 ms", "KDC_ERR_SVC_UNAVAILABLE"];

describe("a replay cache", () => {
  test("that answers in time ends the wait, and nobody is told of anything", async () => {
    const { cache, answers } = cacheOf();
    const one = waiter();
    const stored = cache.store(REPLAY, 3, one);
    vi.advanceTimersByTime(LIMIT - 1);
    answers[0]!.resolve();
    await stored;
    vi.advanceTimersByTime(10 * LIMIT);
    expect(one.told).toEqual([]);
  });

  test("that is late is given up at the limit of each who waits, to the millisecond", () => {
    const { cache } = cacheOf();
    const [first, second] = [waiter(), waiter()];
    void cache.store(REPLAY, 3, first);
    vi.advanceTimersByTime(100);
    void cache.store(REPLAY, 3, second);
    vi.advanceTimersByTime(LIMIT - 101);
    expect(first.told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(first.told).toEqual(LATE);
    vi.advanceTimersByTime(99);
    expect(second.told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(second.told).toEqual(LATE);
  });

  test("is watched again after a time in which nobody waited", async () => {
    const { cache, answers } = cacheOf();
    const early = cache.store(REPLAY, 3, waiter());
    answers[0]!.resolve();
    await early;
    vi.advanceTimersByTime(10 * LIMIT);
    expect(vi.getTimerCount()).toBe(0);
    const late = waiter();
    void cache.store(REPLAY, 3, late);
    vi.advanceTimersByTime(LIMIT);
    expect(late.told).toEqual(LATE);
  });

  test("refuses as it says, and nobody is told", async () => {
    const { cache, answers } = cacheOf();
    const one = waiter();
    const stored = cache.store(REPLAY, 3, one);
    answers[0]!.reject(new KrbError("KRB_AP_ERR_REPEAT", "used before"));
    await expect(stored).rejects.toMatchObject({ reason: "KRB_AP_ERR_REPEAT" });
    expect(one.told).toEqual([]);
  });

  test("that fails refuses with UNAVAILABLE, and the cause is for the log", async () => {
    const { cache, answers } = cacheOf();
    const one = waiter();
    const stored = cache.store(REPLAY, 3, one);
    answers[0]!.reject(new Error("connection reset"));
    await expect(stored).rejects.toMatchObject({
      reason: "KDC_ERR_SVC_UNAVAILABLE",
      message: "the service can't reach its replay cache; try again",
    });
    expect(one.told).toEqual(["Error: connection reset"]);
  });
});

test("who is forgotten is told nothing any more, late or failed", async () => {
  const { cache, answers } = cacheOf();
  const one = waiter();
  const stored = cache.store(REPLAY, 3, one);
  cache.forget(one);
  vi.advanceTimersByTime(LIMIT);
  answers[0]!.reject(new Error("connection reset"));
  await expect(stored).rejects.toThrow("connection reset");
  expect(one.told).toEqual([]);
});
