/** Opens a replay cache by its name: in memory, on a Redis server, or in a folder. */
import { checkOptionNames } from "../../errors/unknown-options.js";
import { openStore } from "../open-store.js";
import { isPostgresName } from "../postgres/place.js";
import {
  MemoryReplayCache,
  type MemoryReplayCacheOptions,
  REPLAY_CACHE_NAMES,
} from "./memory-replay-cache.js";
import type { ReplayCache } from "./replay-cache.js";
import { StoreReplayCache } from "./store-replay-cache.js";

/**
 * Opens a replay cache: `memory:`, which forgets everything when the process ends; `lmdb:DIR`, which does
 * not, and which the processes of a machine share; `redis://HOST` or `rediss://HOST` (TLS), which machines
 * share.
 * @param options `startedAt` and `uptime` apply to `memory:` alone, `restart` to `memory:` and `redis:`.
 * @throws TypeError for an option that there is not; RangeError for a name of another form or type, listing
 *   the known types; StoreError as thrown by the backend.
 */
export async function openReplayCache(name: string, options: MemoryReplayCacheOptions): Promise<ReplayCache> {
  checkOptionNames("openReplayCache", options, REPLAY_CACHE_NAMES);
  if (name === "memory:") return new MemoryReplayCache(options);
  if (/^rediss?:/.test(name))
    return (await import("../redis/replay-cache.js")).RedisReplayCache.open(name, options);
  if (isPostgresName(name))
    throw new RangeError(
      "replay cache: PostgreSQL keeps principals alone; expected memory:, lmdb:DIR, redis://HOST or " +
        "rediss://HOST",
    );
  if (!name.startsWith("lmdb:"))
    throw new RangeError(
      `replay cache: expected memory:, lmdb:DIR, redis://HOST or rediss://HOST, got "${name}"`,
    );
  return StoreReplayCache.open(await openStore(name), options);
}
