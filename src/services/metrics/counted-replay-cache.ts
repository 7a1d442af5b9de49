/** A replay cache that is counted: what it says, and how much it holds. */
import { KrbError } from "../../protocol/krb-error.js";
import type { ReplayCache } from "../../store/replay/replay-cache.js";
import { DEFAULT_MAX_BYTES, RECORD_BYTES } from "../../store/replay/replay-rules.js";
import type { Figure, Metrics, ReplayOutcome } from "./metrics.js";

/** What of a replay cache is counted; one of somebody else's may not say how much it holds. */
type Counted = Pick<ReplayCache, "store"> & { readonly size?: number | undefined };

/**
 * The same replay cache, counted.
 * @param maxBytes the memory that its records may take, in bytes, where it was told so.
 */
export function countedReplayCache(
  cache: Counted,
  metrics: Metrics,
  maxBytes?: number,
): Pick<ReplayCache, "store"> {
  let isUp = true;
  metrics.watch(() => [
    { name: "tessera_store_up", labels: { store: "replay" }, value: isUp ? 1 : 0 },
    ...sizes(cache.size, maxBytes),
  ]);
  return {
    store: async (tag, ctime, expiry, now) => {
      try {
        await cache.store(tag, ctime, expiry, now);
        isUp = true;
        metrics.replayCheck("new");
      } catch (error) {
        const outcome = outcomeOf(error);
        isUp = outcome !== "unreachable";
        metrics.replayCheck(outcome);
        throw error;
      }
    },
  };
}

function sizes(size: number | undefined, maxBytes = DEFAULT_MAX_BYTES): Figure[] {
  if (typeof size !== "number") return [];
  return [
    { name: "tessera_replay_records", value: size },
    { name: "tessera_replay_bytes", value: size * RECORD_BYTES },
    { name: "tessera_replay_max_bytes", value: maxBytes },
  ];
}

function outcomeOf(error: unknown): ReplayOutcome {
  if (!(error instanceof KrbError)) return "unreachable";
  if (error.reason === "KRB_AP_ERR_REPEAT") return "repeat";
  if (error.reason === "KRB_AP_ERR_SKEW") return "closed";
  // What has no room says how much it may take.
  return "max_bytes" in error.details ? "full" : "unreachable";
}
