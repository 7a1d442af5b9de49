/** What is counted of a replay cache, and that counting changes nothing of what it says. */
import { expect, test } from "vitest";
import { countedReplayCache } from "../../../src/services/metrics/counted-replay-cache.js";
import type { Figure, Look, Metrics } from "../../../src/services/metrics/metrics.js";
import { MemoryReplayCache } from "../../../src/store/replay/memory-replay-cache.js";
import { RECORD_BYTES } from "../../../src/store/replay/replay-rules.js";
import { NOW } from "../../support/entries.js";

const SKEW = 300_000;

function counting() {
  const outcomes: string[] = [];
  const looks: Look[] = [];
  const metrics: Metrics = {
    exchange: () => expect.unreachable(),
    guardedCall: () => expect.unreachable(),
    replayCheck: (outcome) => void outcomes.push(outcome),
    watch: (look) => {
      looks.push(look);
      return () => {};
    },
  };
  const figure = async (name: string) =>
    (await Promise.all(looks.map((look) => look()))).flat().find((one: Figure) => one.name === name)?.value;
  return { outcomes, metrics, figure };
}

const tag = (number: number) => new Uint8Array(16).fill(number);

test("each answer of a cache in memory is counted, and a full one says so", async () => {
  const { outcomes, metrics, figure } = counting();
  const maxBytes = 2 * RECORD_BYTES;
  const memory = new MemoryReplayCache({ skew: SKEW, startedAt: NOW, restart: "fresh", maxBytes });
  const cache = countedReplayCache(memory, metrics, maxBytes);
  const store = (number: number, at = NOW) => cache.store(tag(number), at, at + SKEW, at);
  await store(1);
  await expect(store(1)).rejects.toMatchObject({ reason: "KRB_AP_ERR_REPEAT" });
  await store(2);
  expect(await figure("tessera_replay_records")).toBe(2);
  expect(await figure("tessera_replay_bytes")).toBe(maxBytes);
  expect(await figure("tessera_replay_max_bytes")).toBe(maxBytes);
  await expect(store(3)).rejects.toMatchObject({ reason: "KDC_ERR_SVC_UNAVAILABLE" });
  expect(await figure("tessera_store_up")).toBe(1);
  await store(4, NOW + 2 * SKEW + 1);
  await expect(cache.store(tag(5), NOW, NOW + SKEW, NOW + 2 * SKEW + 1)).rejects.toMatchObject({
    reason: "KRB_AP_ERR_SKEW",
  });
  expect(outcomes).toEqual(["new", "repeat", "new", "full", "new", "closed"]);
});

test("a store that is away is down until it answers", async () => {
  const { outcomes, metrics, figure } = counting();
  let isAway = true;
  const cache = countedReplayCache(
    {
      store: async () => {
        if (isAway) throw new Error("no connection");
      },
    },
    metrics,
  );
  await expect(cache.store(tag(1), NOW, NOW, NOW)).rejects.toThrow("no connection");
  expect(await figure("tessera_store_up")).toBe(0);
  expect(await figure("tessera_replay_records"), "it does not say").toBeUndefined();
  isAway = false;
  await cache.store(tag(1), NOW, NOW, NOW);
  expect(await figure("tessera_store_up")).toBe(1);
  expect(outcomes).toEqual(["unreachable", "new"]);
});
