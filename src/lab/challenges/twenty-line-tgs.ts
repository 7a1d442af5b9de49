/**
 * A TGS in twenty lines, for one lesson: one check is missing, and which is for the learner to find. The
 * learner gets its text (twenty-line-tgs-text.ts); the product's own TGS is protocol/tgs-exchange.ts.
 */
import { EncryptedDataSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../gen/kerberos/v1/kdc_pb.js";
import type {
  GrantTicketRequest,
  GrantTicketResponse,
} from "../../gen/kerberos/v1/ticket_granting_service_pb.js";
import { authenticatorTime, checkChecksum } from "../../protocol/authenticator.js";
import { etypeOf } from "../../protocol/etypes.js";
import { makeEncKdcRepPart } from "../../protocol/kdc-reply.js";
import { readKdcRequest } from "../../protocol/kdc-request.js";
import { checkSkew } from "../../protocol/kerberos-time.js";
import { KeyUsage } from "../../protocol/key-usage.js";
import { type LongTermKey, randomKey } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import { type Principal, parsePrincipal } from "../../protocol/principal.js";
import { sealToBytes, unseal } from "../../protocol/sealed-part.js";
import { decodeBlob } from "../../protocol/strict-decode.js";
import { checkTicketTimes, makeTicket, openTicket, type ServiceKeys } from "../../protocol/ticket.js";

/** What the TGS knows. */
export interface TgsRealm {
  readonly tgs: ServiceKeys;
  readonly etypes: readonly number[];
  /** In milliseconds. */
  readonly clockSkew: number;
  readonly serviceKey: (principal: Principal) => LongTermKey | undefined;
}

const badIntegrity = () => new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "the authenticator can't be opened");

// The twenty lines.
/** Messages (3), (4): a TGT and an authenticator become a ticket. `now`: milliseconds since the epoch. */
export function grantTicket(request: GrantTicketRequest, realm: TgsRealm, now: number): GrantTicketResponse {
  const tgt = openTicket(request.ticket, realm.tgs, realm.etypes);
  const sealed = decodeBlob(EncryptedDataSchema, request.authenticator, "authenticator");
  const proof = { key: tgt.sessionKey, usage: KeyUsage.TGS_REQ_AUTHENTICATOR };
  const authenticator = unseal(proof, "authenticator", sealed, badIntegrity);
  checkChecksum(authenticator, tgt.sessionKey, KeyUsage.TGS_REQ_CHECKSUM, [request.body]);
  checkSkew(authenticatorTime(authenticator), now, realm.clockSkew);
  checkTicketTimes(tgt, now, realm.clockSkew);
  const body = decodeBlob(KdcReqBodySchema, request.body, "body");
  const asked = readKdcRequest(body, "body");
  const client = parsePrincipal(authenticator.client, "authenticator.client");
  const server = parsePrincipal(body.server, "body.server");
  const serviceKey = realm.serviceKey(server);
  if (!serviceKey) throw new KrbError("KDC_ERR_S_PRINCIPAL_UNKNOWN", "there is no such service");
  const etype = asked.etypes.find((wanted) => wanted === serviceKey.key.etype.etype);
  if (etype === undefined) throw new KrbError("KDC_ERR_ETYPE_NOSUPP", "no encryption type in common");
  const sessionKey = randomKey(etypeOf(etype));
  const ticket = { ...tgt, client, server, sessionKey, flags: [], starttime: now, renewTill: undefined };
  const reply = { key: tgt.sessionKey, usage: KeyUsage.TGS_REP_SESSION_KEY };
  const encPart = sealToBytes(reply, "encTgsRepPart", makeEncKdcRepPart(ticket, asked, now));
  const $typeName = "kerberos.v1.GrantTicketResponse";
  return { $typeName, ticket: makeTicket(ticket, serviceKey), encPart };
}
