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

/** The current key version number, the highest; 0 if there is no key. */
export function currentKvno(entry: PrincipalEntry): number {
  return entry.keys.reduce((highest, { kvno }) => Math.max(highest, kvno), 0);
}

/** The keys of the current version. */
export function currentKeys(entry: PrincipalEntry): readonly LongTermKey[] {
  const kvno = currentKvno(entry);
  return entry.keys.filter((key) => key.kvno === kvno);
}
