/** Requests to a TGS, good ones and others: made by the client's own half of the exchange. */
import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { type KdcReqBody, KdcReqBodySchema } from "../../gen/kerberos/v1/kdc_pb.js";
import { type Authenticator, TicketFlag } from "../../gen/kerberos/v1/sealed_pb.js";
import {
  type GrantTicketRequest,
  GrantTicketRequestSchema,
} from "../../gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeApReq } from "../../protocol/ap-exchange.js";
import { TGS_USE } from "../../protocol/authenticator.js";
import type { Credentials } from "../../protocol/credentials.js";
import { kdcRequestFields, type TicketWish } from "../../protocol/kdc-request.js";
import type { Key, LongTermKey } from "../../protocol/keys.js";
import { randomKey } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { Principal } from "../../protocol/principal.js";
import { sealToBytes, unsealFromBytes } from "../../protocol/sealed-part.js";
import { makeTicket, type TicketContents } from "../../protocol/ticket.js";
import type { ExerciseRealm } from "./exercise-realm.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How a request differs from a plain one. Times are milliseconds since the epoch. */
export interface Different {
  /** The service asked for; V by default. */
  readonly server?: Principal;
  readonly wish?: Partial<TicketWish>;
  /** The authenticator's time; the present by default. */
  readonly ctime?: number;
  readonly subkey?: Key;
  /** The body that travels, made from the one that it should be. */
  readonly body?: (body: KdcReqBody) => Uint8Array;
  /** The body that the checksum covers; the one that travels by default. */
  readonly covered?: (body: KdcReqBody) => Uint8Array;
}

/** A request, and what it asks for. */
export interface MadeRequest {
  readonly request: GrantTicketRequest;
  readonly body: KdcReqBody;
}

/** Asks for a ticket with a ticket-granting ticket. */
export function askWith(realm: ExerciseRealm, tgt: Credentials, different: Different = {}): MadeRequest {
  const { server = realm.v.principal, wish, ctime = Date.now(), subkey, body = bodyBytes } = different;
  const fields = kdcRequestFields({ etypes: realm.etypes, ...wish }, randomBytes);
  const made = create(KdcReqBodySchema, { server, ...fields });
  const bytes = body(made);
  const covered = different.covered?.(made) ?? bytes;
  const { blobs } = makeApReq(tgt, TGS_USE, covered, { subkey }, ctime);
  return { request: create(GrantTicketRequestSchema, { ...blobs, body: bytes }), body: made };
}

/** A body as it should travel. */
export function bodyBytes(body: KdcReqBody): Uint8Array {
  return toBinary(KdcReqBodySchema, body);
}

/** A request whose authenticator was changed under the right key. */
export function withAuthenticator(
  request: GrantTicketRequest,
  tgt: Credentials,
  change: (authenticator: Authenticator) => void,
): GrantTicketRequest {
  const sealing = { key: tgt.key, usage: TGS_USE.authenticator };
  const authenticator = unsealFromBytes(
    sealing,
    "authenticator",
    request.authenticator,
    "authenticator",
    () => {
      throw new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "not this key's");
    },
  );
  change(authenticator);
  return { ...request, authenticator: sealToBytes(sealing, "authenticator", authenticator) };
}

/** What a ticket that the exercise makes says, other than a good one for the TGS would. */
export interface Forged extends Partial<TicketContents> {
  readonly sealedWith?: LongTermKey;
}

/** A ticket of alice's that no AS made, as she would hold it: an hour old, good for eight more. */
export function forgedTgt(
  realm: ExerciseRealm,
  { sealedWith = realm.krbtgt.key, ...other }: Forged = {},
): Credentials {
  const begun = Date.now() - HOUR;
  const contents: TicketContents = {
    client: realm.alice,
    server: realm.krbtgt.principal,
    sessionKey: randomKey(sealedWith.key.etype),
    flags: [TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT],
    authtime: begun,
    starttime: begun,
    endtime: begun + 9 * HOUR,
    renewTill: undefined,
    addresses: [],
    authorizationData: [],
    ...other,
  };
  return { ...contents, key: contents.sessionKey, ticket: makeTicket(contents, sealedWith) };
}

/** A time so many minutes from now, in milliseconds since the epoch. */
export function inMinutes(minutes: number): number {
  return Date.now() + minutes * MINUTE;
}
