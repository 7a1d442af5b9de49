/** How full a cache is. */
import type { LruMap } from "./lru-map.js";

/** What a cache holds. */
export interface CacheLoad {
  readonly entries: number;
  readonly bytes: number;
  /** The most that it may take, in bytes. */
  readonly maxBytes: number;
}

/** How full a map is whose sizes are bytes. */
export function loadOf({
  size,
  total,
  limit,
}: Pick<LruMap<never, never>, "size" | "total" | "limit">): CacheLoad {
  return { entries: size, bytes: total, maxBytes: limit };
}
