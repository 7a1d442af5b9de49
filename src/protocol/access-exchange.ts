/**
 * The exchange with V (RFC 4120 §3.2 and §3.5 together), both halves: an AP exchange that carries one sealed
 * request and one sealed response. Application data is sealed under fresh subkeys, never under the ticket's
 * session key.
 *
 *   client  makeAccessReq ──(5) AccessRequest──▶  verifyAccessReq  V
 *   client  openAccessRep ◀─(6) AccessResponse──  makeAccessRep
 */
import { create } from "@bufbuild/protobuf";
import type { RandomSource } from "../crypto/encryption-type.js";
import {
  type AccessRequest,
  AccessRequestSchema,
  type AccessResponse,
} from "../gen/kerberos/v1/application_service_pb.js";
import {
  type ApReqPolicy,
  makeApReq,
  makeSubkey,
  type PendingApReq,
  randomSeqNumber,
  type VerifiedApReq,
  verifyApReq,
} from "./ap-exchange.js";
import { makeApRep, verifyApRep } from "./ap-rep.js";
import { AP_USE } from "./authenticator.js";
import type { Credentials } from "./credentials.js";
import { malformed } from "./krb-error.js";
import { openData, sealData, TO_CLIENT, TO_SERVICE } from "./private-message.js";

/**
 * Message (5): seals `userData` under a fresh subkey and proves the client. `now` is in milliseconds since
 * the epoch.
 */
export function makeAccessReq(
  credentials: Credentials,
  userData: Uint8Array,
  now: number,
  random?: RandomSource,
): { request: AccessRequest; pending: PendingApReq } {
  const fresh = { subkey: makeSubkey(credentials.key, random), seqNumber: randomSeqNumber(random) };
  try {
    const sealed = sealData(fresh.subkey, TO_SERVICE, fresh.seqNumber, userData, random);
    const { blobs, pending } = makeApReq(credentials, AP_USE, sealed, fresh, now, random);
    return { request: create(AccessRequestSchema, { ...blobs, request: sealed }), pending };
  } finally {
    fresh.subkey.wipe();
  }
}

/** A request that has passed every check except the replay cache. */
export interface VerifiedAccess {
  /** Its subkey is already wiped. */
  readonly verified: VerifiedApReq;
  /** What the client sealed. */
  readonly userData: Uint8Array;
}

/**
 * Checks message (5) and opens what it carries. The caller then stores its `replayRecord` in the replay
 * cache.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `verifyApReq` and `openData`; KRB_ERR_GENERIC without a subkey.
 */
export function verifyAccessReq(request: AccessRequest, policy: ApReqPolicy, now: number): VerifiedAccess {
  if (request.request.length === 0) throw malformed("request", "required");
  const verified = verifyApReq(request, AP_USE, request.request, policy, now);
  if (verified.subkey === undefined) throw malformed("authenticator.subkey", "required");
  try {
    const { seqNumber } = verified.authenticator;
    return { verified, userData: openData(verified.subkey, TO_SERVICE, seqNumber, request.request) };
  } finally {
    verified.subkey.wipe();
  }
}

/** Message (6): proves the service and seals `userData` under the service's own fresh subkey. */
export function makeAccessRep(
  verified: VerifiedApReq,
  userData: Uint8Array,
  random?: RandomSource,
): AccessResponse {
  const { bytes, subkey, seqNumber } = makeApRep(verified, random);
  try {
    const response = sealData(subkey, TO_CLIENT, seqNumber, userData, random);
    return { $typeName: "kerberos.v1.AccessResponse", apRep: bytes, response };
  } finally {
    subkey.wipe();
  }
}

/**
 * Checks message (6) and opens what it carries.
 * @throws KrbError as `verifyApRep` and `openData`.
 */
export function openAccessRep(response: AccessResponse, pending: PendingApReq): Uint8Array {
  const { subkey, seqNumber } = verifyApRep(response.apRep, pending);
  try {
    return openData(subkey, TO_CLIENT, seqNumber, response.response);
  } finally {
    subkey.wipe();
  }
}
