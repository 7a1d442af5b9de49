/**
 * The sealed part of a KDC's reply (RFC 4120 §5.4.2), both halves: the AS or TGS makes it from the ticket it
 * issued, and the client compares it with what it asked for (§3.1.5, §3.3.4).
 */
import { equalBytes } from "../crypto/equal-bytes.js";
import { KdcOption } from "../gen/kerberos/v1/kdc_pb.js";
import { type EncKdcRepPart, TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";
import type { Credentials } from "./credentials.js";
import { fromEncryptionKey, toEncryptionKey } from "./encryption-key.js";
import { checkExtensions } from "./extensions.js";
import type { KdcRequest } from "./kdc-request.js";
import { fromOptionalTimestamp, fromTimestamp, toTimestamp } from "./kerberos-time.js";
import { KrbError } from "./krb-error.js";
import { type Principal, parsePrincipal } from "./principal.js";
import { type Sealing, unsealFromBytes } from "./sealed-part.js";
import type { TicketContents } from "./ticket.js";
import { areCanonicalFlags, canonicalFlags } from "./ticket-flags.js";

/** Who sends each kind of sealed part. */
const SENDERS = { encAsRepPart: "AS", encTgsRepPart: "TGS" } as const;

/** Flags that a ticket has only if its client asked for them (RFC 4120 §5.4.1), which ours never does. */
const NEVER_ASKED: readonly TicketFlag[] = [
  TicketFlag.FORWARDABLE,
  TicketFlag.FORWARDED,
  TicketFlag.PROXIABLE,
  TicketFlag.PROXY,
  TicketFlag.MAY_POSTDATE,
  TicketFlag.POSTDATED,
  TicketFlag.INVALID,
];

/** Credentials, and what else only the reply says. */
export interface KdcReply {
  readonly credentials: Credentials;
  /**
   * The KDC's time in the reply minus ours when it came, in milliseconds; the time it travelled is included.
   */
  readonly kdcOffset: number;
  /** When the client's password expires, in milliseconds since the epoch; undefined: never. */
  readonly keyExpiration: number | undefined;
}

/** What the client asked for, as far as the reply must match it. */
export interface AskedOfKdc {
  readonly client: Principal;
  readonly server: Principal;
  readonly request: KdcRequest;
}

/**
 * Makes the sealed part of a reply from the request and the ticket that was issued. Times are milliseconds
 * since the epoch.
 */
export function makeEncKdcRepPart(
  ticket: TicketContents,
  request: KdcRequest,
  now: number,
  keyExpiration?: number,
): EncKdcRepPart {
  const part: EncKdcRepPart = {
    $typeName: "kerberos.v1.EncKdcRepPart",
    key: toEncryptionKey(ticket.sessionKey),
    nonce: request.nonce,
    server: ticket.server,
    client: ticket.client,
    flags: canonicalFlags(ticket.flags),
    authtime: toTimestamp(ticket.authtime),
    starttime: toTimestamp(ticket.starttime),
    endtime: toTimestamp(ticket.endtime),
    etypes: [...request.etypes],
    kdcTime: toTimestamp(now),
    extensions: [],
  };
  if (ticket.renewTill !== undefined) part.renewTill = toTimestamp(ticket.renewTill);
  if (keyExpiration !== undefined) part.keyExpiration = toTimestamp(keyExpiration);
  return part;
}

/**
 * Opens a reply, compares its sealed part with what was asked and takes the credentials from it.
 * @param reply what came; its ticket is copied.
 * @param now when the reply came, in milliseconds since the epoch.
 * @throws KrbError KRB_AP_ERR_BAD_INTEGRITY if the key does not open it; KRB_AP_ERR_MODIFIED naming the first
 *   field that does not match; KDC_ERR_ETYPE_NOSUPP for a session key of an encryption type that was not
 *   asked for.
 */
export function openKdcReply(
  reply: { readonly ticket: Uint8Array; readonly encPart: Uint8Array },
  kind: keyof typeof SENDERS,
  sealing: Sealing,
  asked: AskedOfKdc,
  now: number,
): KdcReply {
  const part = unsealFromBytes(
    sealing,
    kind,
    reply.encPart,
    "enc_part",
    () =>
      new KrbError("KRB_AP_ERR_BAD_INTEGRITY", `the ${SENDERS[kind]}'s reply can't be opened with this key`, {
        part: "reply",
      }),
  );
  return readKdcReply(part, reply.ticket, asked, now);
}

function readKdcReply(part: EncKdcRepPart, ticket: Uint8Array, asked: AskedOfKdc, now: number): KdcReply {
  const { request } = asked;
  const { authtime, starttime, endtime } = part;
  const sealedTimes = part.kdcTime !== undefined && authtime && starttime && endtime;
  if (!sealedTimes) throw modified("times");
  const times = {
    authtime: fromTimestamp(authtime, "reply.authtime"),
    starttime: fromTimestamp(starttime, "reply.starttime"),
    endtime: fromTimestamp(endtime, "reply.endtime"),
    renewTill: fromOptionalTimestamp(part.renewTill, "reply.renew_till"),
  };
  if (!equalBytes(part.nonce, request.nonce)) throw modified("nonce");
  if (part.client !== asked.client) throw modified("client");
  if (part.server !== asked.server) throw modified("server");
  if (part.etypes.join() !== request.etypes.join()) throw modified("etypes");
  if (times.authtime > times.starttime) throw modified("authtime");
  if (times.endtime <= times.starttime) throw modified("endtime");
  if (request.times.till !== undefined && times.endtime > request.times.till) throw modified("endtime");
  if (!areCanonicalFlags(part.flags) || part.flags.some((flag) => NEVER_ASKED.includes(flag)))
    throw modified("flags");
  checkRenewal(part, times.renewTill, request);
  if (ticket.length === 0) throw modified("ticket");
  checkExtensions(part.extensions, "reply.extensions");
  return {
    credentials: {
      client: parsePrincipal(part.client, "reply.client"),
      server: parsePrincipal(part.server, "reply.server"),
      key: fromEncryptionKey(part.key, request.etypes, "reply.key"),
      ticket: Uint8Array.from(ticket),
      flags: part.flags,
      ...times,
    },
    kdcOffset: fromTimestamp(part.kdcTime!, "reply.kdc_time") - now,
    keyExpiration: fromOptionalTimestamp(part.keyExpiration, "reply.key_expiration"),
  };
}

/** A ticket is renewable only if the client asked for that, and no longer than it asked (RFC 4120 §3.1.5). */
function checkRenewal(part: EncKdcRepPart, renewTill: number | undefined, request: KdcRequest): void {
  const renewable = part.flags.includes(TicketFlag.RENEWABLE);
  const asked = [KdcOption.RENEWABLE, KdcOption.RENEWABLE_OK, KdcOption.RENEW].some((o) =>
    request.options.includes(o),
  );
  if (renewable !== (renewTill !== undefined) || (renewable && !asked)) throw modified("renew_till");
  const limit = request.times.renewTill;
  if (renewTill !== undefined && limit !== undefined && renewTill > limit) throw modified("renew_till");
}

/** The refusal of a reply that does not answer what was asked. */
export function modified(field: string): KrbError {
  return new KrbError("KRB_AP_ERR_MODIFIED", `the reply does not answer the request: ${field} differs`, {
    field,
  });
}
