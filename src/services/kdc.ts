/** What AS and TGS are made of. */
import { KrbError } from "../protocol/krb-error.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { krbtgtOf, type Principal } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import type { LoginAttempts } from "../store/attempts/login-attempts.js";
import type { LoginClients } from "../store/login-clients.js";
import type { PrincipalStore } from "../store/principal-store.js";
import type { Clock } from "./clock.js";
import type { Log } from "./exchange-log.js";
import type { Metrics } from "./metrics/metrics.js";

/** What a KDC's services work with. */
export interface KdcConfig {
  readonly principals: Pick<PrincipalStore, "get" | "getAnew" | "isFollowing">;
  /**
   * Read at each request, so that it can change while the server runs; a changed policy is another object.
   */
  readonly policy: RealmPolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** Counts exchanges, and watches caches. */
  readonly metrics?: Metrics | undefined;
  /** Whether spans say who calls. */
  readonly tracePrincipals?: boolean | undefined;
}

/** What the AS works with. */
export interface AsConfig extends KdcConfig {
  readonly principals: KdcConfig["principals"] & {
    readonly clients: Pick<LoginClients, "isKept" | "atHand" | "getOrDecoy" | "lastKnown">;
  };
  readonly attempts: Pick<LoginAttempts, "begin">;
}

/** Looks up a principal. */
export type Lookup = (principal: Principal) => Promise<PrincipalEntry | undefined>;

/**
 * The entry of the realm's TGS.
 * @throws KrbError KDC_ERR_SVC_UNAVAILABLE if the database lacks it: the realm is incomplete.
 */
export async function krbtgtEntry(policy: RealmPolicy, lookup: Lookup): Promise<PrincipalEntry> {
  const principal = krbtgtOf(policy.realm);
  const entry = await lookup(principal);
  if (entry === undefined)
    throw new KrbError("KDC_ERR_SVC_UNAVAILABLE", `the realm's database has no ${principal}`, {
      server: principal,
    });
  return entry;
}

/**
 * Decides from entries that may be kept ones. A refusal never stands on these: where there is one, the same
 * is decided once more, from entries as the store has them now. So a new password or key is good at once, and
 * only a success may be as old as the store's bound of staleness.
 */
export async function decided<T>(
  principals: KdcConfig["principals"],
  decide: (lookup: Lookup) => Promise<T>,
): Promise<T> {
  const anew: Lookup = (principal) => principals.getAnew(principal);
  if (!principals.isFollowing) return decide(anew);
  try {
    return await decide((principal) => principals.get(principal));
  } catch (error) {
    if (!(error instanceof KrbError)) throw error;
    return decide(anew);
  }
}
