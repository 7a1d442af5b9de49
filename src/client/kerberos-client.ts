/**
 * The client: from password to answered call in three RPCs.
 *
 * `login` keeps a TGT in the credential cache; `serviceTicket` keeps one ticket for each service; `access`
 * makes one sealed call. A password is kept for one `login`, no longer. Every failure is a KrbError with the
 * refusal's name and details, or an RpcError.
 */

import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { visible } from "../errors/visible-text.js";
import { makeAccessReq, openAccessRep } from "../protocol/access-exchange.js";
import type { Credentials } from "../protocol/credentials.js";
import type { TicketWish } from "../protocol/kdc-request.js";
import type { Key } from "../protocol/keys.js";
import { type Principal, parsePrincipal, principalInRealm, realmOf } from "../protocol/principal.js";
import { DEFAULT_TIMEOUT_MS } from "../rpc/client-runtime.js";
import { DEFAULT_ADDRESSES } from "../rpc/default-addresses.js";
import { type ClientEtypes, profileEtypes } from "./client-etypes.js";
import { ClockCorrection } from "./clock-correction.js";
import { isTimeRefused } from "./clock-offset.js";
import { Connections, channelsWith } from "./connections.js";
import { type CachedLogin, memoryCache } from "./credential-cache.js";
import { isMendedByTicket } from "./guard/refused-ticket.js";
import type { ServiceProof } from "./guard/tickets.js";
import { KdcExchanges } from "./kdc/exchanges.js";
import { type CurrentLogin, KeptLogin } from "./kept-login.js";
import {
  checkClientOptions,
  checkTarget,
  checkTicketOptions,
  type KerberosClientOptions,
  type ServiceTarget,
  type TicketOptions,
} from "./kerberos-client-options.js";
import type { KeytabKeys } from "./keytab.js";
import { isLoginOver, KeytabLogin } from "./keytab-login.js";
import { Logins } from "./logins.js";
import { type OperationTypes, readAnswer } from "./operation-answer.js";
import { TicketGranting } from "./ticket-granting.js";
import { ticketWish } from "./ticket-wish.js";
import { traceOfEnvironment } from "./trace/environment.js";
import { traceCalls } from "./trace/trace-calls.js";
import type { TraceSink } from "./trace/trace-event.js";

/** How long to wait after a failed renewal of the login before the next one, in milliseconds. */
const RENEWAL_PAUSE = 60_000;

/** A Kerberos client over gRPC. Channels are opened on first use; `close` ends them. */
export class KerberosClient {
  readonly #login: KeptLogin;
  readonly #logins: Logins;
  readonly #connections: Connections;
  readonly #tickets: TicketGranting;
  readonly #correction: ClockCorrection;
  /** Logs in by itself; undefined: whoever uses the client does. */
  readonly #keytab: KeytabLogin | undefined;
  readonly #etypes: ClientEtypes;
  readonly #clock: () => number;
  /** @internal Told of its calls, and of those that its tickets are on. */
  readonly trace: TraceSink | undefined;
  #renewedAt = Number.NEGATIVE_INFINITY;

  /** @throws TypeError naming an option that there is not. */
  constructor(options: KerberosClientOptions = {}) {
    checkClientOptions(options);
    const kdc = options.kdc ?? DEFAULT_ADDRESSES;
    const {
      timeoutMs = DEFAULT_TIMEOUT_MS,
      interceptors = [],
      trace = traceOfEnvironment(),
      credentials = grpc.credentials.createInsecure(),
      transport = channelsWith(credentials),
    } = options;
    this.#clock = options.clock ?? Date.now;
    this.#login = new KeptLogin(options.cache ?? memoryCache(), this.#clock, options.onUnkept ?? warnUnkept);
    this.trace = trace;
    const traced = trace === undefined ? interceptors : [...interceptors, traceCalls(trace)];
    this.#connections = new Connections(transport, { timeoutMs, interceptors: traced });
    this.#etypes = options.etypes ?? profileEtypes("standard");
    const kdcs = new KdcExchanges({ kdc, connections: this.#connections, timeoutMs, clock: this.#clock });
    const common = { kdcs, login: this.#login, clock: this.#clock };
    this.#logins = new Logins({ ...common, etypes: this.#etypes, advice: options.advice, timeoutMs });
    this.#tickets = new TicketGranting(common);
    const measure = (server: Principal, current: CurrentLogin) =>
      this.#tickets.newTicket(server, (now) => this.#wish({}, now), current, "always");
    this.#correction = new ClockCorrection(measure, this.#clock);
    const { keytab, principal, onLoginFailed = warnLoginFailed } = options;
    if (keytab !== undefined)
      this.#keytab = new KeytabLogin({
        keytab,
        principal,
        login: this.#login,
        logIn: (keys) => this.loginWithKeytab(keys),
        clock: this.#clock,
        onLoginFailed,
      });
  }

  /**
   * Logs in with a password: one round trip when the guess of encryption type and salt is right.
   * @param principal `primary/instance@REALM`.
   * @param password as typed. New keys are made from its normal form (RFC 8265's OpaqueString), which is
   *   tried first; where the text differs from it and the KDC refuses, the text itself is tried.
   * @returns the TGT's credentials, which the cache keeps from now on in place of any other login.
   */
  login(principal: string, password: string, options: TicketOptions = {}): Promise<Credentials> {
    return this.#logins.withPassword(principal, password, options);
  }

  /** Logs in with long-term keys, one for each encryption type; the caller keeps them. */
  loginWithKeys(principal: string, keys: readonly Key[], options: TicketOptions = {}): Promise<Credentials> {
    return this.#logins.withKeys(principal, keys, options);
  }

  /**
   * Logs in with the keys of a keytab, as `readKeytabKeys` gives them. Where the KDC refuses the newest, the
   * version before is tried: a keytab is ahead of its realm where `ktadd` was cut off between the two.
   */
  loginWithKeytab(keys: KeytabKeys, options: TicketOptions = {}): Promise<Credentials> {
    return this.#logins.withKeytab(keys, options);
  }

  /**
   * A ticket for a service: from the cache, or from the TGS, which is asked once however many callers wait.
   * @throws KrbError KRB_AP_ERR_TKT_EXPIRED when nobody is logged in any more; every refusal of the TGS.
   */
  async serviceTicket(service: string, options: TicketOptions = {}): Promise<Credentials> {
    checkTicketOptions("serviceTicket", options);
    const server = parsePrincipal(service, "service");
    const wish = (now: number) => this.#wish(options, now);
    return this.#whileLoggedIn(async (current) => {
      return (await this.#tickets.ticketFor(server, wish, current)).credentials;
    });
  }

  /**
   * What calls to a service are authenticated with: a ticket as from `serviceTicket`, and the KDC's clock as
   * far as the login measured it. Renews a renewable login in the last fifth of its life.
   * @param service its principal; the realm may be left out where it is the login's.
   */
  async serviceProof(service: string): Promise<ServiceProof> {
    return this.#whileLoggedIn(async (found) => {
      const current = this.#isToBeRenewed(found) ? await this.#renewed(found) : found;
      return this.#proofOf(principalInRealm(service, realmOf(current.login.client), "service"), current);
    });
  }

  /**
   * Told that a service found the time of a proof wrong: measures the KDC's clock anew, by the TGS's sealed
   * reply. At most once in ten seconds: anybody may have made the refusal.
   * @returns whether a proof made now bears another time; false where the proof went by the KDC's clock.
   * @throws KrbError KRB_AP_ERR_SKEW where the KDC does not take the client's time either.
   */
  async correctClock({ credentials: { server }, clock }: ServiceProof): Promise<boolean> {
    return this.#correction.correct(server, clock() - this.#clock(), await this.#login.current());
  }

  /**
   * Forgets a service ticket that its service refused, so that the TGS is asked for another; the login stays.
   * At most once in ten seconds for each service: anybody may have made the refusal, and where the next
   * ticket is refused too, a third would be.
   */
  async forgetTicket(ticket: Credentials): Promise<void> {
    await this.#tickets.forget(ticket, await this.#login.current());
  }

  /**
   * Renews the TGT; it must be renewable. The cache keeps the new one and forgets the service tickets of the
   * old one.
   */
  async renew(): Promise<Credentials> {
    return this.#whileLoggedIn((current) => this.#tickets.renew((now) => this.#wish({}, now), current));
  }

  /**
   * Calls one operation of a service under seal, in one round trip once a ticket is at hand. A ticket that
   * the service can't use is forgotten, so that the next call gets another. Where the service finds the clock
   * wrong, and the KDC's is by now another than at login, the call is made once more.
   * @throws RpcError with the code of what the operation refused; KrbError as the service refuses;
   *   KRB_AP_ERR_MUT_FAIL when the service could not prove itself.
   */
  async access<Request extends DescMessage, Response extends DescMessage>(
    target: ServiceTarget,
    operation: OperationTypes<Request, Response>,
    init: MessageInitShape<Request>,
  ): Promise<MessageShape<Response>> {
    checkTarget(target);
    const server = parsePrincipal(target.principal, "service");
    const message = toBinary(AnySchema, anyPack(operation.request, create(operation.request, init)));
    const access = (proof: ServiceProof) => this.#access(target, message, proof);
    const prove = () => this.#whileLoggedIn((current) => this.#proofOf(server, current));
    const proof = await prove();
    const answer = await access(proof).catch(async (error: unknown) => {
      if (!isTimeRefused(error) || !(await this.correctClock(proof))) throw error;
      return access(await prove());
    });
    return readAnswer(answer, operation.response);
  }

  /** Who is logged in, and with which credentials; undefined: nobody. */
  cached(): Promise<CachedLogin | undefined> {
    return this.#login.load();
  }

  /** Forgets the login: keys are overwritten. False when nobody was logged in. */
  logout(): Promise<boolean> {
    return this.#login.destroy();
  }

  /**
   * Closes the channels; the login stays in its cache. What asks a server afterwards ends with RpcError
   * CANCELLED.
   */
  close(): void {
    this.#connections.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Does something with the login. Where a keytab keeps it up and the KDC takes its TGT no more, once more
   * with the next one.
   */
  async #whileLoggedIn<T>(use: (current: CurrentLogin) => Promise<T>): Promise<T> {
    const keytab = this.#keytab;
    if (keytab === undefined) return use(await this.#login.current());
    const current = await keytab.current();
    try {
      return await use(current);
    } catch (error) {
      if (!isLoginOver(error) || !(await keytab.replace(current.tgt))) throw error;
      return use(await keytab.current());
    }
  }

  #isToBeRenewed({ tgt, now }: CurrentLogin): boolean {
    if (this.#keytab !== undefined) return false;
    const renewable = tgt.renewTill !== undefined && tgt.renewTill > tgt.endtime;
    if (!renewable || now < tgt.endtime - (tgt.endtime - tgt.starttime) / 5) return false;
    return Math.abs(now - this.#renewedAt) >= RENEWAL_PAUSE;
  }

  /**
   * One call renews, and those beside it go on with the old ticket; a KDC that does not answer is asked again
   * after a minute.
   */
  async #renewed({ now }: CurrentLogin): Promise<CurrentLogin> {
    this.#renewedAt = now;
    // The old ticket is good enough for the call at hand, whatever came of the renewal.
    await this.renew().catch(() => {});
    return this.#login.current();
  }

  async #proofOf(server: Principal, current: CurrentLogin): Promise<ServiceProof> {
    const wish = (now: number) => this.#wish({}, now);
    const { credentials, kdcOffset } = await this.#tickets.ticketFor(server, wish, current);
    return { credentials, clock: () => this.#clock() + kdcOffset };
  }

  /** One sealed call. */
  async #access({ address = DEFAULT_ADDRESSES.v }: ServiceTarget, message: Uint8Array, proof: ServiceProof) {
    const { credentials, clock } = proof;
    const { request, pending } = makeAccessReq(credentials, message, clock());
    const service = this.#connections.application(address);
    const response = await service.access(request).catch(async (error: unknown) => {
      // The refusal is what the caller must learn, whatever becomes of the cache.
      if (isMendedByTicket(error)) await this.forgetTicket(credentials).catch(() => {});
      throw error;
    });
    return openAccessRep(response, pending);
  }

  #wish(options: TicketOptions, now: number): TicketWish {
    return ticketWish(this.#etypes, options, now);
  }
}

function warnUnkept({ message }: Error): void {
  process.emitWarning(visible(`a ticket is used and not kept: ${message}`), "TesseraWarning");
}

function warnLoginFailed({ message }: Error): void {
  process.emitWarning(visible(`the login with the keytab failed: ${message}`), "TesseraWarning");
}
