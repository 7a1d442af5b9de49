/**
 * The AS exchange (RFC 4120 §3.1), both halves: a password becomes a ticket-granting ticket.
 *
 *   client  makeAsReq ──(1) AuthenticateRequest──▶ issueTgt  AS
 *   client  openAsRep ◀─(2) AuthenticateResponse──
 */
import { create } from "@bufbuild/protobuf";
import type { RandomSource } from "../crypto/encryption-type.js";
import { systemRandom } from "../crypto/random.js";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
  type AuthenticateResponse,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import type { KdcOption } from "../gen/kerberos/v1/kdc_pb.js";
import { TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";
import { type KdcReply, makeEncKdcRepPart, modified, readKdcReply } from "./kdc-reply.js";
import { malformed, NONCE_SIZE, readKdcRequest, ticketLife } from "./kdc-request.js";
import { toTimestamp } from "./kerberos-time.js";
import { KeyUsage } from "./key-usage.js";
import { etypeOf, type Key, type LongTermKey, randomKey } from "./keys.js";
import { KrbError } from "./krb-error.js";
import { AS_RULES, applyRules, type RealmPolicy } from "./policy.js";
import {
  clientUnknown,
  etypeInfoOf,
  makeEncTimestamp,
  preauthFailed,
  verifyEncTimestamp,
} from "./pre-authentication.js";
import { krbtgtOf, type Principal, parsePrincipal, realmOf } from "./principal.js";
import { currentKeys, type PrincipalEntry } from "./principal-entry.js";
import { strongestCommon } from "./profile.js";
import { sealToBytes, unsealFromBytes } from "./sealed-part.js";
import { makeTicket, type TicketContents } from "./ticket.js";

/** What a client asks of the KDC besides the service. Times are milliseconds since the epoch. */
export interface TicketWish {
  /** Encryption types the client accepts, best first: also its floor. */
  readonly etypes: readonly number[];
  readonly till?: number | undefined;
  readonly renewTill?: number | undefined;
  readonly options?: readonly KdcOption[] | undefined;
}

/** Message (1): asks for a TGT, with the proof of `key` along if there is one. */
export function makeAsReq(
  client: Principal,
  wish: TicketWish,
  key: Key | undefined,
  now: number,
  random: RandomSource = systemRandom,
): AuthenticateRequest {
  const nonce = random(NONCE_SIZE);
  const request = create(AuthenticateRequestSchema, {
    client,
    nonce,
    etypes: [...wish.etypes],
    options: [...(wish.options ?? [])],
    padata: key === undefined ? [] : [makeEncTimestamp(key, nonce, now, random)],
  });
  if (wish.till !== undefined) request.till = toTimestamp(wish.till);
  if (wish.renewTill !== undefined) request.renewTill = toTimestamp(wish.renewTill);
  return request;
}

/** Everything the AS decides from, fetched before. */
export interface AsContext {
  /** The client's entry; undefined: no such principal, which the client must not notice. */
  readonly client: PrincipalEntry | undefined;
  /** The entry of the realm's TGS. */
  readonly krbtgt: PrincipalEntry;
  /** Keys that stand in for an unknown client's, one for each etype of the policy's `keyEtypes`. */
  readonly decoyKeys: readonly LongTermKey[];
  readonly policy: RealmPolicy;
}

/** A ticket was issued: the reply, and what the audit line says of it. */
export interface IssuedTicket<Response> {
  readonly response: Response;
  readonly ticket: TicketContents;
  /** Encryption type of the key the reply is sealed under, of the ticket, and of the session key. */
  readonly etypes: { readonly reply: number; readonly ticket: number; readonly session: number };
}

/** Reads the names of an AS-REQ, for the look-up that comes before `issueTgt`. Throws as `parsePrincipal`. */
export function readAsReqClient(request: AuthenticateRequest): Principal {
  if (request.client === "") throw malformed("client", "required");
  return parsePrincipal(request.client, "client");
}

/**
 * Message (2): checks the request and the client's proof, and issues a TGT.
 * @throws KrbError of every refusal of `AuthenticationService.Authenticate`. An unknown client is refused with
 *   KDC_ERR_C_PRINCIPAL_UNKNOWN after the same work as a wrong password, for the log alone to tell apart.
 */
export function issueTgt(
  request: AuthenticateRequest,
  context: AsContext,
  now: number,
  random: RandomSource = systemRandom,
): IssuedTicket<AuthenticateResponse> {
  const { policy, krbtgt } = context;
  const principal = readAsReqClient(request);
  const asked = readKdcRequest(request, "request");
  const tgs = krbtgtOf(policy.realm);
  const server = request.server === "" ? tgs : parsePrincipal(request.server, "server");
  checkRealm(principal, policy.realm);

  const client = context.client ?? decoyEntry(principal, context.decoyKeys);
  const permitted = currentKeys(client).filter(({ key }) => policy.permittedEtypes.includes(key.etype.etype));
  const info = () => etypeInfoOf(client, permitted, policy.iterations);
  const failed = () => (context.client === undefined ? clientUnknown(info()) : preauthFailed(info()));
  const { clockSkew } = policy;
  const replyKey = verifyEncTimestamp(request.padata, asked.nonce, permitted, info, failed, clockSkew, now);
  if (context.client === undefined) throw clientUnknown(info());
  applyRules(AS_RULES, { client, server, times: asked.times, policy, now });

  const replyEtype = replyKey.key.etype.etype;
  if (!asked.etypes.includes(replyEtype)) throw noCommonEtype(asked.etypes, [replyEtype]);
  const tgsKey = ticketKey(krbtgt, policy);
  const sessionEtype = sessionKeyEtype(asked.etypes, krbtgt, policy);
  // Fields one by one, here and below: spreading an object costs more than a hash.
  const { endtime, renewTill } = ticketLife({
    times: asked.times,
    options: asked.options,
    now,
    maxLives: [policy.maxLife, client.maxLife, krbtgt.maxLife],
    maxRenewableLives: [policy.maxRenewableLife, client.maxRenewableLife, krbtgt.maxRenewableLife],
  });
  if (endtime <= now)
    throw new KrbError("KDC_ERR_NEVER_VALID", "a ticket would have no life; ask the realm's operator");
  const ticket: TicketContents = {
    client: principal,
    server: tgs,
    sessionKey: randomKey(etypeOf(sessionEtype), random),
    flags: [
      TicketFlag.INITIAL,
      TicketFlag.PRE_AUTHENT,
      ...(renewTill === undefined ? [] : [TicketFlag.RENEWABLE]),
    ],
    authtime: now,
    starttime: now,
    endtime,
    renewTill,
    addresses: [],
    authorizationData: [],
  };
  const part = makeEncKdcRepPart(ticket, asked, now, client.passwordExpiresAt);
  const sealing = { key: replyKey.key, kvno: replyKey.kvno, usage: KeyUsage.AS_REP };
  const response: AuthenticateResponse = {
    $typeName: "kerberos.v1.AuthenticateResponse",
    client: principal,
    ticket: makeTicket(ticket, tgsKey, random),
    encPart: sealToBytes(sealing, "encAsRepPart", part, random),
  };
  return {
    response,
    ticket,
    etypes: { reply: replyEtype, ticket: tgsKey.key.etype.etype, session: sessionEtype },
  };
}

/**
 * Opens message (2) and compares it with message (1) (RFC 4120 §3.1.5). The password's key is not needed afterwards.
 * @throws KrbError KRB_AP_ERR_BAD_INTEGRITY when the key does not open it; KRB_AP_ERR_MODIFIED and
 *   KDC_ERR_ETYPE_NOSUPP when it does not answer `request`.
 */
export function openAsRep(
  response: AuthenticateResponse,
  request: AuthenticateRequest,
  key: Key,
  now: number,
): KdcReply {
  const client = readAsReqClient(request);
  if (response.client !== client) throw modified("client");
  const part = unsealFromBytes(
    { key, usage: KeyUsage.AS_REP },
    "encAsRepPart",
    response.encPart,
    "enc_part",
    () =>
      new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "the AS's reply can't be opened with this key", {
        part: "reply",
      }),
  );
  const asked = { client, server: krbtgtOf(realmOf(client)), request: readKdcRequest(request, "request") };
  const reply = readKdcReply(part, response.ticket, asked, now);
  const { flags } = reply.credentials;
  if (!flags.includes(TicketFlag.INITIAL) || !flags.includes(TicketFlag.PRE_AUTHENT)) throw modified("flags");
  return reply;
}

/** Makes the keys that stand in for an unknown client's: one for each etype new principals get. */
export function makeDecoyKeys(policy: RealmPolicy, random: RandomSource = systemRandom): LongTermKey[] {
  return policy.keyEtypes.map((etype) => ({ kvno: 1, key: randomKey(etypeOf(etype), random) }));
}

/** The key a service's tickets are sealed under: its strongest, never one the client chose. */
export function ticketKey(service: PrincipalEntry, policy: RealmPolicy): LongTermKey {
  const keys = currentKeys(service);
  const held = keys.map(({ key }) => key.etype.etype);
  const etype = strongestCommon(held, policy.permittedEtypes);
  const found = keys.find(({ key }) => key.etype === etype);
  if (found === undefined) throw noCommonEtype(policy.permittedEtypes, held);
  return found;
}

/**
 * The encryption type of a session key: the strongest that client, service and realm permit.
 * @throws KrbError KDC_ERR_ETYPE_NOSUPP when there is none.
 */
export function sessionKeyEtype(
  asked: readonly number[],
  service: PrincipalEntry,
  policy: RealmPolicy,
): number {
  const held = currentKeys(service).map(({ key }) => key.etype.etype);
  const etype = strongestCommon(asked, held, policy.permittedEtypes);
  if (etype === undefined) throw noCommonEtype(asked, held);
  return etype.etype;
}

function noCommonEtype(asked: readonly number[], held: readonly number[]): KrbError {
  return new KrbError(
    "KDC_ERR_ETYPE_NOSUPP",
    "no encryption type that client, service and realm all permit",
    {
      asked: asked.join(" "),
      held: held.join(" "),
    },
  );
}

function checkRealm(client: Principal, realm: string): void {
  if (realmOf(client) !== realm)
    throw new KrbError(
      "KDC_ERR_WRONG_REALM",
      `this is realm ${realm}; ${realmOf(client)} has a KDC of its own`,
      {
        asked: realmOf(client),
        realm,
      },
    );
}

/** What the AS works with for a client that does not exist: shaped like a principal made today. */
function decoyEntry(principal: Principal, keys: readonly LongTermKey[]): PrincipalEntry {
  return {
    principal,
    keys,
    stringToKey: new Map(),
    passwordKeyed: true,
    disabled: false,
    expiresAt: undefined,
    passwordExpiresAt: undefined,
    maxLife: undefined,
    maxRenewableLife: undefined,
    createdAt: 0,
    modifiedAt: 0,
    keysChangedAt: 0,
  };
}
