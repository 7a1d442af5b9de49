/** The figures of what a server is made of, as they are at the moment. */
import type { CacheLoad } from "../../collections/cache-load.js";
import { keyEnd, type PrincipalEntry, usableKeys } from "../../protocol/principal-entry.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import type { Entrance } from "../../rpc/entrance/entrance.js";
import type { Figure } from "./metrics.js";

/** How full a cache is. */
export function cacheFigures(cache: string, { entries, bytes, maxBytes }: CacheLoad): Figure[] {
  const labels = { cache };
  return [
    { name: "tessera_cache_entries", labels, value: entries },
    { name: "tessera_cache_bytes", labels, value: bytes },
    { name: "tessera_cache_max_bytes", labels, value: maxBytes },
  ];
}

/** How full a guard's table of sessions is. */
export function sessionFigures({ entries, bytes }: CacheLoad): Figure[] {
  return [
    { name: "tessera_sessions", value: entries },
    { name: "tessera_session_bytes", value: bytes },
  ];
}

/** What an entrance has let in and refused, and what waits there. */
export function entranceFigures({ connections, calls, refused, waiting }: Entrance): Figure[] {
  return [
    { name: "tessera_connections", value: connections },
    { name: "tessera_calls", value: calls },
    { name: "tessera_queue_connections", value: waiting.connections },
    { name: "tessera_queue_calls", value: waiting.calls },
    ...Object.entries(refused).map(([cause, value]) => ({
      name: "tessera_refused_at_door_total" as const,
      labels: { cause },
      value,
    })),
  ];
}

/**
 * The age of a principal's keys, how many versions are good, and when the next of them ends.
 * @param key what the keys are called, in place of the principal.
 * @param retention how long a replaced key stays good, in milliseconds.
 * @param now milliseconds since the epoch.
 */
export function keyFigures(key: string, entry: PrincipalEntry, retention: number, now: number): Figure[] {
  const labels = { key };
  const keys = usableKeys(entry, now, retention);
  const ends = keys.map((one) => keyEnd(entry, one, retention)).filter((end) => end !== undefined);
  const figures: Figure[] = [
    { name: "tessera_key_age_seconds", labels, value: (now - entry.keysChangedAt) / 1000 },
    versionsFigure(key, keys),
  ];
  if (ends.length > 0)
    figures.push({ name: "tessera_key_expiry_seconds", labels, value: Math.min(...ends) / 1000 });
  return figures;
}

/** How many versions of a service's key a keytab holds; none where it can't be read. */
export function keytabFigures(key: string, keys: () => ServiceKeys): Figure[] {
  try {
    return [versionsFigure(key, keys().keys)];
  } catch {
    return [{ name: "tessera_key_versions", labels: { key }, value: 0 }];
  }
}

function versionsFigure(key: string, keys: ServiceKeys["keys"]): Figure {
  return { name: "tessera_key_versions", labels: { key }, value: new Set(keys.map(({ kvno }) => kvno)).size };
}
