/** The TGS exchange (RFC 4120 §3.3): a solution of the exercise. */
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ETYPE, Key } from "./encryption.js";
import {
  EncryptedDataSchema,
  type EncryptionKey,
  EncryptionKeySchema,
} from "./gen/kerberos/v1/encryption_pb.js";
import { type KdcReqBody, KdcReqBodySchema } from "./gen/kerberos/v1/kdc_pb.js";
import {
  type Authenticator,
  EncKdcRepPartSchema,
  type EncTicketPart,
  EncTicketPartSchema,
  TicketFlag,
  TicketSchema,
} from "./gen/kerberos/v1/sealed_pb.js";
import {
  type GrantTicketRequest,
  type GrantTicketResponse,
  GrantTicketResponseSchema,
} from "./gen/kerberos/v1/ticket_granting_service_pb.js";
import { decode, milliseconds, open, seal } from "./messages.js";
import type { LongTermKey, Realm } from "./realm.js";
import { Refusal } from "./refusal.js";

/** Key usages (RFC 4120 §7.5.1). */
const TICKET = 2;
const TGS_REQ_CHECKSUM = 6;
const TGS_REQ_AUTHENTICATOR = 7;
const TGS_REP_SESSION_KEY = 8;
const TGS_REP_SUBKEY = 9;

/** The Ticket Granting Server. */
export class TicketGrantingServer {
  readonly realm: Realm;
  /** When each authenticator that was accepted may be forgotten, by its ciphertext. */
  readonly #seen = new Map<string, number>();

  constructor(realm: Realm) {
    this.realm = realm;
  }

  /**
   * Message (3) in, message (4) out.
   * @param now milliseconds since the epoch.
   * @throws Refusal.
   */
  grantTicket(request: GrantTicketRequest, now: number): GrantTicketResponse {
    const body = readBody(request.body);
    const ticket = this.#openTicket(request.ticket);
    const sessionKey = keyIn(ticket.key, "ticket.key");
    const sealed = decode(EncryptedDataSchema, request.authenticator, "authenticator");
    const authenticator = open(sessionKey, TGS_REQ_AUTHENTICATOR, "authenticator", sealed, "authenticator");
    const ctime = this.#checkAuthenticator(authenticator, ticket, request.body, sessionKey, now);
    this.#checkTimes(ticket, now);
    const service = this.realm.keys.get(body.server);
    if (service === undefined)
      throw new Refusal("KDC_ERR_S_PRINCIPAL_UNKNOWN", `${body.server}: there is no such service`);
    const subkey = authenticator.subkey && keyIn(authenticator.subkey, "authenticator.subkey");
    const response = grant(ticket, body, service, subkey ?? sessionKey, subkey !== undefined, now);
    this.#remember(sealed.cipher, ctime, now);
    return response;
  }

  #openTicket(bytes: Uint8Array): EncTicketPart {
    const { server, encPart } = decode(TicketSchema, bytes, "ticket");
    if (server !== this.realm.tgs) throw new Refusal("KRB_AP_ERR_NOT_US", `the ticket is for ${server}`);
    if (encPart === undefined) throw new Refusal("KRB_ERR_GENERIC", "ticket.enc_part: required");
    const { kvno, key } = this.realm.keys.get(this.realm.tgs)!;
    if (encPart.kvno !== kvno)
      throw new Refusal("KRB_AP_ERR_BADKEYVER", `the ticket needs version ${encPart.kvno} of the key`);
    const ticket = open(key, TICKET, "encTicketPart", encPart, "ticket");
    if (ticket.server !== server) throw new Refusal("KRB_AP_ERR_NOT_US", "the ticket is for another service");
    return ticket;
  }

  /** Returns the authenticator's time. */
  #checkAuthenticator(
    { client, ctime, checksum }: Authenticator,
    ticket: EncTicketPart,
    body: Uint8Array,
    sessionKey: Key,
    now: number,
  ): number {
    if (client !== ticket.client)
      throw new Refusal("KRB_AP_ERR_BADMATCH", "ticket and authenticator name different clients");
    if (checksum?.type !== ETYPE)
      throw new Refusal("KRB_AP_ERR_INAPP_CKSUM", `the checksum must have type ${ETYPE}`);
    if (!sessionKey.verifies(TGS_REQ_CHECKSUM, body, checksum.checksum))
      throw new Refusal("KRB_AP_ERR_MODIFIED", "the body is not what the authenticator was made for");
    if (ctime === undefined) throw new Refusal("KRB_ERR_GENERIC", "authenticator.ctime: required");
    const time = milliseconds(ctime);
    if (Math.abs(now - time) > this.realm.clockSkew)
      throw new Refusal("KRB_AP_ERR_SKEW", `the clocks differ by ${now - time} ms`);
    return time;
  }

  #checkTimes({ starttime, endtime, flags }: EncTicketPart, now: number): void {
    if (flags.includes(TicketFlag.INVALID)) throw new Refusal("KRB_AP_ERR_TKT_NYV", "the ticket is invalid");
    if (milliseconds(starttime!) - now > this.realm.clockSkew)
      throw new Refusal("KRB_AP_ERR_TKT_NYV", "the ticket is not valid yet");
    if (now - milliseconds(endtime!) > this.realm.clockSkew)
      throw new Refusal("KRB_AP_ERR_TKT_EXPIRED", "the ticket is over");
  }

  /** One step, since nothing waits between looking and remembering. */
  #remember(cipher: Uint8Array, ctime: number, now: number): void {
    for (const [seen, expiry] of this.#seen) if (expiry < now) this.#seen.delete(seen);
    const name = Buffer.from(cipher).toString("base64");
    if (this.#seen.has(name)) throw new Refusal("KRB_AP_ERR_REPEAT", "the authenticator was used before");
    this.#seen.set(name, ctime + this.realm.clockSkew);
  }
}

function readBody(bytes: Uint8Array): KdcReqBody {
  const body = decode(KdcReqBodySchema, bytes, "body");
  if (body.server === "") throw new Refusal("KRB_ERR_GENERIC", "body.server: required");
  if (body.nonce.length !== 16) throw new Refusal("KRB_ERR_GENERIC", "body.nonce: 16 bytes are required");
  if (!body.etypes.includes(ETYPE)) throw new Refusal("KDC_ERR_ETYPE_NOSUPP", `only type ${ETYPE} is here`);
  return body;
}

function keyIn(key: EncryptionKey | undefined, field: string): Key {
  if (key?.etype !== ETYPE) throw new Refusal("KDC_ERR_ETYPE_NOSUPP", `${field}: only type ${ETYPE} is here`);
  return new Key(key.key);
}

/** Message (4), from the open TGT and the body. */
function grant(
  tgt: EncTicketPart,
  body: KdcReqBody,
  service: LongTermKey,
  replyKey: Key,
  isSubkey: boolean,
  now: number,
): GrantTicketResponse {
  const till = body.till === undefined ? Number.POSITIVE_INFINITY : milliseconds(body.till);
  const endtime = Math.min(milliseconds(tgt.endtime!), till);
  if (endtime <= now) throw new Refusal("KDC_ERR_NEVER_VALID", "the ticket would be over");
  const common = {
    key: create(EncryptionKeySchema, { etype: ETYPE, key: Key.random().bytes }),
    client: tgt.client,
    server: body.server,
    flags: tgt.flags.filter((flag) => flag === TicketFlag.PRE_AUTHENT),
    authtime: tgt.authtime,
    starttime: timestampFromMs(now),
    endtime: timestampFromMs(endtime),
  };
  const part = create(EncTicketPartSchema, common);
  const encPart = seal(service.key, TICKET, "encTicketPart", part, service.kvno);
  const reply = create(EncKdcRepPartSchema, {
    ...common,
    nonce: body.nonce,
    etypes: body.etypes,
    kdcTime: timestampFromMs(now),
  });
  const usage = isSubkey ? TGS_REP_SUBKEY : TGS_REP_SESSION_KEY;
  const sealedReply = seal(replyKey, usage, "encTgsRepPart", reply);
  return create(GrantTicketResponseSchema, {
    ticket: toBinary(TicketSchema, create(TicketSchema, { server: body.server, encPart })),
    encPart: toBinary(EncryptedDataSchema, sealedReply),
  });
}
