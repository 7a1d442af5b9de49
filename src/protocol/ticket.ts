/**
 * Tickets (RFC 4120 §5.3): made by the KDC, read by the service they are for, opaque to everyone else.
 */

import { encodeCanonical } from "../canonical/encode.js";
import type { RandomSource } from "../crypto/encryption-type.js";
import { type EncTicketPart, type Ticket, TicketFlag, TicketSchema } from "../gen/kerberos/v1/sealed_pb.js";
import type { AuthorizationElement } from "./authorization-data.js";
import { fromEncryptionKey, toEncryptionKey } from "./encryption-key.js";
import { checkExtensions } from "./extensions.js";
import { fromOptionalTimestamp, fromTimestamp, isoTime, toTimestamp } from "./kerberos-time.js";
import { KeyUsage } from "./key-usage.js";
import type { Key, LongTermKey } from "./keys.js";
import { KrbError, malformed } from "./krb-error.js";
import { type Principal, parsePrincipal, realmOf, SHARED_KEY_REALM } from "./principal.js";
import { seal, unseal } from "./sealed-part.js";
import { decodeBlob } from "./strict-decode.js";
import { areCanonicalFlags, canonicalFlags } from "./ticket-flags.js";
import { badKeyVersion, noKey, notUs, sessionKeyRefused, ticketEtypeRefused } from "./ticket-refusals.js";

/** What a ticket says. Times are milliseconds since the epoch. */
export interface TicketContents {
  readonly client: Principal;
  readonly server: Principal;
  readonly sessionKey: Key;
  readonly flags: readonly TicketFlag[];
  readonly authtime: number;
  readonly starttime: number;
  readonly endtime: number;
  readonly renewTill: number | undefined;
  readonly addresses: readonly string[];
  readonly authorizationData: readonly AuthorizationElement[];
}

/** A service and its long-term keys, from a keytab or, at the TGS, from the database. */
export interface ServiceKeys {
  /** The service's own principal. */
  readonly principal: Principal;
  /** All keys held, of every version and encryption type. */
  readonly keys: readonly LongTermKey[];
  /**
   * Whether the keys are those of every service of the principal's realm, as where a key is shared without a
   * KDC; the principal then stands for all of them.
   */
  readonly ofWholeRealm?: boolean | undefined;
}

/** Seals a ticket under the service's long-term key, and serializes it. */
export function makeTicket(
  contents: TicketContents,
  serviceKey: LongTermKey,
  random?: RandomSource,
): Uint8Array {
  const part: EncTicketPart = {
    $typeName: "kerberos.v1.EncTicketPart",
    flags: canonicalFlags(contents.flags),
    key: toEncryptionKey(contents.sessionKey),
    client: contents.client,
    transited: "",
    authtime: toTimestamp(contents.authtime),
    starttime: toTimestamp(contents.starttime),
    endtime: toTimestamp(contents.endtime),
    addresses: [...contents.addresses],
    authorizationData: contents.authorizationData.map(({ type, data }) => ({
      $typeName: "kerberos.v1.AuthorizationData",
      type,
      data,
    })),
    server: contents.server,
    extensions: [],
  };
  if (contents.renewTill !== undefined) part.renewTill = toTimestamp(contents.renewTill);
  const sealing = { key: serviceKey.key, kvno: serviceKey.kvno, usage: KeyUsage.TICKET };
  const encPart = seal(sealing, "encTicketPart", part, random);
  return encodeCanonical(TicketSchema, {
    $typeName: "kerberos.v1.Ticket",
    server: contents.server,
    encPart,
  });
}

/**
 * Opens a ticket with the service's keys; every name is taken from its sealed part.
 * @param permitted the encryption types the service accepts, for the ticket and for its session key.
 * @throws KrbError KRB_ERR_GENERIC for bytes that are not a ticket; KRB_AP_ERR_NOT_US for another service's;
 *   KDC_ERR_ETYPE_NOSUPP, KRB_AP_ERR_NOKEY, KRB_AP_ERR_BADKEYVER if no key fits; KRB_AP_ERR_BAD_INTEGRITY;
 *   KRB_AP_ERR_MODIFIED, KDC_ERR_PATH_NOT_ACCEPTED for contents that no KDC of ours makes.
 */
export function openTicket(
  bytes: Uint8Array,
  service: ServiceKeys,
  permitted: readonly number[],
): TicketContents {
  const ticket = decodeBlob(TicketSchema, bytes, "ticket");
  if (!isFor(ticket.server, service)) throw notUs(service.principal, ticket.server);
  const { key, kvno } = findKey(ticket, service, permitted);
  const part = unseal({ key, usage: KeyUsage.TICKET }, "encTicketPart", ticket.encPart!, () =>
    badIntegrity(kvno, service.principal),
  );
  if (part.server !== ticket.server) throw notUs(service.principal, "");
  return readContents(part, permitted);
}

/**
 * Checks a ticket's times and flags against the clock (RFC 4120 §3.2.3). It is accepted up to the skew before
 * its start and beyond its end, and no further. `now` and `skew` are milliseconds.
 * @throws KrbError KRB_AP_ERR_TKT_NYV, KRB_AP_ERR_TKT_EXPIRED.
 */
export function checkTicketTimes(ticket: TicketContents, now: number, skew: number): void {
  const compared = () => ({ server_time: isoTime(now), limit_ms: String(skew) });
  if (ticket.starttime - now > skew)
    throw new KrbError(
      "KRB_AP_ERR_TKT_NYV",
      `ticket not yet valid: it begins at ${isoTime(ticket.starttime)}`,
      {
        ...compared(),
        starttime: isoTime(ticket.starttime),
      },
    );
  if (ticket.flags.includes(TicketFlag.INVALID))
    throw new KrbError(
      "KRB_AP_ERR_TKT_NYV",
      "ticket not yet valid: it must be validated by the KDC first",
      compared(),
    );
  if (now - ticket.endtime > skew)
    throw new KrbError(
      "KRB_AP_ERR_TKT_EXPIRED",
      `ticket expired at ${isoTime(ticket.endtime)}; get a new one`,
      {
        ...compared(),
        endtime: isoTime(ticket.endtime),
      },
    );
}

function isFor(server: string, { principal, ofWholeRealm }: ServiceKeys): boolean {
  return server === principal || (ofWholeRealm === true && server.endsWith(`@${realmOf(principal)}`));
}

function findKey(ticket: Ticket, service: ServiceKeys, permitted: readonly number[]): LongTermKey {
  if (ticket.encPart === undefined) throw malformed("ticket.enc_part", "required");
  const { etype, kvno } = ticket.encPart;
  if (!permitted.includes(etype)) throw ticketEtypeRefused(etype, service.principal, permitted);
  const ofEtype = service.keys.filter(({ key }) => key.etype.etype === etype);
  if (ofEtype.length === 0) {
    const held = new Set(service.keys.map(({ key }) => key.etype.etype));
    throw noKey(etype, service.principal, [...held]);
  }
  // A keytab's old form keeps the low 8 bits of a version (krb5 1.21, kt_file.c, krb5_ktfile_get_entry).
  const found =
    ofEtype.find((candidate) => candidate.kvno === kvno) ??
    ofEtype.find((candidate) => candidate.kvno === (kvno & 0xff));
  if (found !== undefined) return found;
  throw badKeyVersion(
    ticket.encPart,
    service.principal,
    ofEtype.map((candidate) => candidate.kvno),
  );
}

function readContents(part: EncTicketPart, permitted: readonly number[]): TicketContents {
  if (part.transited !== "")
    throw new KrbError("KDC_ERR_PATH_NOT_ACCEPTED", "tickets that crossed realms are not accepted here");
  if (!areCanonicalFlags(part.flags)) throw modified("ticket.flags");
  if (part.authtime === undefined || part.starttime === undefined || part.endtime === undefined)
    throw modified("ticket times");
  if (part.flags.includes(TicketFlag.RENEWABLE) !== (part.renewTill !== undefined))
    throw modified("ticket.renew_till");
  checkExtensions(part.extensions, "ticket.extensions");
  return {
    client: parsePrincipal(part.client, "ticket.client"),
    server: parsePrincipal(part.server, "ticket.server"),
    sessionKey: sessionKeyOf(part, permitted),
    flags: part.flags,
    authtime: fromTimestamp(part.authtime, "ticket.authtime"),
    starttime: fromTimestamp(part.starttime, "ticket.starttime"),
    endtime: fromTimestamp(part.endtime, "ticket.endtime"),
    renewTill: fromOptionalTimestamp(part.renewTill, "ticket.renew_till"),
    addresses: part.addresses,
    authorizationData: part.authorizationData.map(({ type, data }) => ({ type, data })),
  };
}

function sessionKeyOf({ key }: EncTicketPart, permitted: readonly number[]): Key {
  if (key === undefined || permitted.includes(key.etype))
    return fromEncryptionKey(key, permitted, "ticket.key");
  key.key.fill(0);
  throw sessionKeyRefused(key.etype, permitted);
}

function badIntegrity(kvno: number, service: Principal): KrbError {
  const remedy = realmOf(service) === SHARED_KEY_REALM ? ": client and service need the same key file" : "";
  return new KrbError(
    "KRB_AP_ERR_BAD_INTEGRITY",
    `the ticket can't be opened with this server's key${remedy}`,
    {
      part: "ticket",
      kvno: String(kvno),
    },
  );
}

function modified(field: string): KrbError {
  return new KrbError("KRB_AP_ERR_MODIFIED", `${field}: not as a KDC makes it`, { field });
}
