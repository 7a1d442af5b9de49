/** What AS and TGS are made of. */
import { KrbError } from "../protocol/krb-error.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { krbtgtOf } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import type { LoginAttempts } from "../store/login-attempts.js";
import type { PrincipalStore } from "../store/principal-store.js";
import type { Clock } from "./clock.js";
import type { Log } from "./exchange-log.js";
import type { Metrics } from "./metrics/metrics.js";

/** What a KDC's services work with. */
export interface KdcConfig {
  readonly principals: Pick<PrincipalStore, "get">;
  /**
   * Read at each request, so that it can change while the server runs; a changed policy is another object.
   */
  readonly policy: RealmPolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** Counts exchanges, and watches caches. */
  readonly metrics?: Metrics | undefined;
}

/** What the AS works with. */
export interface AsConfig extends KdcConfig {
  readonly principals: Pick<PrincipalStore, "get" | "getOrDecoy">;
  readonly attempts: Pick<LoginAttempts, "begin">;
}

/**
 * The entry of the realm's TGS.
 * @throws KrbError KDC_ERR_SVC_UNAVAILABLE if the database lacks it: the realm is incomplete.
 */
export async function krbtgtEntry(config: KdcConfig): Promise<PrincipalEntry> {
  const principal = krbtgtOf(config.policy.realm);
  const entry = await config.principals.get(principal);
  if (entry === undefined)
    throw new KrbError("KDC_ERR_SVC_UNAVAILABLE", `the realm's database has no ${principal}`, {
      server: principal,
    });
  return entry;
}
