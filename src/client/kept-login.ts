/**
 * The login in a credential cache: read when the cache has changed, changed by one caller at a time.
 *
 * Invariant: what was read is used only as long as the cache gives its state the same name. Its keys belong
 * to whoever was handed them; `destroy` alone overwrites them.
 *
 * A ticket that was obtained is used even where the cache can't take it (a read-only mount, a full disk,
 * another program's lock): the changed login is kept here, as long as the cache holds the TGT that it belongs
 * to.
 */
import { KeyQueues } from "../collections/key-queues.js";
import type { Credentials } from "../protocol/credentials.js";
import { isoTime } from "../protocol/kerberos-time.js";
import { KrbError } from "../protocol/krb-error.js";
import { krbtgtOf, type Principal, realmOf } from "../protocol/principal.js";
import { tell, warnOf } from "../rpc/tell.js";
import type { CachedLogin, CredentialCache } from "./credential-cache.js";

/** A login that is good now. */
export interface CurrentLogin {
  readonly login: CachedLogin;
  readonly tgt: Credentials;
  /** The KDC's time, as far as the login measured it, in milliseconds since the epoch. */
  readonly now: number;
}

/** The ticket for a service that a login holds, if it is good now. */
export function heldTicket({ login, now }: CurrentLogin, server: Principal): Credentials | undefined {
  return login.credentials.find((held) => held.server === server && held.endtime > now);
}

/** A login that the cache could not take. */
interface UnkeptLogin {
  /** The TGT in the cache for which it stands. */
  readonly tgt: Credentials;
  readonly login: CachedLogin;
}

/** The login of one client, in its credential cache. */
export class KeptLogin {
  readonly #cache: CredentialCache;
  readonly #clock: () => number;
  /** What was read last, and the state of the cache it was read in. */
  #read: { readonly revision: string; readonly login: CachedLogin | undefined } | undefined;
  #unkept: UnkeptLogin | undefined;
  readonly #onUnkept: (error: Error) => void;
  /** One change at a time, so that none overwrites what another has just kept. */
  readonly #changes = new KeyQueues<string>();

  /** @param onUnkept told, once for each login, why the cache can't take a change. */
  constructor(cache: CredentialCache, clock: () => number, onUnkept: (error: Error) => void = () => {}) {
    this.#cache = cache;
    this.#clock = clock;
    this.#onUnkept = onUnkept;
  }

  /** What the cache holds, good or not, with what it could not take. */
  async load(): Promise<CachedLogin | undefined> {
    const login = await this.#loadFromCache();
    if (this.#unkept !== undefined && !holds(login, this.#unkept.tgt)) this.#unkept = undefined;
    return this.#unkept?.login ?? login;
  }

  async #loadFromCache(): Promise<CachedLogin | undefined> {
    // Named before it is read: a change in between is noticed at the next call, not missed.
    const revision = this.#cache.revision?.();
    if (revision !== undefined && revision === this.#read?.revision) return this.#read.login;
    const login = await this.#cache.load();
    this.#read = revision === undefined ? undefined : { revision, login };
    return login;
  }

  /**
   * The login, if it is good now. Throws KrbError KRB_AP_ERR_TKT_EXPIRED if it is not, or nobody is logged
   * in.
   */
  async current(): Promise<CurrentLogin> {
    const login = await this.load();
    if (login === undefined) throw notLoggedIn("nobody is logged in");
    const now = this.#clock() + login.kdcOffset;
    const server = krbtgtOf(realmOf(login.client));
    const tgt = login.credentials.find((candidate) => candidate.server === server);
    if (tgt === undefined) throw notLoggedIn("the credential cache holds no ticket-granting ticket");
    if (tgt.endtime <= now) throw notLoggedIn(`the login ended at ${isoTime(tgt.endtime)}`);
    return { login, tgt, now };
  }

  /** Puts a new login in place of any other. */
  replace(login: CachedLogin): Promise<void> {
    return this.#inTurn(() => this.#cache.store(login));
  }

  /**
   * Changes the login that a TGT belongs to; where another or none has taken its place, nothing is kept. A
   * cache that can't take the change is no failure.
   * @param change makes the new login; credentials that stay are the same objects.
   */
  change(tgt: Credentials, change: (login: CachedLogin) => CachedLogin): Promise<void> {
    return this.#inTurn(async () => {
      const login = await this.load();
      if (login === undefined || !holds(login, tgt)) return;
      if (login === this.#unkept?.login) {
        this.#unkept = { ...this.#unkept, login: change(login) };
        return;
      }
      try {
        await this.#changeCache((latest) => (holds(latest, tgt) ? change(latest) : latest));
      } catch (error) {
        this.#unkept = { tgt, login: change(login) };
        const told = error instanceof Error ? error : new Error(String(error));
        tell(this.#onUnkept, [told], warnOf("onUnkept"));
      }
    });
  }

  /** Forgets it and overwrites its keys. False when there was nothing. */
  destroy(): Promise<boolean> {
    return this.#inTurn(async () => {
      for (const { key } of this.#read?.login?.credentials ?? []) key.wipe();
      for (const { key } of this.#unkept?.login.credentials ?? []) key.wipe();
      this.#read = undefined;
      this.#unkept = undefined;
      return this.#cache.destroy();
    });
  }

  async #changeCache(change: (login: CachedLogin) => CachedLogin): Promise<void> {
    if (this.#cache.change !== undefined) return this.#cache.change(change);
    const login = await this.#cache.load();
    if (login === undefined) return;
    const changed = change(login);
    if (changed !== login) await this.#cache.store(changed);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    return this.#changes.run(this.#cache.name, change);
  }
}

function holds(login: CachedLogin | undefined, { ticket }: Credentials): boolean {
  return login?.credentials.some((held) => Buffer.compare(held.ticket, ticket) === 0) ?? false;
}

function notLoggedIn(what: string): KrbError {
  return new KrbError("KRB_AP_ERR_TKT_EXPIRED", `${what}; log in first`);
}
