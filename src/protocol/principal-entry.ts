/**
 * What the KDC knows of a principal: a plain value that `issueTgt` and `issueServiceTicket` decide from. How
 * it is stored is up to the store.
 */
import type { LongTermKey, StringToKey } from "./keys.js";
import type { Principal } from "./principal.js";

/** A principal in the realm's database. Times are milliseconds since the epoch, lives are milliseconds. */
export interface PrincipalEntry {
  readonly principal: Principal;
  /** All keys, newest version first; within a version, strongest encryption type first. */
  readonly keys: readonly LongTermKey[];
  /**
   * How the password becomes the current keys, by the number of their encryption type; empty for random keys.
   */
  readonly stringToKey: ReadonlyMap<number, StringToKey>;
  /** Whether its keys are made from a password; if so, no ticket is issued for it as a service. */
  readonly passwordKeyed: boolean;
  /** Whether it is disabled: no ticket is issued to it or for it. */
  readonly disabled: boolean;
  /**
   * From then on no ticket is issued to it or for it (KDC_ERR_NAME_EXP, KDC_ERR_SERVICE_EXP); undefined: it
   * never expires.
   */
  readonly expiresAt: number | undefined;
  /** From then on its password must be changed first (KDC_ERR_KEY_EXPIRED); undefined: it never expires. */
  readonly passwordExpiresAt: number | undefined;
  /** The longest life of a ticket to it or for it; undefined: only the realm's limit applies. */
  readonly maxLife: number | undefined;
  /** The longest renewable life, likewise. */
  readonly maxRenewableLife: number | undefined;
  readonly createdAt: number;
  readonly modifiedAt: number;
  /** When the current keys were made. */
  readonly keysChangedAt: number;
  /**
   * TGTs whose authtime is earlier are refused: of an earlier principal of this name, or of a password or
   * keys that ended.
   */
  readonly tgtsFrom: number;
}

/** A principal without keys, limits or expiry, made at `now` (milliseconds since the epoch). */
export function emptyEntry(principal: Principal, now: number): PrincipalEntry {
  return {
    principal,
    keys: [],
    stringToKey: new Map(),
    passwordKeyed: false,
    disabled: false,
    expiresAt: undefined,
    passwordExpiresAt: undefined,
    maxLife: undefined,
    maxRenewableLife: undefined,
    createdAt: now,
    modifiedAt: now,
    keysChangedAt: now,
    tgtsFrom: now,
  };
}

/** The current key version number, the highest; 0 if there is no key. */
export function currentKvno(entry: PrincipalEntry): number {
  return entry.keys.reduce((highest, { kvno }) => Math.max(highest, kvno), 0);
}

/** The keys of the current version. */
export function currentKeys(entry: PrincipalEntry): readonly LongTermKey[] {
  const kvno = currentKvno(entry);
  return entry.keys.filter((key) => key.kvno === kvno);
}

/**
 * When a key opens nothing any more, in milliseconds since the epoch; undefined: it is of the current
 * version.
 * @param retention how long a replaced key stays good, in milliseconds (`keyRetention`). It counts for keys
 *   that were replaced before ends were kept.
 */
export function keyEnd(
  entry: PrincipalEntry,
  { kvno, goodUntil }: LongTermKey,
  retention: number,
): number | undefined {
  if (kvno === currentKvno(entry)) return undefined;
  return goodUntil ?? entry.keysChangedAt + retention;
}

/** The keys that are left of an entry, and until when that is so. */
interface UsableKeys {
  readonly keys: readonly LongTermKey[];
  readonly from: number;
  readonly until: number;
}

const usable = new WeakMap<PrincipalEntry, UsableKeys>();

/**
 * The keys that open tickets at `now`: the current ones, and older ones until the longest ticket under them
 * has ended. The same array as long as the same keys are left, so that caches of what they opened stay good.
 * @param now milliseconds since the epoch.
 * @param retention as `keyEnd` takes it.
 */
export function usableKeys(entry: PrincipalEntry, now: number, retention: number): readonly LongTermKey[] {
  const known = usable.get(entry);
  if (known !== undefined && known.from <= now && now < known.until) return known.keys;
  const endOf = (key: LongTermKey) => keyEnd(entry, key, retention) ?? Number.POSITIVE_INFINITY;
  const keys = entry.keys.filter((key) => now < endOf(key));
  usable.set(entry, { keys, from: now, until: Math.min(...keys.map(endOf)) });
  return keys;
}
