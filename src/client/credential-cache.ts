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
   * Names the state of what is kept, at once and for less than `load` costs: as long as the name stays the same, so does
   * what `load` gives. Undefined: it can't be told now. A cache that can never tell, or loads for nothing, leaves it out.
   */
  revision?(): string | undefined;
  /** Puts a new login in place of whatever is kept. */
  store(login: CachedLogin): Promise<void>;
  /**
   * Changes what is kept while nobody else changes it; where nothing is kept, nothing happens. Credentials that stay are the same
   * objects, and the client stays. A cache that no other process or client changes leaves it out: it is loaded and stored.
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
