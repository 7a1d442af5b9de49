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
import { CallBindingSchema, ProtectionLevel } from "../gen/kerberos/v1/guard_pb.js";
import {
  AP_USE,
  type ApReqPolicy,
  makeApReq,
  type PendingApReq,
  type VerifiedApReq,
  verifyApReq,
} from "./ap-exchange.js";
import type { Credentials } from "./credentials.js";
import type { Key } from "./keys.js";
import { malformed, tooLong } from "./krb-error.js";
import { decodeBlob } from "./strict-decode.js";

/** How much of a call is protected, from least to most (guard.proto, ProtectionLevel). */
export const PROTECTIONS = ["authenticate", "integrity", "privacy"] as const;
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
  /** The HTTP/2 `:authority`. */
  readonly authority: string;
  readonly protection: Protection;
  /** The single request as it travels; undefined for a stream of requests. */
  readonly request: Uint8Array | undefined;
}

const LEVELS: Readonly<Record<Protection, ProtectionLevel>> = {
  authenticate: ProtectionLevel.AUTHENTICATE,
  integrity: ProtectionLevel.INTEGRITY,
  privacy: ProtectionLevel.PRIVACY,
};
const DIGEST_TAG = (CallBindingSchema.field.requestSha256.number << 3) | WireType.LengthDelimited;
const SHA256_SIZE = 32;
const MAX_SHARED_BINDINGS = 256;
const sharedBindings = new Map<string, Uint8Array>();

/** Whether `protection` is at least `floor`. */
export function isAtLeast(protection: Protection, floor: Protection): boolean {
  return LEVELS[protection] >= LEVELS[floor];
}

/**
 * Whether the messages of a direction are protected: streams always, single messages from `integrity`
 * upwards.
 */
export function isProtected(protection: Protection, stream: boolean): boolean {
  return stream || protection !== "authenticate";
}

/** Whether any direction of a call is protected, so that both sides need subkeys. */
export function needsSubkeys(protection: Protection, shape: CallShape): boolean {
  return isProtected(protection, shape.requestStream || shape.responseStream);
}

/** The bytes an authenticator's checksum covers: the canonical encoding of a CallBinding. */
export function callBinding({ method, authority, protection, request }: BoundCall): Uint8Array {
  const shared = sharedBinding(method, authority, protection);
  if (request === undefined) return shared.slice();
  // The digest is the last field, so it follows what all calls of the method have in common.
  const bytes = publicBytes(shared.length + 2 + SHA256_SIZE);
  bytes.set(shared);
  bytes[shared.length] = DIGEST_TAG;
  bytes[shared.length + 1] = SHA256_SIZE;
  bytes.set(sha256(request), shared.length + 2);
  return bytes;
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
 * @param fresh the call's subkey and first sequence number, the same for all its attempts; undefined if no
 *   direction is protected.
 * @param now milliseconds since the epoch.
 * @throws KrbError KRB_ERR_FIELD_TOOLONG when ticket and authenticator are too long for metadata.
 */
export function makeCallApReq(
  credentials: Credentials,
  call: BoundCall,
  fresh: { readonly subkey: Key; readonly seqNumber: number } | undefined,
  now: number,
  random?: RandomSource,
): { bytes: Uint8Array; pending: PendingApReq } {
  const { blobs, pending } = makeApReq(credentials, AP_USE, callBinding(call), fresh, now, random);
  const protection = LEVELS[call.protection];
  const message: ApReq = { $typeName: "kerberos.v1.ApReq", ...blobs, protection };
  const bytes = encodeCanonical(ApReqSchema, message);
  checkLength(bytes);
  return { bytes, pending };
}

/** An AP-REQ as it was received; nothing in it is proven yet. */
export interface ReceivedApReq {
  readonly blobs: ApReq;
  readonly protection: Protection;
}

/**
 * Reads an AP-REQ from the metadata it travelled in.
 * @throws KrbError KRB_ERR_FIELD_TOOLONG; KRB_ERR_GENERIC for bytes that are not an ApReq, or name no level
 *   of protection.
 */
export function readApReq(bytes: Uint8Array): ReceivedApReq {
  checkLength(bytes);
  const blobs = decodeBlob(ApReqSchema, bytes, "ap_req");
  const protection = PROTECTIONS.find((name) => LEVELS[name] === blobs.protection);
  if (protection === undefined) throw malformed("ap_req.protection", "not a level of protection");
  return { blobs, protection };
}

/**
 * Checks an AP-REQ against the call it came with, as it was received. The caller stores `replay` in the
 * replay cache last.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `verifyApReq`; KRB_ERR_GENERIC for a subkey that is missing, or that nothing needs.
 */
export function verifyCallApReq(
  { blobs, protection }: ReceivedApReq,
  call: Omit<BoundCall, "protection"> & CallShape,
  policy: ApReqPolicy,
  now: number,
): VerifiedApReq {
  const { method, authority, request } = call;
  const binding = callBinding({ method, authority, protection, request });
  const verified = verifyApReq(blobs, AP_USE, binding, policy, now);
  const { subkey, authenticator } = verified;
  if (needsSubkeys(protection, call)) {
    if (subkey === undefined) throw malformed("authenticator.subkey", "required to protect messages");
  } else if (subkey !== undefined || authenticator.seqNumber !== 0) {
    subkey?.wipe();
    const field = subkey === undefined ? "seq_number" : "subkey";
    throw malformed(`authenticator.${field}`, "no message of this call is protected");
  }
  return verified;
}

function checkLength({ length }: Uint8Array): void {
  if (length > MAX_AP_REQ_BYTES)
    throw tooLong("ap_req", length, MAX_AP_REQ_BYTES, `at most ${MAX_AP_REQ_BYTES} bytes travel in metadata`);
}
