/** Opens a replay cache by its name: in memory, or in any store that `openStore` opens. */
import { checkOptionNames } from "../errors/unknown-options.js";
import {
  MemoryReplayCache,
  type MemoryReplayCacheOptions,
  REPLAY_CACHE_NAMES,
} from "./memory-replay-cache.js";
import { openStore } from "./open-store.js";
import type { ReplayCache } from "./replay-cache.js";
import { StoreReplayCache } from "./store-replay-cache.js";

/**
 * Opens a replay cache: `memory:`, which forgets everything when the process ends, or `lmdb:DIR`, which does
 * not, and which the processes of a machine share.
 * @param options `startedAt`, `restart` and `uptime` apply to `memory:` alone.
 * @throws TypeError for an option that there is not; RangeError for a name of another form or type, listing
 *   the known types; StoreError as thrown by the backend.
 */
export async function openReplayCache(name: string, options: MemoryReplayCacheOptions): Promise<ReplayCache> {
  checkOptionNames("openReplayCache", options, REPLAY_CACHE_NAMES);
  if (name === "memory:") return new MemoryReplayCache(options);
  return StoreReplayCache.open(await openStore(name), options);
}
