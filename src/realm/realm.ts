/** An open realm: its settings, the policy they make, and its principals. */
import type { RealmPolicy } from "../protocol/policy.js";
import type { LoginAttempts } from "../store/attempts/login-attempts.js";
import type { PrincipalStore } from "../store/principal-store.js";
import type { RealmDirectory } from "./realm-directory.js";
import { policyOf, type RealmSettings } from "./realm-settings.js";

/** An open realm. Whoever opened it closes it. */
export interface Realm extends AsyncDisposable {
  readonly settings: RealmSettings;
  readonly policy: RealmPolicy;
  readonly principals: PrincipalStore;
  /** Undefined for a realm in memory. */
  readonly directory: RealmDirectory | undefined;
  /** The attempts to log in, opened when they are first asked for. Throws as `LoginAttempts.open`. */
  attempts(): Promise<LoginAttempts>;
  close(): Promise<void>;
}

/** What a realm is kept in. */
export interface RealmStores {
  readonly principals: PrincipalStore;
  readonly attempts: () => Promise<LoginAttempts>;
}

/**
 * A realm over these stores, which it closes.
 * @param limits override the policy that the settings make.
 */
export function realmOver(
  { principals, attempts: openAttempts }: RealmStores,
  settings: RealmSettings,
  directory: RealmDirectory | undefined,
  limits: Partial<RealmPolicy> = {},
): Realm {
  const policy = { ...policyOf(settings), ...limits };
  let opened: Promise<LoginAttempts> | undefined;
  const attempts = () => {
    opened ??= openAttempts();
    return opened;
  };
  const close = async () => {
    (await opened?.catch(() => undefined))?.close();
    await principals.close();
  };
  return { settings, policy, principals, directory, attempts, close, [Symbol.asyncDispose]: close };
}
