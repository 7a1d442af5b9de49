/**
 * The login of a daemon: made with its keytab when it is first needed, again in the last fifth of its life,
 * and whenever the KDC takes its TGT no more. The keytab is read for each login, so that keys may be rotated.
 *
 * Invariants. All of it happens as the login is used: there is no timer. One login is under way at a time,
 * however many callers want it. A KDC that is away holds up nobody who has a ticket, and is asked again after
 * pauses that grow; whoever needs it meanwhile gets the error of the last attempt.
 */
import { followedFileIdentity } from "../files/file-identity.js";
import { filePathOf } from "../files/file-name.js";
import type { Credentials } from "../protocol/credentials.js";
import { KrbError } from "../protocol/krb-error.js";
import type { Principal } from "../protocol/principal.js";
import { isMendedByTicket } from "./guard/refused-ticket.js";
import type { CurrentLogin, KeptLogin } from "./kept-login.js";
import { type KeytabKeys, readKeytabKeys } from "./keytab.js";

/** What a daemon's login works with. */
export interface KeytabLoginParts {
  /** The keytab's path; `FILE:` may stand before it. */
  readonly keytab: string;
  /** Who logs in, as `readKeytabKeys` takes it; the keytab's first principal by default. */
  readonly principal: string | undefined;
  readonly login: KeptLogin;
  /** Logs in with the keys, which are wiped afterwards. */
  readonly logIn: (keys: KeytabKeys) => Promise<unknown>;
  readonly clock: () => number;
  /** Told why a login failed, once until one succeeds. */
  readonly onLoginFailed: (error: Error) => void;
}

/**
 * The first pause after a login that failed, and the longest, in milliseconds; each is twice the one before.
 */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
/** How long a login that took the place of a refused one is left in peace, in milliseconds. */
const REPLACEMENT_PAUSE = 10_000;

/** Attempts that failed since the last login. */
interface Failure {
  readonly error: Error;
  readonly at: number;
  readonly count: number;
  /** The state of the keytab at the last of them: another one is worth an attempt. */
  readonly keytab: string | undefined;
}

/** Keeps a daemon logged in. */
export class KeytabLogin {
  readonly #parts: KeytabLoginParts;
  readonly #path: string;
  #principal: Principal | undefined;
  #underWay: Promise<void> | undefined;
  #failure: Failure | undefined;
  #replacedAt = Number.NEGATIVE_INFINITY;

  /** @throws RangeError for a keytab of another type than `FILE:`. */
  constructor(parts: KeytabLoginParts) {
    this.#parts = parts;
    this.#path = filePathOf(parts.keytab, "keytab");
  }

  /**
   * The login, good now; one that is about to end is followed by the next behind the caller's back.
   * @throws as a login with the keytab does, where there is none and none can be made.
   */
  async current(): Promise<CurrentLogin> {
    const found = await this.#found();
    if (found === undefined) {
      await this.#logIn();
      return this.#parts.login.current();
    }
    if (isEnding(found)) this.#logIn().catch(() => {});
    return found;
  }

  /**
   * Told that the KDC refuses a TGT: makes another login, at most once in ten seconds, for anybody may have
   * made the refusal.
   * @returns whether there is by now another TGT.
   * @throws as `current`.
   */
  async replace({ ticket }: Credentials): Promise<boolean> {
    const found = await this.#found();
    if (found !== undefined && Buffer.compare(found.tgt.ticket, ticket) !== 0) return true;
    const now = this.#parts.clock();
    if (this.#underWay === undefined && Math.abs(now - this.#replacedAt) < REPLACEMENT_PAUSE) return false;
    this.#replacedAt = now;
    await this.#logIn();
    return true;
  }

  /** The login in the cache, if it is good and the keytab's own. */
  async #found(): Promise<CurrentLogin | undefined> {
    const principal = this.#principal ?? (await this.#withKeys(async (keys) => keys.principal));
    this.#principal = principal;
    try {
      const current = await this.#parts.login.current();
      return current.login.client === principal ? current : undefined;
    } catch (error) {
      if (error instanceof KrbError && error.reason === "KRB_AP_ERR_TKT_EXPIRED") return undefined;
      throw error;
    }
  }

  /** Joins the login under way, or begins one; throws the last one's error while it pauses. */
  async #logIn(): Promise<void> {
    this.#underWay ??= this.#attempt().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #attempt(): Promise<void> {
    const { logIn, clock, onLoginFailed } = this.#parts;
    const keytab = this.#keytabState();
    const failure = this.#failure;
    if (failure !== undefined && failure.keytab === keytab && this.#isPausing(failure)) throw failure.error;
    try {
      await this.#withKeys(logIn);
      this.#failure = undefined;
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.#failure = { error, at: clock(), count: (failure?.count ?? 0) + 1, keytab };
      if (failure === undefined) onLoginFailed(error);
      throw error;
    }
  }

  #isPausing({ at, count }: Failure): boolean {
    const pause = Math.min(FIRST_PAUSE * 2 ** (count - 1), LONGEST_PAUSE);
    return Math.abs(this.#parts.clock() - at) < pause;
  }

  async #withKeys<T>(use: (keys: KeytabKeys) => Promise<T>): Promise<T> {
    const keys = await readKeytabKeys(this.#path, this.#parts.principal);
    try {
      return await use(keys);
    } finally {
      for (const key of [...keys.keys, ...keys.before]) key.wipe();
    }
  }

  #keytabState(): string | undefined {
    try {
      return followedFileIdentity(this.#path)?.text;
    } catch {
      return undefined;
    }
  }
}

/** Whether a failure means that the TGT is of no use any more, and another login is. */
export function isLoginOver(error: unknown): boolean {
  if (!(error instanceof KrbError) || error.reason === "KDC_ERR_ETYPE_NOSUPP") return false;
  return error.reason === "KDC_ERR_TGT_REVOKED" || isMendedByTicket(error);
}

/** In the last fifth of its life. */
function isEnding({ tgt, now }: CurrentLogin): boolean {
  return now >= tgt.endtime - (tgt.endtime - tgt.starttime) / 5;
}
