/** An open realm: its settings, the policy they make, and its principals. */
import type { RealmPolicy } from "../protocol/policy.js";
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
  close(): Promise<void>;
}

/**
 * A realm with these principals, which it closes.
 * @param limits override the policy that the settings make.
 */
export function realmOver(
  principals: PrincipalStore,
  settings: RealmSettings,
  directory: RealmDirectory | undefined,
  limits: Partial<RealmPolicy> = {},
): Realm {
  const policy = { ...policyOf(settings), ...limits };
  const close = () => principals.close();
  return { settings, policy, principals, directory, close, [Symbol.asyncDispose]: close };
}
