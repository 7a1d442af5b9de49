/**
 * The client: from password to answered call in three RPCs.
 *
 * `login` keeps a TGT in the credential cache; `serviceTicket` keeps a ticket a service; `access` makes one sealed call.
 * The password lives for one `login`. Every failure is a KrbError with the refusal's name and details, or an RpcError.
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AnySchema, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { ApplicationServiceClient } from "../gen/kerberos/v1/application_service_grpc.js";
import { AuthenticationServiceClient } from "../gen/kerberos/v1/authentication_service_grpc.js";
import { KdcOption } from "../gen/kerberos/v1/kdc_pb.js";
import { TicketGrantingServiceClient } from "../gen/kerberos/v1/ticket_granting_service_grpc.js";
import { makeAccessReq, openAccessRep } from "../protocol/access-exchange.js";
import { makeAsReq, openAsRep, type TicketWish } from "../protocol/as-exchange.js";
import type { Credentials } from "../protocol/credentials.js";
import type { KdcReply } from "../protocol/kdc-reply.js";
import { leastOffset } from "../protocol/kerberos-time.js";
import { defaultStringToKey, etypeOf, Key, keyFromPassword } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import {
  krbtgtOf,
  type Principal,
  parsePrincipal,
  principalInRealm,
  realmOf,
} from "../protocol/principal.js";
import { makeTgsReq, openTgsRep } from "../protocol/tgs-exchange.js";
import { RpcError } from "../rpc/rpc-error.js";
import { DEFAULT_KDC, DEFAULT_SERVICE, isLoopbackAddress, type KdcAddresses } from "./addresses.js";
import { type ClientEtypes, followAdvice, type KeyGuess, profileEtypes } from "./client-etypes.js";
import { type CachedLogin, type CredentialCache, memoryCache } from "./credential-cache.js";
import type { ServiceProof } from "./guarded-call-proof.js";

/** What a client is built from; everything has a default. */
export interface KerberosClientOptions {
  /** Where the KDC is; 127.0.0.1:8801 and :8802 by default. */
  readonly kdc?: KdcAddresses | undefined;
  /** TLS to KDC and services; plaintext by default, as Kerberos is made for. */
  readonly credentials?: grpc.ChannelCredentials | undefined;
  /** Where a login is kept; in memory by default. */
  readonly cache?: CredentialCache | undefined;
  /** Encryption types accepted; by default those of `textbook` for a KDC on loopback, of `standard` elsewhere. */
  readonly etypes?: ClientEtypes | undefined;
  /** Time for one RPC, in milliseconds; 10 s by default. */
  readonly timeoutMs?: number | undefined;
  /** The present in milliseconds since the epoch; the system's clock by default. */
  readonly clock?: (() => number) | undefined;
  /** Interceptors of every call, outermost first; they see each message as the Buffer that travels. */
  readonly interceptors?: readonly grpc.Interceptor[] | undefined;
}

/** What may be asked of a ticket. Times are milliseconds. */
export interface TicketOptions {
  /** Wanted life. */
  readonly life?: number | undefined;
  /** Wanted renewable life; absent: not renewable. */
  readonly renewableLife?: number | undefined;
}

/** An operation of a service: its request and the response that answers it. */
export interface OperationTypes<Request extends DescMessage, Response extends DescMessage> {
  readonly request: Request;
  readonly response: Response;
}

/** Where a service is and who it must prove to be. */
export interface ServiceTarget {
  readonly principal: Principal;
  /** `host:port`; 127.0.0.1:8803 by default. */
  readonly address?: string | undefined;
}

/** Tries of one login: the guess, the KDC's advice, and once more with the KDC's clock. */
const MAX_TRIES = 3;

/** How long a renewal of the login that failed is not tried again, in milliseconds. */
const RENEWAL_PAUSE = 60_000;

/** A Kerberos client over gRPC. Channels are opened on first use; `close` ends them. */
export class KerberosClient {
  readonly #kdc: KdcAddresses;
  readonly #channelCredentials: grpc.ChannelCredentials;
  readonly #cache: CredentialCache;
  readonly #etypes: ClientEtypes;
  readonly #timeoutMs: number | undefined;
  readonly #clock: () => number;
  readonly #interceptors: readonly grpc.Interceptor[] | undefined;
  readonly #services = new Map<string, ApplicationServiceClient>();
  /** Tickets asked for and not here yet, by TGT and service. */
  readonly #waiting = new Map<string, Promise<Credentials>>();
  /** The last change of the cache that was begun. */
  #changing: Promise<unknown> = Promise.resolve();
  #renewedAt = Number.NEGATIVE_INFINITY;
  #as: AuthenticationServiceClient | undefined;
  #tgs: TicketGrantingServiceClient | undefined;

  constructor(options: KerberosClientOptions = {}) {
    this.#kdc = options.kdc ?? DEFAULT_KDC;
    this.#channelCredentials = options.credentials ?? grpc.credentials.createInsecure();
    this.#cache = options.cache ?? memoryCache();
    this.#etypes = options.etypes ?? profileEtypes(isLoopbackAddress(this.#kdc.as) ? "textbook" : "standard");
    this.#timeoutMs = options.timeoutMs;
    this.#clock = options.clock ?? Date.now;
    this.#interceptors = options.interceptors;
  }

  /**
   * Logs in with a password: one round trip when the guess of encryption type and salt is right.
   * @param principal `primary/instance@REALM`.
   * @returns the TGT's credentials, which the cache keeps from now on in place of any other login.
   */
  login(principal: string, password: string, options: TicketOptions = {}): Promise<Credentials> {
    return this.#login(parsePrincipal(principal, "principal"), options, ({ etype, stringToKey }) =>
      keyFromPassword(etypeOf(etype), password, stringToKey),
    );
  }

  /** Logs in with long-term keys, such as a keytab's; the caller keeps them. */
  loginWithKeys(principal: string, keys: readonly Key[], options: TicketOptions = {}): Promise<Credentials> {
    const client = parsePrincipal(principal, "principal");
    const held = keys.map(({ etype }) => etype.etype);
    const permitted = this.#etypes.permitted.filter((etype) => held.includes(etype));
    if (permitted[0] === undefined)
      throw new KrbError("KDC_ERR_ETYPE_NOSUPP", "no key of an encryption type this client accepts", {
        held: held.join(" "),
        accepted: this.#etypes.permitted.join(" "),
      });
    const etypes = { permitted: this.#etypes.permitted, first: permitted[0] };
    const keyOf = async ({ etype }: KeyGuess) => {
      const key = keys.find((candidate) => candidate.etype.etype === etype);
      if (key !== undefined) return new Key(key.etype, key.exportBytes());
      throw new KrbError("KDC_ERR_ETYPE_NOSUPP", `no key of encryption type ${etype} at hand`, {
        etype: String(etype),
      });
    };
    return this.#login(client, options, keyOf, etypes);
  }

  /**
   * A ticket for a service: from the cache, or from the TGS, asked once however many callers wait.
   * @throws KrbError KRB_AP_ERR_TKT_EXPIRED when nobody is logged in any more; every refusal of the TGS.
   */
  serviceTicket(service: string, options: TicketOptions = {}): Promise<Credentials> {
    return this.#serviceTicket(parsePrincipal(service, "service"), options);
  }

  /**
   * What calls to a service are authenticated with: a ticket as from `serviceTicket`, and the KDC's clock as far as the
   * login measured it. Renews a renewable login in the last fifth of its life.
   * @param service its principal; the realm may be left out where it is the login's.
   */
  async serviceProof(service: string): Promise<ServiceProof> {
    const { cached, tgt, now } = await this.#tgt();
    await this.#renewInTime(tgt, now);
    const server = principalInRealm(service, realmOf(cached.client), "service");
    const credentials = await this.serviceTicket(server);
    return { credentials, clock: () => this.#clock() + cached.kdcOffset };
  }

  /** Renews the TGT; it must be renewable. The cache keeps the new one and forgets service tickets of the old one. */
  async renew(): Promise<Credentials> {
    const { tgt, now } = await this.#tgt();
    const wish: TicketWish = { etypes: this.#etypes.permitted, options: [KdcOption.RENEW] };
    const { credentials } = await this.#askTgs(tgt, tgt.server, wish, now);
    await this.#changeLogin(tgt, (login) => ({ ...login, credentials: [credentials] }));
    return credentials;
  }

  /**
   * Calls one operation of a service under seal, in one round trip once a ticket is at hand.
   * @throws RpcError with the code of what the operation refused; KrbError of what the service refused;
   *   KRB_AP_ERR_MUT_FAIL when the service could not prove itself.
   */
  async access<Request extends DescMessage, Response extends DescMessage>(
    target: ServiceTarget,
    operation: OperationTypes<Request, Response>,
    init: MessageInitShape<Request>,
  ): Promise<MessageShape<Response>> {
    const credentials = await this.serviceTicket(target.principal);
    const message = anyPack(operation.request, create(operation.request, init));
    const { request, pending } = makeAccessReq(
      credentials,
      toBinary(AnySchema, message),
      await this.#kdcNow(),
    );
    const response = await this.#service(target.address ?? DEFAULT_SERVICE).access(request);
    return readAnswer(openAccessRep(response, pending), operation.response);
  }

  /** Who is logged in, and with what; undefined: nobody. */
  cached(): ReturnType<CredentialCache["load"]> {
    return this.#cache.load();
  }

  /** Forgets the login: keys are overwritten. False when nobody was logged in. */
  logout(): Promise<boolean> {
    return this.#inTurn(() => this.#cache.destroy());
  }

  /** Closes the channels; the login stays in its cache. */
  close(): void {
    this.#as?.close();
    this.#tgs?.close();
    for (const client of this.#services.values()) client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #login(
    client: Principal,
    options: TicketOptions,
    keyOf: (guess: KeyGuess) => Promise<Key>,
    etypes: ClientEtypes = this.#etypes,
  ): Promise<Credentials> {
    let guess: KeyGuess = { etype: etypes.first, stringToKey: defaultStringToKey(client) };
    let offset = 0;
    for (let tries = 1; ; tries++) {
      const key = await keyOf(guess);
      const sentAt = this.#clock();
      const now = sentAt + offset;
      try {
        const request = makeAsReq(client, this.#wish(options, now), key, now);
        const response = await this.#authentication().authenticate(request);
        const receivedAt = this.#clock();
        const { credentials, kdcOffset } = openAsRep(response, request, key, receivedAt);
        await this.#keepLogin(credentials, leastOffset(kdcOffset, receivedAt - sentAt));
        return credentials;
      } catch (error) {
        if (!(error instanceof KrbError) || tries >= MAX_TRIES) throw error;
        const measured = error.reason === "KRB_AP_ERR_SKEW" ? Number(error.details.offset_ms) : Number.NaN;
        const next = error.etypeInfo && followAdvice(error.etypeInfo, guess, etypes.permitted);
        if (Number.isSafeInteger(measured) && measured !== 0 && offset === 0) offset = -measured;
        else if (next !== undefined) guess = next;
        else throw error;
      } finally {
        key.wipe();
      }
    }
  }

  /** One call renews, those beside it go on with the old ticket; a KDC that is away is asked again after a minute. */
  async #renewInTime(tgt: Credentials, now: number): Promise<void> {
    const renewable = tgt.renewTill !== undefined && tgt.renewTill > tgt.endtime;
    if (!renewable || now < tgt.endtime - (tgt.endtime - tgt.starttime) / 5) return;
    if (Math.abs(now - this.#renewedAt) < RENEWAL_PAUSE) return;
    this.#renewedAt = now;
    // The old ticket is good for the call at hand, whatever became of the renewal.
    await this.renew().catch(() => {});
  }

  async #serviceTicket(server: Principal, options: TicketOptions): Promise<Credentials> {
    const { tgt, now, cached } = await this.#tgt();
    const kept = cached.credentials.find(
      (candidate) => candidate.server === server && candidate.endtime > now,
    );
    if (kept !== undefined) return kept;
    // By TGT, too: whoever logs in meanwhile does not get another's ticket.
    const name = `${Buffer.from(tgt.ticket).toString("base64")} ${server}`;
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) return waiting;
    const asked = this.#newTicket(tgt, server, this.#wish(options, now), now);
    this.#waiting.set(name, asked);
    try {
      return await asked;
    } finally {
      this.#waiting.delete(name);
    }
  }

  async #newTicket(tgt: Credentials, server: Principal, wish: TicketWish, now: number): Promise<Credentials> {
    const { credentials } = await this.#askTgs(tgt, server, wish, now);
    await this.#changeLogin(tgt, (login) => {
      const others = login.credentials.filter((candidate) => candidate.server !== server);
      return { ...login, credentials: [...others, credentials] };
    });
    return credentials;
  }

  async #askTgs(tgt: Credentials, server: Principal, wish: TicketWish, now: number): Promise<KdcReply> {
    const { request, pending } = makeTgsReq(tgt, server, wish, now);
    const response = await this.#ticketGranting().grantTicket(request);
    return openTgsRep(response, pending, this.#clock());
  }

  async #tgt() {
    const cached = await this.#cache.load();
    if (cached === undefined) throw notLoggedIn("nobody is logged in");
    const now = this.#clock() + cached.kdcOffset;
    const server = krbtgtOf(realmOf(cached.client));
    const tgt = cached.credentials.find((candidate) => candidate.server === server);
    if (tgt === undefined) throw notLoggedIn("the credential cache holds no ticket-granting ticket");
    if (tgt.endtime <= now) throw notLoggedIn(`the login ended at ${new Date(tgt.endtime).toISOString()}`);
    return { cached, tgt, now };
  }

  #keepLogin(credentials: Credentials, kdcOffset: number): Promise<void> {
    const login = { client: credentials.client, kdcOffset, credentials: [credentials] };
    return this.#inTurn(() => this.#cache.store(login));
  }

  /** Changes the login that a TGT belongs to; where another or none has taken its place, nothing is kept. */
  #changeLogin(tgt: Credentials, change: (login: CachedLogin) => CachedLogin): Promise<void> {
    return this.#inTurn(async () => {
      const login = await this.#cache.load();
      const held = login?.credentials.some(({ ticket }) => Buffer.compare(ticket, tgt.ticket) === 0);
      if (login !== undefined && held === true) await this.#cache.store(change(login));
    });
  }

  /** Runs changes of the cache one after the other, so that none overwrites what another has just kept. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#changing.then(change);
    this.#changing = turn.catch(() => {});
    return turn;
  }

  /** The KDC's time, as far as the login measured it. */
  async #kdcNow(): Promise<number> {
    return this.#clock() + ((await this.#cache.load())?.kdcOffset ?? 0);
  }

  #wish({ life, renewableLife }: TicketOptions, now: number): TicketWish {
    return {
      etypes: this.#etypes.permitted,
      till: life === undefined ? undefined : now + life,
      renewTill: renewableLife === undefined ? undefined : now + renewableLife,
      options: renewableLife === undefined ? [] : [KdcOption.RENEWABLE],
    };
  }

  #authentication(): AuthenticationServiceClient {
    this.#as ??= new AuthenticationServiceClient(
      this.#kdc.as,
      this.#channelCredentials,
      this.#clientOptions(),
    );
    return this.#as;
  }

  #ticketGranting(): TicketGrantingServiceClient {
    this.#tgs ??= new TicketGrantingServiceClient(
      this.#kdc.tgs,
      this.#channelCredentials,
      this.#clientOptions(),
    );
    return this.#tgs;
  }

  #service(address: string): ApplicationServiceClient {
    const existing = this.#services.get(address);
    if (existing !== undefined) return existing;
    const made = new ApplicationServiceClient(address, this.#channelCredentials, this.#clientOptions());
    this.#services.set(address, made);
    return made;
  }

  /** No retries below: a retry would carry the same authenticator, and be refused as a replay. */
  #clientOptions() {
    return {
      timeoutMs: this.#timeoutMs,
      interceptors: this.#interceptors,
      channelOptions: { "grpc.enable_retries": 0 },
    };
  }
}

/** The response under seal, or the refusal in its place. Throws RpcError. */
function readAnswer<Response extends DescMessage>(
  bytes: Uint8Array,
  schema: Response,
): MessageShape<Response> {
  const { refusal, response, typeUrl } = unpackAnswer(bytes, schema);
  if (refusal !== undefined) throw new RpcError(refusal.code, refusal.message);
  if (response === undefined)
    throw new RpcError(grpc.status.INTERNAL, `the service answered with ${typeUrl}`);
  return response;
}

function unpackAnswer<Response extends DescMessage>(bytes: Uint8Array, schema: Response) {
  try {
    const answer = fromBinary(AnySchema, bytes);
    const { typeUrl } = answer;
    return { typeUrl, refusal: anyUnpack(answer, StatusSchema), response: anyUnpack(answer, schema) };
  } catch (cause) {
    throw new RpcError(grpc.status.INTERNAL, `the service's answer is no ${schema.typeName}`, { cause });
  }
}

function notLoggedIn(what: string): KrbError {
  return new KrbError("KRB_AP_ERR_TKT_EXPIRED", `${what}; log in first`);
}
