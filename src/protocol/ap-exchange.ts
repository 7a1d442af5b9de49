/**
 * The AP exchange (RFC 4120 §3.2), both halves: a ticket and a fresh authenticator prove the client to a
 * service. The TGS takes the same proof (§3.3.2). The reply, which proves the service, is in ap-rep.ts.
 *
 *   client   makeApReq  ──(5) ticket, authenticator──▶ verifyApReq  service
 *   client   verifyApRep ◀─(6) AP-REP────────────────  makeApRep
 *
 * `verifyApReq` is pure: a service stores `replayRecord` in its replay cache last, when all else has passed.
 */
import type { RandomSource } from "../crypto/encryption-type.js";
import { systemRandom } from "../crypto/random.js";
import type { EncryptedData } from "../gen/kerberos/v1/encryption_pb.js";
import { ExtensionType } from "../gen/kerberos/v1/extension_pb.js";
import type { Authenticator } from "../gen/kerberos/v1/sealed_pb.js";
import {
  type AuthenticatorUse,
  authenticatorTime,
  type Carried,
  checkChecksum,
  makeAuthenticator,
  type OpenedAuthenticator,
  openAuthenticator,
  replayTag,
} from "./authenticator.js";
import { type AuthorizationElement, understoodElements } from "./authorization-data.js";
import type { Credentials } from "./credentials.js";
import { fromEncryptionKey } from "./encryption-key.js";
import { checkExtensions, extensionOf } from "./extensions.js";
import { checkSkew } from "./kerberos-time.js";
import { type Key, randomKey } from "./keys.js";
import { KrbError } from "./krb-error.js";
import type { Principal } from "./principal.js";
import { readSessionExtensions, SESSION_EXTENSIONS, type SessionExtensions } from "./session-extensions.js";
import { checkTicketTimes, openTicket, type ServiceKeys, type TicketContents } from "./ticket.js";

const NOTHING: Carried = {};
const RENEWAL_EXTENSIONS: readonly number[] = [ExtensionType.RENEWS];

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
  /** What the client says of sessions; nothing where the service has none. */
  readonly extensions: SessionExtensions;
  /** The ticket's authorization data, as far as the service understands it. */
  readonly authorizationData: readonly AuthorizationElement[];
  /** The authenticator as it travelled. */
  readonly sealed: EncryptedData;
  /** Its time, in milliseconds since the epoch. */
  readonly ctime: number;
}

/** What a replay cache keeps of an authenticator; times are milliseconds since the epoch. */
export interface ReplayRecord {
  readonly tag: Uint8Array;
  readonly ctime: number;
  /** Until when it must be kept. */
  readonly expiry: number;
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
   * refused, unless it stands in AD-IF-RELEVANT.
   */
  readonly authorizationData?: readonly number[] | undefined;
  /**
   * Judges a challenge; throws KrbError KDC_ERR_MORE_PREAUTH_DATA_REQUIRED for one that is not good.
   * Undefined: the service has neither challenges nor sessions.
   */
  readonly checkChallenge?: ((challenge: Uint8Array) => void) | undefined;
  /**
   * Whether an extension RENEWS has this data: the AP-REQ came inside a stream, and the authenticator is
   * judged by its place there, neither by its time nor by a challenge. Undefined: it came with a call.
   */
  readonly isPlace?: ((place: Uint8Array) => boolean) | undefined;
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
 * @param carried what the authenticator carries for what follows; nothing by default.
 * @param now milliseconds since the epoch.
 */
export function makeApReq(
  credentials: Credentials,
  use: AuthenticatorUse,
  covered: Uint8Array,
  carried: Carried | undefined,
  now: number,
  random: RandomSource = systemRandom,
): { blobs: ApReqBlobs; pending: PendingApReq } {
  const { sealed, nonce } = makeAuthenticator(credentials, use, covered, carried ?? NOTHING, now, random);
  return {
    blobs: { ticket: credentials.ticket, authenticator: sealed },
    pending: { sessionKey: credentials.key, ctime: now, nonce },
  };
}

/** A ticket and an authenticator that were opened; what the authenticator covers is not checked yet. */
export interface OpenedApReq extends OpenedAuthenticator {
  readonly ticket: TicketContents;
  readonly use: AuthenticatorUse;
}

/**
 * Opens a ticket and its authenticator: the checks that need no more than these. Whoever does not go on to
 * `verifyOpenedApReq` wipes the authenticator (`wipeAuthenticator`).
 * @param now milliseconds since the epoch.
 * @throws KrbError as `openTicket` and `openAuthenticator`.
 */
export function openApReq(
  blobs: ApReqBlobs,
  use: AuthenticatorUse,
  policy: ApReqPolicy,
  now: number,
): OpenedApReq {
  const open: TicketOpener = policy.openTicket ?? openTicket;
  const ticket = open(blobs.ticket, policy.service, policy.permittedEtypes, now);
  return { ticket, use, ...openAuthenticator(ticket, use, blobs.authenticator) };
}

/**
 * Checks a ticket and its authenticator: all of RFC 4120 §3.2.3 except the replay cache, which is the
 * caller's last step.
 * @param covered the request's bytes as they were received.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `openApReq` and `verifyOpenedApReq`.
 */
export function verifyApReq(
  blobs: ApReqBlobs,
  use: AuthenticatorUse,
  covered: Uint8Array,
  policy: ApReqPolicy,
  now: number,
): VerifiedApReq {
  return verifyOpenedApReq(openApReq(blobs, use, policy, now), [covered], policy, now);
}

/**
 * The rest of the checks.
 * @param opened from `openApReq` with the same policy; its authenticator's key is taken over.
 * @param covered what the request may have been: the authenticator covers one of them.
 * @param now milliseconds since the epoch.
 * @throws KrbError KRB_AP_ERR_INAPP_CKSUM, KRB_AP_ERR_MODIFIED, KRB_AP_ERR_SKEW and KRB_ERR_GENERIC of the
 *   authenticator, KDC_ERR_POLICY of its extensions, KRB_AP_ERR_MODIFIED for another place in a stream; as
 *   `checkTicketTimes`; KRB_AP_ERR_BADADDR and KDC_ERR_POLICY for the ticket's restrictions; what
 *   `policy.checkChallenge` throws.
 */
export function verifyOpenedApReq(
  { ticket, use, authenticator, sealed }: OpenedApReq,
  covered: readonly Uint8Array[],
  policy: ApReqPolicy,
  now: number,
): VerifiedApReq {
  const { clockSkew, checkChallenge, isPlace } = policy;
  checkChecksum(authenticator, ticket.sessionKey, use.checksum, covered);
  checkExtensions(authenticator.extensions, "authenticator.extensions", understoodExtensions(policy));
  const ctime = authenticatorTime(authenticator);
  const extensions = readSessionExtensions(authenticator.extensions);
  if (isPlace !== undefined) checkPlace(authenticator, isPlace);
  else if (extensions.challenge === undefined || checkChallenge === undefined)
    checkSkew(ctime, now, clockSkew);
  else checkChallenge(extensions.challenge);
  checkTicketTimes(ticket, now, clockSkew);
  checkAddress(ticket, policy.peerAddress);
  const authorizationData = understoodElements(ticket.authorizationData, policy.authorizationData ?? []);
  const subkey = authenticator.subkey
    ? fromEncryptionKey(authenticator.subkey, [ticket.sessionKey.etype.etype], "authenticator.subkey")
    : undefined;
  return {
    ticket,
    client: ticket.client,
    authenticator,
    subkey,
    authorizationData,
    extensions,
    sealed,
    ctime,
  };
}

/**
 * What a service stores of an AP-REQ that it accepts.
 * @param clockSkew permitted difference of clocks, in milliseconds.
 */
export function replayRecord(
  { ticket, sealed, ctime }: Pick<VerifiedApReq, "ticket" | "sealed" | "ctime">,
  clockSkew: number,
): ReplayRecord {
  return { tag: replayTag(ticket.server, sealed), ctime, expiry: ctime + clockSkew };
}

function understoodExtensions({ checkChallenge, isPlace }: ApReqPolicy): readonly number[] {
  if (isPlace !== undefined) return RENEWAL_EXTENSIONS;
  return checkChallenge === undefined ? [] : SESSION_EXTENSIONS;
}

/** Neither an AP-REQ that was made for a call, nor one for another place, renews a stream here. */
function checkPlace({ extensions }: Authenticator, isPlace: (place: Uint8Array) => boolean): void {
  const place = extensionOf(extensions, ExtensionType.RENEWS);
  if (place !== undefined && isPlace(place)) return;
  throw new KrbError(
    "KRB_AP_ERR_MODIFIED",
    "the authenticator was not made to renew the stream at this place",
    {
      field: "authenticator.renews",
    },
  );
}

/** A first sequence number, from 1 to 2³⁰ at random, which leaves room to count (RFC 4120 §5.3.2). */
export function randomSeqNumber(random: RandomSource = systemRandom): number {
  const [a, b, c, d] = random(4) as unknown as [number, number, number, number];
  return ((((a & 0x3f) << 24) | (b << 16) | (c << 8) | d) >>> 0) + 1;
}

/**
 * Checks that a ticket may be used from the peer's network address; a ticket without addresses may be from
 * any.
 * @throws KrbError KRB_AP_ERR_BADADDR.
 */
export function checkAddress(
  { addresses }: Pick<TicketContents, "addresses">,
  peerAddress: string | undefined,
): void {
  if (addresses.length > 0 && (peerAddress === undefined || !addresses.includes(peerAddress)))
    throw new KrbError("KRB_AP_ERR_BADADDR", "the ticket may not be used from this address");
}
