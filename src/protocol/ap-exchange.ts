/**
 * The AP exchange (RFC 4120 §3.2), both halves: a ticket and a fresh authenticator prove the client to a
 * service. The TGS takes the same proof (§3.3.2). The reply, which proves the service, is in ap-rep.ts.
 *
 *   client   makeApReq  ──(5) ticket, authenticator──▶ verifyApReq  service
 *   client   verifyApRep ◀─(6) AP-REP────────────────  makeApRep
 *
 * `verifyApReq` is pure: its caller stores `replay.tag` in the replay cache last, when all else has passed.
 */
import { create } from "@bufbuild/protobuf";
import type { RandomSource } from "../crypto/encryption-type.js";
import { sha256 } from "../crypto/hash.js";
import { systemRandom } from "../crypto/random.js";
import { type EncryptedData, EncryptedDataSchema } from "../gen/kerberos/v1/encryption_pb.js";
import { type Authenticator, AuthenticatorSchema } from "../gen/kerberos/v1/sealed_pb.js";
import type { Credentials } from "./credentials.js";
import { fromEncryptionKey, toEncryptionKey } from "./encryption-key.js";
import { checkSkew, fromTimestamp, toTimestamp } from "./kerberos-time.js";
import { KeyUsage } from "./key-usage.js";
import { type Key, randomKey } from "./keys.js";
import { KrbError, malformed } from "./krb-error.js";
import type { Principal } from "./principal.js";
import { sealToBytes, unseal } from "./sealed-part.js";
import { decodeBlob } from "./strict-decode.js";
import { checkTicketTimes, openTicket, type ServiceKeys, type TicketContents } from "./ticket.js";

/** The two uses of an authenticator: to the TGS, or to a service. */
export interface AuthenticatorUse {
  readonly authenticator: number;
  readonly checksum: number;
}

/** Key usages of an authenticator to the TGS. */
export const TGS_USE: AuthenticatorUse = {
  authenticator: KeyUsage.TGS_REQ_AUTHENTICATOR,
  checksum: KeyUsage.TGS_REQ_CHECKSUM,
};
/** Key usages of an authenticator to any other service. */
export const AP_USE: AuthenticatorUse = {
  authenticator: KeyUsage.AP_REQ_AUTHENTICATOR,
  checksum: KeyUsage.AP_REQ_CHECKSUM,
};

/** The fewest and the most bytes of an authenticator's nonce; ours have 16. */
const NONCE_MIN = 12;
const NONCE_MAX = 64;
const NONCE_SIZE = 16;

/** The two blobs of an AP-REQ. */
export interface ApReqBlobs {
  /** A serialized Ticket. */
  readonly ticket: Uint8Array;
  /** A serialized EncryptedData that seals the authenticator. */
  readonly authenticator: Uint8Array;
}

/** What a client keeps of an AP-REQ it made, to check the answer against. */
export interface PendingApReq {
  readonly sessionKey: Key;
  /** Milliseconds since the epoch. */
  readonly ctime: number;
  readonly nonce: Uint8Array;
}

/** What a service knows after `verifyApReq`: the caller, from sealed parts alone. */
export interface VerifiedApReq {
  readonly ticket: TicketContents;
  readonly client: Principal;
  readonly authenticator: Authenticator;
  readonly subkey: Key | undefined;
  /**
   * For the replay cache: the tag, the authenticator's time, and how long the tag must be kept. Milliseconds
   * since the epoch.
   */
  readonly replay: { readonly tag: Uint8Array; readonly ctime: number; readonly expiry: number };
}

/** What a service accepts. */
export interface ApReqPolicy {
  readonly service: ServiceKeys;
  readonly permittedEtypes: readonly number[];
  /** How far clocks may be apart, in milliseconds. */
  readonly clockSkew: number;
  /** The peer's network address; a ticket bound to other addresses is refused. */
  readonly peerAddress?: string | undefined;
  /**
   * The types of authorization data that the service understands, none by default; a ticket with any other is
   * refused.
   */
  readonly authorizationData?: readonly number[] | undefined;
  /** Opens a ticket, or has it open already; `openTicket` by default. The contents stay the opener's. */
  readonly openTicket?: TicketOpener | undefined;
}

/**
 * Does what `openTicket` does, or remembers it. `now`, in milliseconds since the epoch, says what may still
 * be remembered.
 */
export type TicketOpener = (
  bytes: Uint8Array,
  service: ServiceKeys,
  permitted: readonly number[],
  now: number,
) => TicketContents;

/** A fresh subkey, of the session key's encryption type (RFC 4120 §5.5.1). */
export function makeSubkey(sessionKey: Key, random?: RandomSource): Key {
  return randomKey(sessionKey.etype, random);
}

/**
 * Message (5), or the proof in message (3): a ticket and a fresh authenticator.
 * @param covered the request's bytes as they will travel; the authenticator's checksum covers them.
 * @param fresh the subkey and first sequence number of the application data, if any follows.
 * @param now milliseconds since the epoch.
 */
export function makeApReq(
  credentials: Credentials,
  use: AuthenticatorUse,
  covered: Uint8Array,
  fresh: { readonly subkey: Key; readonly seqNumber: number } | undefined,
  now: number,
  random: RandomSource = systemRandom,
): { blobs: ApReqBlobs; pending: PendingApReq } {
  const { key } = credentials;
  const nonce = random(NONCE_SIZE);
  const authenticator = create(AuthenticatorSchema, {
    client: credentials.client,
    ctime: toTimestamp(now),
    checksum: { type: key.etype.checksumType, checksum: key.cipher.checksum(use.checksum, covered, random) },
    nonce,
  });
  if (fresh !== undefined) {
    authenticator.subkey = toEncryptionKey(fresh.subkey);
    authenticator.seqNumber = fresh.seqNumber;
  }
  const sealed = sealToBytes({ key, usage: use.authenticator }, "authenticator", authenticator, random);
  return {
    blobs: { ticket: credentials.ticket, authenticator: sealed },
    pending: { sessionKey: key, ctime: now, nonce },
  };
}

/**
 * Checks a ticket and its authenticator: all of RFC 4120 §3.2.3 except the replay cache, which is the
 * caller's last step.
 * @param covered the request's bytes as they were received.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `openTicket` and `checkTicketTimes`; for the authenticator KRB_AP_ERR_BAD_INTEGRITY,
 *   KRB_AP_ERR_BADMATCH, KRB_AP_ERR_INAPP_CKSUM, KRB_AP_ERR_MODIFIED, KRB_AP_ERR_SKEW and KRB_ERR_GENERIC;
 *   for the ticket's restrictions KRB_AP_ERR_BADADDR and KDC_ERR_POLICY.
 */
export function verifyApReq(
  blobs: ApReqBlobs,
  use: AuthenticatorUse,
  covered: Uint8Array,
  policy: ApReqPolicy,
  now: number,
): VerifiedApReq {
  const open: TicketOpener = policy.openTicket ?? openTicket;
  const ticket = open(blobs.ticket, policy.service, policy.permittedEtypes, now);
  const sealed = decodeBlob(EncryptedDataSchema, blobs.authenticator, "authenticator");
  const sealing = { key: ticket.sessionKey, usage: use.authenticator };
  const authenticator = unseal(sealing, "authenticator", sealed, authenticatorBadIntegrity);
  if (authenticator.client !== ticket.client)
    throw new KrbError("KRB_AP_ERR_BADMATCH", "ticket and authenticator name different clients");
  checkChecksum(authenticator, ticket.sessionKey, use.checksum, covered);
  if (authenticator.ctime === undefined) throw malformed("authenticator.ctime", "required");
  const { length } = authenticator.nonce;
  if (length < NONCE_MIN || length > NONCE_MAX)
    throw malformed("authenticator.nonce", `expected ${NONCE_MIN} to ${NONCE_MAX} bytes, got ${length}`);
  const ctime = fromTimestamp(authenticator.ctime, "authenticator.ctime");
  checkSkew(ctime, now, policy.clockSkew);
  checkTicketTimes(ticket, now, policy.clockSkew);
  checkRestrictions(ticket, policy);
  const subkey = authenticator.subkey
    ? fromEncryptionKey(authenticator.subkey, [ticket.sessionKey.etype.etype], "authenticator.subkey")
    : undefined;
  const tag = replayTag(policy.service.principal, sealed);
  return {
    ticket,
    client: ticket.client,
    authenticator,
    subkey,
    replay: { tag, ctime, expiry: ctime + policy.clockSkew },
  };
}

/** A first sequence number, from 1 to 2³⁰ at random, which leaves room to count (RFC 4120 §5.3.2). */
export function randomSeqNumber(random: RandomSource = systemRandom): number {
  const [a, b, c, d] = random(4) as unknown as [number, number, number, number];
  return ((((a & 0x3f) << 24) | (b << 16) | (c << 8) | d) >>> 0) + 1;
}

/**
 * What the replay cache knows an authenticator by: 16 bytes of a hash over the service and the ciphertext
 * (RFC 4120 §3.2.3).
 */
export function replayTag(service: Principal, authenticator: EncryptedData): Uint8Array {
  const { cipher } = authenticator;
  const name = Buffer.allocUnsafe(service.length + 1 + cipher.length);
  // A principal is ASCII.
  name.write(service, "latin1");
  name[service.length] = 0;
  name.set(cipher, service.length + 1);
  return sha256(name, 16);
}

/**
 * Only the checksum type that goes with the session key's encryption type is accepted (RFC 4120 §3.2.3,
 * §3.3.2).
 */
function checkChecksum(authenticator: Authenticator, key: Key, usage: number, covered: Uint8Array): void {
  const expected = key.etype.checksumType;
  const { type, checksum } = authenticator.checksum ?? { type: 0, checksum: new Uint8Array() };
  if (type !== expected)
    throw new KrbError("KRB_AP_ERR_INAPP_CKSUM", `the authenticator needs a checksum of type ${expected}`, {
      expected: String(expected),
      got: String(type),
    });
  if (!key.cipher.verifyChecksum(usage, covered, checksum))
    throw new KrbError("KRB_AP_ERR_MODIFIED", "the request is not the one the authenticator was made for", {
      field: "checksum",
    });
}

function checkRestrictions(ticket: TicketContents, policy: ApReqPolicy): void {
  const { peerAddress, authorizationData: understood = [] } = policy;
  if (ticket.addresses.length > 0 && (peerAddress === undefined || !ticket.addresses.includes(peerAddress)))
    throw new KrbError("KRB_AP_ERR_BADADDR", "the ticket may not be used from this address");
  const unknown = ticket.authorizationData.find(({ type }) => !understood.includes(type));
  if (unknown !== undefined)
    throw new KrbError(
      "KDC_ERR_POLICY",
      `authorization data of type ${unknown.type} is not understood here`,
      {
        rule: "authorization-data",
        type: String(unknown.type),
      },
    );
}

function authenticatorBadIntegrity(): KrbError {
  return new KrbError(
    "KRB_AP_ERR_BAD_INTEGRITY",
    "the authenticator can't be opened with the ticket's session key",
    {
      part: "authenticator",
    },
  );
}
