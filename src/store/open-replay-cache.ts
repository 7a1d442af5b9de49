/**
 * Opens a replay cache by its name, `type:rest`. A new backend is one row in this file; its driver is loaded
 * when it is opened.
 */
import { MemoryReplayCache, type MemoryReplayCacheOptions } from "./memory-replay-cache.js";
import type { ReplayCache } from "./replay-cache.js";
import { splitStoreName } from "./store-name.js";
import { StoreReplayCache } from "./store-replay-cache.js";

const OPENERS: Readonly<
  Record<string, (rest: string, options: MemoryReplayCacheOptions) => Promise<ReplayCache>>
> = {
  memory: async (_, options) => new MemoryReplayCache(options),
  lmdb: async (dir, options) => {
    const { openLmdbStore } = await import("./lmdb-store.js");
    return StoreReplayCache.open(await openLmdbStore(dir), options);
  },
};

/**
 * Opens a replay cache: `memory:`, which forgets everything when the process ends, or `lmdb:DIR`, which does
 * not.
 * @param options `startedAt` and `restart` apply to `memory:` alone.
 * @throws RangeError for a name of another form or type, listing the known types; StoreError as thrown by the
 *   backend.
 */
export async function openReplayCache(name: string, options: MemoryReplayCacheOptions): Promise<ReplayCache> {
  const { opener, rest } = splitStoreName(name, OPENERS);
  return opener(rest, options);
}
