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
import { TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";
import type { AsClient } from "./decoy.js";
import { type KdcReply, makeEncKdcRepPart, modified, openKdcReply } from "./kdc-reply.js";
import { kdcRequestFields, readKdcRequest, type TicketWish } from "./kdc-request.js";
import { type IssuedTicket, noCommonEtype, sessionKeyEtype, ticketKey, ticketLife } from "./kdc-ticket.js";
import { KeyUsage } from "./key-usage.js";
import { type Key, randomKey } from "./keys.js";
import { KrbError, malformed } from "./krb-error.js";
import { AS_RULES, applyRules, type RealmPolicy } from "./policy.js";
import { etypeInfoOf, makeEncTimestamp, verifyEncTimestamp, wrongProof } from "./pre-authentication.js";
import { krbtgtOf, type Principal, parsePrincipal, realmOf } from "./principal.js";
import { currentKeys, type PrincipalEntry } from "./principal-entry.js";
import { sealToBytes } from "./sealed-part.js";
import { makeTicket, type TicketContents } from "./ticket.js";

/**
 * Message (1): asks for a TGT, and proves the client with `key` if there is one. `now` is in milliseconds
 * since the epoch.
 */
export function makeAsReq(
  client: Principal,
  wish: TicketWish,
  key: Key | undefined,
  now: number,
  random: RandomSource = systemRandom,
): AuthenticateRequest {
  const asked = kdcRequestFields(wish, random);
  const padata = key === undefined ? [] : [makeEncTimestamp(key, asked.nonce, now, random)];
  return create(AuthenticateRequestSchema, { client, padata, ...asked });
}

/** Everything the AS decides from, fetched beforehand. */
export interface AsContext {
  readonly client: AsClient;
  /** The entry of the realm's TGS. */
  readonly krbtgt: PrincipalEntry;
  readonly policy: RealmPolicy;
  /** Whether a refusal is made known to nobody: then it is always the same one, which costs next to nothing. */
  readonly isTentative?: boolean;
}

/** What a tentative exchange is refused with for a wrong proof. */
const NOT_PROVEN = wrongProof(false, undefined);

/** The client that an AS-REQ names, to be looked up before `issueTgt`. Throws as `parsePrincipal`. */
export function readAsReqClient(request: AuthenticateRequest): Principal {
  if (request.client === "") throw malformed("client", "required");
  return parsePrincipal(request.client, "client");
}

/**
 * Message (2): checks the request and the client's proof, and issues a TGT.
 * @param now milliseconds since the epoch.
 * @throws KrbError for every refusal of `AuthenticationService.Authenticate`. An unknown client is refused
 *   with KDC_ERR_C_PRINCIPAL_UNKNOWN after the same work as a wrong password; only the log tells the two
 *   apart.
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

  const { entry: client, exists } = context.client;
  const permitted = currentKeys(client).filter(({ key }) => policy.permittedEtypes.includes(key.etype.etype));
  const info = () => etypeInfoOf(client, permitted, policy.iterations);
  const failed = () => (context.isTentative ? NOT_PROVEN : wrongProof(exists, info()));
  const { clockSkew } = policy;
  const replyKey = verifyEncTimestamp(request.padata, asked.nonce, permitted, info, failed, clockSkew, now);
  if (!exists) throw failed();
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
    throw new KrbError(
      "KDC_ERR_NEVER_VALID",
      "the ticket would end as soon as it began; ask the realm's operator",
    );
  const ticket: TicketContents = {
    client: principal,
    server: tgs,
    sessionKey: randomKey(sessionEtype, random),
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
    etypes: { reply: replyEtype, ticket: tgsKey.key.etype.etype, session: sessionEtype.etype },
  };
}

/**
 * Opens message (2) and compares it with message (1) (RFC 4120 §3.1.5). The password's key is not needed
 * afterwards.
 * @param now when it came, in milliseconds since the epoch.
 * @throws KrbError KRB_AP_ERR_BAD_INTEGRITY if the key does not open it; KRB_AP_ERR_MODIFIED and
 *   KDC_ERR_ETYPE_NOSUPP if it does not answer `request`.
 */
export function openAsRep(
  response: AuthenticateResponse,
  request: AuthenticateRequest,
  key: Key,
  now: number,
): KdcReply {
  const client = readAsReqClient(request);
  if (response.client !== client) throw modified("client");
  const asked = { client, server: krbtgtOf(realmOf(client)), request: readKdcRequest(request, "request") };
  const reply = openKdcReply(response, "encAsRepPart", { key, usage: KeyUsage.AS_REP }, asked, now);
  const { flags } = reply.credentials;
  if (!flags.includes(TicketFlag.INITIAL) || !flags.includes(TicketFlag.PRE_AUTHENT)) throw modified("flags");
  return reply;
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
