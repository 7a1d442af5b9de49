/** Opens a replay cache by its name: in memory, or in any store that `openStore` opens. */
import { MemoryReplayCache, type MemoryReplayCacheOptions } from "./memory-replay-cache.js";
import { openStore } from "./open-store.js";
import type { ReplayCache } from "./replay-cache.js";
import { StoreReplayCache } from "./store-replay-cache.js";

/**
 * Opens a replay cache: `memory:`, which forgets everything when the process ends, or `lmdb:DIR`, which does
 * not.
 * @param options `startedAt` and `restart` apply to `memory:` alone.
 * @throws RangeError for a name of another form or type, listing the known types; StoreError as thrown by the
 *   backend.
 */
export async function openReplayCache(name: string, options: MemoryReplayCacheOptions): Promise<ReplayCache> {
  if (name === "memory:") return new MemoryReplayCache(options);
  return StoreReplayCache.open(await openStore(name), options);
}
