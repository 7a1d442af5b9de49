/**
 * The TGS exchange (RFC 4120 §3.3), both halves: a ticket-granting ticket becomes a ticket for a service.
 *
 *   client  makeTgsReq ──(3) GrantTicketRequest──▶  verifyTgsReq, issueServiceTicket  TGS
 *   client  openTgsRep ◀─(4) GrantTicketResponse──
 */
import { create, toBinary } from "@bufbuild/protobuf";
import type { RandomSource } from "../crypto/encryption-type.js";
import { systemRandom } from "../crypto/random.js";
import { KdcOption, type KdcReqBody, KdcReqBodySchema } from "../gen/kerberos/v1/kdc_pb.js";
import { TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";
import {
  type GrantTicketRequest,
  GrantTicketRequestSchema,
  type GrantTicketResponse,
} from "../gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeApReq, type TicketOpener, type VerifiedApReq, verifyApReq } from "./ap-exchange.js";
import { TGS_USE } from "./authenticator.js";
import type { Credentials } from "./credentials.js";
import { checkExtensions } from "./extensions.js";
import { type KdcReply, makeEncKdcRepPart, openKdcReply } from "./kdc-reply.js";
import {
  type KdcRequest,
  type KdcTimes,
  kdcRequestFields,
  readKdcRequest,
  type TicketWish,
} from "./kdc-request.js";
import { earliest, type IssuedTicket, sessionKeyEtype, ticketKey, ticketLife } from "./kdc-ticket.js";
import { KeyUsage } from "./key-usage.js";
import { randomKey } from "./keys.js";
import { KrbError, malformed } from "./krb-error.js";
import { applyRules, keyRetention, type RealmPolicy, TGS_RULES } from "./policy.js";
import { krbtgtOf, type Principal, parsePrincipal } from "./principal.js";
import { type PrincipalEntry, usableKeys } from "./principal-entry.js";
import { sealToBytes } from "./sealed-part.js";
import { decodeBlob } from "./strict-decode.js";
import { makeTicket, type TicketContents } from "./ticket.js";

/** What a client keeps of a TGS-REQ it made. */
export interface PendingTgsReq {
  readonly tgt: Credentials;
  readonly body: KdcReqBody;
}

/**
 * Message (3): asks for a ticket. The body is encoded once, and the authenticator's checksum covers those
 * bytes.
 * @param now milliseconds since the epoch.
 */
export function makeTgsReq(
  tgt: Credentials,
  server: Principal,
  wish: TicketWish,
  now: number,
  random: RandomSource = systemRandom,
): { request: GrantTicketRequest; pending: PendingTgsReq } {
  const body = create(KdcReqBodySchema, { server, ...kdcRequestFields(wish, random) });
  const bytes = toBinary(KdcReqBodySchema, body);
  const { blobs } = makeApReq(tgt, TGS_USE, bytes, undefined, now, random);
  return { request: create(GrantTicketRequestSchema, { ...blobs, body: bytes }), pending: { tgt, body } };
}

/** A TGS-REQ that has passed every check except the rules. */
export interface VerifiedTgsReq {
  readonly apReq: VerifiedApReq;
  /** The service asked for. */
  readonly server: Principal;
  readonly asked: KdcRequest;
  /** Whether the ticket presented is to be renewed. */
  readonly renew: boolean;
}

/**
 * Checks message (3): the TGT, its authenticator, and the body it covers.
 * @param now milliseconds since the epoch.
 * @param openTicket opens the TGT, or has it open already.
 * @throws KrbError as `verifyApReq`; KRB_ERR_GENERIC, KRB_ERR_FIELD_TOOLONG, KDC_ERR_BADOPTION of the body.
 */
export function verifyTgsReq(
  request: GrantTicketRequest,
  krbtgt: PrincipalEntry,
  policy: RealmPolicy,
  now: number,
  openTicket?: TicketOpener,
): VerifiedTgsReq {
  const { permittedEtypes, clockSkew } = policy;
  const service = {
    principal: krbtgtOf(policy.realm),
    keys: usableKeys(krbtgt, now, keyRetention(policy)),
  };
  if (request.body.length === 0) throw malformed("body", "required");
  const apReqPolicy = { service, permittedEtypes, clockSkew, openTicket };
  const apReq = verifyApReq(request, TGS_USE, request.body, apReqPolicy, now);
  const body = decodeBlob(KdcReqBodySchema, request.body, "body");
  checkExtensions(body.extensions, "body.extensions");
  if (body.server === "") throw malformed("body.server", "required");
  const asked = readKdcRequest(body, "body");
  const renew = asked.options.includes(KdcOption.RENEW);
  return { apReq, server: parsePrincipal(body.server, "body.server"), asked, renew };
}

/** Everything the TGS decides from, fetched beforehand. */
export interface TgsContext {
  /** The present entry of the TGT's client; undefined: deleted since its login. */
  readonly client: PrincipalEntry | undefined;
  /** The entry of the service asked for; undefined: there is none. */
  readonly service: PrincipalEntry | undefined;
  readonly policy: RealmPolicy;
}

/**
 * Message (4): applies the rules and issues a ticket.
 * @param now milliseconds since the epoch.
 * @throws KrbError of the first rule that refuses; KDC_ERR_ETYPE_NOSUPP; KDC_ERR_NEVER_VALID where the TGT is
 *   about to end.
 */
export function issueServiceTicket(
  verified: VerifiedTgsReq,
  context: TgsContext,
  now: number,
  random: RandomSource = systemRandom,
): IssuedTicket<GrantTicketResponse> {
  const { apReq, server, asked, renew } = verified;
  const { policy, client } = context;
  const { times, options } = asked;
  const tgt = apReq.ticket;
  applyRules(TGS_RULES, { client, service: context.service, policy, tgt, server, renew, times, now });
  // The rule "the service must exist" has passed.
  const service = context.service as PrincipalEntry;
  const serviceKey = ticketKey(service, policy);
  const sessionEtype = sessionKeyEtype(asked.etypes, service, policy);
  const renewable = tgt.renewTill !== undefined && tgt.flags.includes(TicketFlag.RENEWABLE);
  const { endtime, renewTill } = renew
    ? renewedLife(tgt, times, now)
    : ticketLife({
        times,
        options,
        now,
        maxLives: [policy.maxLife, service.maxLife, client?.maxLife],
        maxRenewableLives: renewable ? [tgt.renewTill - now, service.maxRenewableLife] : [],
        endLimit: tgt.endtime,
      });
  const ticket: TicketContents = {
    client: tgt.client,
    server,
    sessionKey: randomKey(sessionEtype, random),
    flags: ticketFlags(tgt, renew, renewTill !== undefined),
    authtime: tgt.authtime,
    starttime: now,
    endtime,
    renewTill,
    addresses: tgt.addresses,
    authorizationData: tgt.authorizationData,
  };
  if (ticket.endtime <= ticket.starttime)
    throw new KrbError(
      "KDC_ERR_NEVER_VALID",
      "the TGT is over, so no ticket can be made from it; log in again",
    );
  const part = makeEncKdcRepPart(ticket, asked, now);
  const replyKey = apReq.subkey ?? tgt.sessionKey;
  const usage = apReq.subkey === undefined ? KeyUsage.TGS_REP_SESSION_KEY : KeyUsage.TGS_REP_SUBKEY;
  const response: GrantTicketResponse = {
    $typeName: "kerberos.v1.GrantTicketResponse",
    ticket: makeTicket(ticket, serviceKey, random),
    encPart: sealToBytes({ key: replyKey, usage }, "encTgsRepPart", part, random),
  };
  return {
    response,
    ticket,
    etypes: { reply: replyKey.etype.etype, ticket: serviceKey.key.etype.etype, session: sessionEtype.etype },
  };
}

/**
 * Opens message (4) and compares it with message (3) (RFC 4120 §3.3.4).
 * @param now when it came, in milliseconds since the epoch.
 * @throws KrbError KRB_AP_ERR_BAD_INTEGRITY if the session key does not open it; KRB_AP_ERR_MODIFIED and
 *   KDC_ERR_ETYPE_NOSUPP if it does not answer the request.
 */
export function openTgsRep(response: GrantTicketResponse, pending: PendingTgsReq, now: number): KdcReply {
  const { tgt, body } = pending;
  const asked = {
    client: tgt.client,
    server: parsePrincipal(body.server, "body.server"),
    request: readKdcRequest(body, "body"),
  };
  const sealing = { key: tgt.key, usage: KeyUsage.TGS_REP_SESSION_KEY };
  return openKdcReply(response, "encTgsRepPart", sealing, asked, now);
}

/**
 * A renewed ticket lives as long as the one it renews, but not beyond `renewTill` (RFC 4120 §3.3.3.1) and not
 * beyond the end the client asks for.
 */
function renewedLife(
  tgt: TicketContents,
  times: KdcTimes,
  now: number,
): { endtime: number; renewTill: number | undefined } {
  const endtime = earliest(now + (tgt.endtime - tgt.starttime), tgt.renewTill, times.till);
  const renewTill = earliest(tgt.renewTill ?? endtime, times.renewTill);
  return { endtime, renewTill: renewTill > endtime ? renewTill : undefined };
}

/** Flags are carried over from the TGT; INITIAL only to a renewed TGT. */
function ticketFlags(tgt: TicketContents, renew: boolean, renewable: boolean): TicketFlag[] {
  const carried = [TicketFlag.PRE_AUTHENT, ...(renew ? [TicketFlag.INITIAL] : [])];
  return [
    ...carried.filter((flag) => tgt.flags.includes(flag)),
    ...(renewable ? [TicketFlag.RENEWABLE] : []),
  ];
}
