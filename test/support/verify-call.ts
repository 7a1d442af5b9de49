/** What a service does with an AP-REQ once it has its call: both steps at once. */
import { sha256 } from "../../src/crypto/hash.js";
import type { ApReqPolicy, VerifiedApReq } from "../../src/protocol/ap-exchange.js";
import {
  type CallShape,
  openCallApReq,
  type ReceivedApReq,
  verifyCallApReq,
} from "../../src/protocol/call-binding.js";

/** A call with the bytes of its single request. */
export interface RawCall extends CallShape {
  readonly method: string;
  readonly authority: string;
  readonly request: Uint8Array | undefined;
}

/** SHA-256 of a single request; undefined for a stream. */
export function digestOf(request: Uint8Array | undefined): Uint8Array | undefined {
  return request === undefined ? undefined : sha256(request);
}

/** Checks an AP-REQ against a call. Throws KrbError as `openCallApReq` and `verifyCallApReq`. */
export function verifyCall(
  received: ReceivedApReq,
  { authority, request, ...call }: RawCall,
  policy: ApReqPolicy,
  now: number,
): VerifiedApReq {
  const opened = openCallApReq(received, policy, now);
  const binding = { ...call, requestSha256: digestOf(request), authorities: [authority] };
  return verifyCallApReq(received, opened, binding, policy, now);
}
