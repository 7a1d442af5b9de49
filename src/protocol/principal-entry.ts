/**
 * What the KDC knows of a principal: the pure value that `issueTgt` and `issueServiceTicket` decide from.
 * How it is stored is the store's affair.
 */
import type { LongTermKey, StringToKey } from "./keys.js";
import type { Principal } from "./principal.js";

/** One principal of the realm's database. Times are milliseconds since the epoch, lifetimes milliseconds. */
export interface PrincipalEntry {
  readonly principal: Principal;
  /** All keys, newest version first; within a version, strongest encryption type first. */
  readonly keys: readonly LongTermKey[];
  /** How the password becomes the keys of the current version, by etype number; empty for random keys. */
  readonly stringToKey: ReadonlyMap<number, StringToKey>;
  /** True for keys made from a password: such a principal is not a service (no ticket is issued for it). */
  readonly passwordKeyed: boolean;
  /** No ticket is issued to it or for it. */
  readonly disabled: boolean;
  /** From this time on it is no principal any more (KDC_ERR_NAME_EXP, KDC_ERR_SERVICE_EXP); undefined: never. */
  readonly expiresAt: number | undefined;
  /** From this time on its password must be changed first (KDC_ERR_KEY_EXPIRED); undefined: never. */
  readonly passwordExpiresAt: number | undefined;
  /** Longest ticket for or to it; undefined: the realm's limit alone. */
  readonly maxLife: number | undefined;
  /** Longest renewable life; undefined: the realm's limit alone. */
  readonly maxRenewableLife: number | undefined;
  readonly createdAt: number;
  readonly modifiedAt: number;
  /** When the current version of the keys was made. */
  readonly keysChangedAt: number;
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
  };
}

/** The current (highest) key version number; 0 where there is no key. */
export function currentKvno(entry: PrincipalEntry): number {
  return entry.keys.reduce((highest, { kvno }) => Math.max(highest, kvno), 0);
}

/** The keys of the current version. */
export function currentKeys(entry: PrincipalEntry): readonly LongTermKey[] {
  const kvno = currentKvno(entry);
  return entry.keys.filter((key) => key.kvno === kvno);
}
