/**
 * The AP exchange in the metadata of a gRPC call, both halves (guard.proto): the authenticator is good for
 * that call alone.
 *
 *   client  makeCallApReq ──kerberos-ap-req-bin──▶  readApReq, verifyCallApReq  service
 *
 * The answer is that of ap-rep.ts; it has a subkey if, and only if, a direction of the call is
 * protected.
 */
import { create } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { encodeCanonical } from "../canonical/encode.js";
import { publicBytes } from "../canonical/public-bytes.js";
import type { RandomSource } from "../crypto/encryption-type.js";
import { sha256 } from "../crypto/hash.js";
import { type ApReq, ApReqSchema } from "../gen/kerberos/v1/application_service_pb.js";
import { EncryptedDataSchema } from "../gen/kerberos/v1/encryption_pb.js";
import type { Extension } from "../gen/kerberos/v1/extension_pb.js";
import { CallBindingSchema, ProtectionLevel } from "../gen/kerberos/v1/guard_pb.js";
import {
  type ApReqPolicy,
  makeApReq,
  type OpenedApReq,
  openApReq,
  type PendingApReq,
  type VerifiedApReq,
  verifyOpenedApReq,
} from "./ap-exchange.js";
import { AP_USE, type Carried, replayTag } from "./authenticator.js";
import type { Credentials } from "./credentials.js";
import { checkExtensions } from "./extensions.js";
import { malformed, tooLong } from "./krb-error.js";
import type { Principal } from "./principal.js";
import { decodeBlob } from "./strict-decode.js";

/** How much of a call is protected, from least to most (guard.proto, ProtectionLevel). */
export const PROTECTIONS = ["call", "authenticate", "integrity", "privacy"] as const;
/** The name of a level of protection. */
export type Protection = (typeof PROTECTIONS)[number];

/** The most bytes of a serialized AP-REQ: by custom metadata has 8 KiB for everything. */
export const MAX_AP_REQ_BYTES = 4096;

/** Which sides of a call send a stream. */
export interface CallShape {
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** The call that an authenticator is bound to. */
export interface BoundCall {
  /** `/package.Service/Method`. */
  readonly method: string;
  /** The host of the HTTP/2 `:authority`, in lower case, without port or brackets. */
  readonly authority: string;
  readonly protection: Protection;
  /** SHA-256 of the single request as it travels; undefined for a stream of requests. */
  readonly requestSha256: Uint8Array | undefined;
}

/** The levels' numbers. */
export const LEVELS: Readonly<Record<Protection, ProtectionLevel>> = {
  call: ProtectionLevel.CALL,
  authenticate: ProtectionLevel.AUTHENTICATE,
  integrity: ProtectionLevel.INTEGRITY,
  privacy: ProtectionLevel.PRIVACY,
};
const DIGEST_TAG = (CallBindingSchema.field.requestSha256.number << 3) | WireType.LengthDelimited;
const SHA256_SIZE = 32;
const NOTHING = new Uint8Array();
const NO_EXTENSIONS: readonly Extension[] = [];
const MAX_SHARED_BINDINGS = 256;
const sharedBindings = new Map<string, Uint8Array>();

/** The name of a level. Throws KrbError KRB_ERR_GENERIC, which names the field, for any other number. */
export function protectionOf(level: ProtectionLevel, field: string): Protection {
  const protection = PROTECTIONS.find((name) => LEVELS[name] === level);
  if (protection === undefined) throw malformed(field, "not a level of protection");
  return protection;
}

/** SHA-256 of a single message as it travels: what bindings and answers hold of it. */
export function messageSha256(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}

/** Whether `protection` is at least `floor`. */
export function isAtLeast(protection: Protection, floor: Protection): boolean {
  return protection === floor || PROTECTIONS.indexOf(protection) > PROTECTIONS.indexOf(floor);
}

/**
 * Whether the messages of a direction are protected: streams from
 * `authenticate` upwards, single messages from `integrity` upwards.
 */
export function isProtected(protection: Protection, stream: boolean): boolean {
  return protection === "integrity" || protection === "privacy" || (stream && protection === "authenticate");
}

/** Whether any direction of a call is protected, so that both sides need subkeys. */
export function needsSubkeys(protection: Protection, shape: CallShape): boolean {
  return isProtected(protection, shape.requestStream || shape.responseStream);
}

/**
 * The bytes an authenticator's checksum covers: the canonical encoding of a CallBinding.
 * @param extensions those of the ApReq.
 */
export function callBinding(
  { method, authority, protection, requestSha256 }: BoundCall,
  extensions: readonly Extension[] = NO_EXTENSIONS,
): Uint8Array {
  // Digest and extensions are the last fields, so they follow what all calls of the method have in common.
  const shared = sharedBinding(method, authority, protection);
  const digestSize = requestSha256 === undefined ? 0 : 2 + SHA256_SIZE;
  const tail = extensions.length === 0 ? NOTHING : encodedExtensions(extensions);
  const bytes = publicBytes(shared.length + digestSize + tail.length);
  bytes.set(shared);
  if (requestSha256 !== undefined) {
    bytes[shared.length] = DIGEST_TAG;
    bytes[shared.length + 1] = SHA256_SIZE;
    bytes.set(requestSha256, shared.length + 2);
  }
  bytes.set(tail, shared.length + digestSize);
  return bytes;
}

function encodedExtensions(extensions: readonly Extension[]): Uint8Array {
  return encodeCanonical(CallBindingSchema, create(CallBindingSchema, { extensions: [...extensions] }));
}

/** The encoding of a binding without its digest; the bytes stay the cache's. */
function sharedBinding(method: string, authority: string, protection: Protection): Uint8Array {
  // With the length, so that no two pairs of method and authority give the same name.
  const name = `${protection} ${method.length} ${method}${authority}`;
  let encoded = sharedBindings.get(name);
  if (encoded === undefined) {
    const binding = { method, authority, protection: LEVELS[protection] };
    encoded = encodeCanonical(CallBindingSchema, create(CallBindingSchema, binding));
    // Callers choose the authority, so the map must not grow without limit.
    if (sharedBindings.size >= MAX_SHARED_BINDINGS) sharedBindings.clear();
    sharedBindings.set(name, encoded);
  }
  return encoded;
}

/**
 * The client's proof for one attempt at a call, never to be used for another.
 * @param carried the subkey and first sequence number, the same for all of a call's attempts, if a direction
 *   is protected; a subkey if a session is asked for; extensions.
 * @param now milliseconds since the epoch.
 * @throws KrbError KRB_ERR_FIELD_TOOLONG when ticket and authenticator are too long for metadata.
 */
export function makeCallApReq(
  credentials: Credentials,
  call: BoundCall,
  carried: Carried | undefined,
  now: number,
  random?: RandomSource,
): { bytes: Uint8Array; pending: PendingApReq } {
  const { blobs, pending } = makeApReq(credentials, AP_USE, callBinding(call), carried, now, random);
  const protection = LEVELS[call.protection];
  const message: ApReq = { $typeName: "kerberos.v1.ApReq", ...blobs, protection, extensions: [] };
  const bytes = encodeCanonical(ApReqSchema, message);
  checkLength(bytes);
  return { bytes, pending };
}

/** What a replay cache knows the authenticator of an AP-REQ by (`replayTag`). */
export function apReqTag(bytes: Uint8Array, service: Principal): Uint8Array {
  const { authenticator } = decodeBlob(ApReqSchema, bytes, "ap_req");
  return replayTag(service, decodeBlob(EncryptedDataSchema, authenticator, "authenticator"));
}

/** An AP-REQ as it was received; nothing in it is proven yet. */
export interface ReceivedApReq {
  readonly blobs: ApReq;
  readonly protection: Protection;
  /** The AP-REQ as it travelled. */
  readonly bytes: Uint8Array;
}

/**
 * Reads an AP-REQ from the metadata it travelled in.
 * @throws KrbError KRB_ERR_FIELD_TOOLONG; KRB_ERR_GENERIC for bytes that are not an ApReq, or name no level
 *   of protection; of its extensions as `checkExtensions`.
 */
export function readApReq(bytes: Uint8Array): ReceivedApReq {
  checkLength(bytes);
  const blobs = decodeBlob(ApReqSchema, bytes, "ap_req");
  const protection = protectionOf(blobs.protection, "ap_req.protection");
  checkExtensions(blobs.extensions, "ap_req.extensions");
  return { blobs, protection, bytes };
}

/** A call as it was received, without what its proof says of it. */
export interface ReceivedBinding extends Pick<BoundCall, "method" | "requestSha256">, CallShape {
  /** The hosts that the proof may be bound to, in lower case, without port or brackets: one of them fits. */
  readonly authorities: readonly string[];
}

/**
 * Opens an AP-REQ, before it is known what call it came with. Whoever does not go on to `verifyCallApReq`
 * wipes the authenticator.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `openApReq`.
 */
export function openCallApReq({ blobs }: ReceivedApReq, policy: ApReqPolicy, now: number): OpenedApReq {
  return openApReq(blobs, AP_USE, policy, now);
}

/**
 * Checks an AP-REQ against the call it came with, as it was received. The caller stores `replay` in the
 * replay cache last.
 * @param opened from `openCallApReq` with the same policy.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `verifyOpenedApReq`; KRB_ERR_GENERIC for a subkey that is missing, or that nothing
 *   needs.
 */
export function verifyCallApReq(
  { blobs, protection }: ReceivedApReq,
  opened: OpenedApReq,
  call: ReceivedBinding,
  policy: ApReqPolicy,
  now: number,
): VerifiedApReq {
  const { method, requestSha256 } = call;
  const bindings = call.authorities.map((authority) =>
    callBinding({ method, authority, protection, requestSha256 }, blobs.extensions),
  );
  const verified = verifyOpenedApReq(opened, bindings, policy, now);
  checkSubkey(verified, needsSubkeys(protection, call));
  return verified;
}

/** A subkey comes if, and only if, something needs it: protected messages, or a session. */
function checkSubkey({ subkey, authenticator, extensions }: VerifiedApReq, isProtected: boolean): void {
  const forSession = extensions.asksForSession === true;
  if (subkey === undefined && (isProtected || forSession)) {
    const what = isProtected ? "to protect messages" : "for a session";
    throw malformed("authenticator.subkey", `required ${what}`);
  }
  const needless =
    subkey !== undefined && !isProtected && !forSession
      ? "subkey"
      : authenticator.seqNumber !== 0 && !isProtected
        ? "seq_number"
        : undefined;
  if (needless === undefined) return;
  subkey?.wipe();
  throw malformed(`authenticator.${needless}`, "no message of this call is protected");
}

function checkLength({ length }: Uint8Array): void {
  if (length > MAX_AP_REQ_BYTES)
    throw tooLong("ap_req", length, MAX_AP_REQ_BYTES, `at most ${MAX_AP_REQ_BYTES} bytes travel in metadata`);
}
