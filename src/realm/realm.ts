/** A realm that is open: its settings, what they permit, and its principals. */
import type { RealmPolicy } from "../protocol/policy.js";
import type { PrincipalStore } from "../store/principal-store.js";
import type { RealmDirectory } from "./realm-directory.js";
import { policyOf, type RealmSettings } from "./realm-settings.js";

/** An open realm; `close` closes its principals. */
export interface Realm extends AsyncDisposable {
  readonly settings: RealmSettings;
  readonly policy: RealmPolicy;
  readonly principals: PrincipalStore;
  /** Its folder; undefined for a realm in memory. */
  readonly directory: RealmDirectory | undefined;
  close(): Promise<void>;
}

/** The realm over these principals, which it takes over. Its policy is that of the settings but for `limits`. */
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
