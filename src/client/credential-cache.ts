/** The seam of the credential cache: what a login leaves behind, in memory or in a file. */
import type { Credentials } from "../protocol/credentials.js";
import type { Principal } from "../protocol/principal.js";

/** What a credential cache holds: the TGT first, then service tickets. */
export interface CachedLogin {
  readonly client: Principal;
  /** The KDC's clock minus ours at login, in milliseconds. */
  readonly kdcOffset: number;
  readonly credentials: readonly Credentials[];
}

/** Keeps one login. */
export interface CredentialCache {
  /** What a person would call it, for messages: `FILE:/path` or `MEMORY:`. */
  readonly name: string;
  /** What is kept, or undefined when nobody is logged in. */
  load(): Promise<CachedLogin | undefined>;
  /**
   * Names the state of what is kept, cheaply and without waiting: as long as the name stays the same, so does
   * what `load` returns. Undefined where it can't tell at the moment. A cache that never can, or whose `load`
   * costs nothing, leaves this out.
   */
  revision?(): string | undefined;
  /** Puts a new login in place of whatever is kept. */
  store(login: CachedLogin): Promise<void>;
  /**
   * Changes what is kept, with everybody else locked out; does nothing where nothing is kept. Credentials
   * that stay remain the same objects, and the client stays. A cache that nobody else changes leaves this
   * out: it is then loaded and stored.
   */
  change?(change: (login: CachedLogin) => CachedLogin): Promise<void>;
  /** Forgets and overwrites what is kept; false when there was nothing. */
  destroy(): Promise<boolean>;
}

/** A cache that ends with the process. */
export function memoryCache(): CredentialCache {
  let kept: CachedLogin | undefined;
  return {
    name: "MEMORY:",
    load: async () => kept,
    store: async (login) => {
      kept = login;
    },
    change: async (change) => {
      if (kept !== undefined) kept = change(kept);
    },
    destroy: async () => {
      const had = kept !== undefined;
      for (const { key } of kept?.credentials ?? []) key.wipe();
      kept = undefined;
      return had;
    },
  };
}
