/** The ways to log in: with a password, with keys, with a keytab. What comes of it is kept as the login. */
import type { Credentials } from "../protocol/credentials.js";
import { etypeOf } from "../protocol/etypes.js";
import { type Key, keyFromPassword } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { passwordForms } from "../protocol/passwords.js";
import { type Principal, parsePrincipal, realmOf } from "../protocol/principal.js";
import { traced } from "../rpc/tracing.js";
import type { AdviceMemory } from "./advice-file.js";
import type { ClientEtypes } from "./client-etypes.js";
import type { KdcExchanges } from "./kdc/exchanges.js";
import type { KeptLogin } from "./kept-login.js";
import { checkTicketOptions, type TicketOptions } from "./kerberos-client-options.js";
import type { KeyMaker } from "./key-pace.js";
import type { KeytabKeys } from "./keytab.js";
import { keysAtHand, type LoginParts, type ObtainedTgt, obtainTgt } from "./login.js";
import { ticketWish } from "./ticket-wish.js";

/** What a client logs in with. */
export interface LoginsParts {
  readonly kdcs: KdcExchanges;
  readonly login: KeptLogin;
  readonly etypes: ClientEtypes;
  readonly advice: AdviceMemory | undefined;
  readonly clock: () => number;
  /** How long making a key may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** The logins of one client. Each throws as `obtainTgt`. */
export class Logins {
  readonly #parts: LoginsParts;

  constructor(parts: LoginsParts) {
    this.#parts = parts;
  }

  /** Logs in with a password, and remembers how its key was made. */
  async withPassword(principal: string, password: string, options: TicketOptions): Promise<Credentials> {
    const { advice, etypes } = this.#parts;
    const keyMakerOf =
      (text: string): KeyMaker =>
      ({ etype, stringToKey }) =>
        keyFromPassword(etypeOf(etype), text, stringToKey);
    const [prepared, ...asTyped] = passwordForms(password);
    const keyMakers = [keyMakerOf(prepared), ...asTyped.map(keyMakerOf)] as const;
    const client = parsePrincipal(principal, "principal");
    const remembered = await advice?.recall(client);
    const { credentials, guess } = await this.#logIn(client, { keyMakers, etypes, remembered }, options);
    await advice?.remember(client, guess);
    return credentials;
  }

  /** Logs in with long-term keys, one for each encryption type; the caller keeps them. */
  async withKeys(principal: string, keys: readonly Key[], options: TicketOptions): Promise<Credentials> {
    const client = parsePrincipal(principal, "principal");
    return (await this.#logIn(client, keysAtHand(keys, this.#parts.etypes), options)).credentials;
  }

  /** Logs in with the keys of a keytab: the newest, or those before it where the KDC refuses these. */
  async withKeytab({ principal, keys, before }: KeytabKeys, options: TicketOptions): Promise<Credentials> {
    try {
      return await this.withKeys(principal, keys, options);
    } catch (error) {
      const refused = error instanceof KrbError && error.reason === "KDC_ERR_PREAUTH_FAILED";
      if (!refused || before.length === 0) throw error;
      return await this.withKeys(principal, before, options).catch(() => {
        throw error;
      });
    }
  }

  async #logIn(
    client: Principal,
    keys: Pick<LoginParts, "keyMakers" | "etypes" | "remembered">,
    options: TicketOptions,
  ): Promise<ObtainedTgt> {
    checkTicketOptions("login", options);
    return traced("tessera.login", () => this.#obtain(client, keys, options));
  }

  async #obtain(
    client: Principal,
    keys: Pick<LoginParts, "keyMakers" | "etypes" | "remembered">,
    options: TicketOptions,
  ): Promise<ObtainedTgt> {
    const { kdcs, login, etypes, clock, timeoutMs } = this.#parts;
    const obtained = await obtainTgt(client, {
      ...keys,
      authenticate: (attempt) => kdcs.authenticate(realmOf(client), attempt),
      wish: (now) => ticketWish(etypes, options, now),
      clock,
      timeoutMs,
    });
    const { credentials, kdcOffset } = obtained;
    await login.replace({ client, kdcOffset, credentials: [credentials] });
    return obtained;
  }
}
