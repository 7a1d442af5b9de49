/** The service's proof of its answer to a call under a session, both halves (session.proto, `SessionReply`). */
import { create } from "@bufbuild/protobuf";
import { encodeCanonical } from "../canonical/encode.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import { SessionReplySchema } from "../gen/kerberos/v1/session_pb.js";
import type { MacKey } from "./session-keys.js";

/** How an attempt was answered. */
export interface SessionAnswer {
  /** The session's identifier. */
  readonly session: Uint8Array;
  /** The attempt's number; 0 for the call that made the session. */
  readonly number: number;
  /** The gRPC status code. */
  readonly code: number;
  /** The status message, as text. */
  readonly message: string;
  /** The trailer `grpc-status-details-bin`; empty without one. */
  readonly details: Uint8Array;
  /** SHA-256 of the single response; empty where there is none, and of a stream. */
  readonly responseSha256: Uint8Array;
  /** How many messages a stream of responses had; 0 for a single response. */
  readonly responses: number;
}

/** The proof of an answer. @param key the session's key `reply`. */
export function makeSessionReply(key: MacKey, answer: SessionAnswer): Uint8Array {
  const { session, code, message, details, responseSha256 } = answer;
  const covered = create(SessionReplySchema, {
    session,
    number: BigInt(answer.number),
    code,
    message,
    details,
    responseSha256,
    responses: BigInt(answer.responses),
  });
  return key.mac(encodeCanonical(SessionReplySchema, covered));
}

/** Whether `proof` is the service's for this answer. */
export function isSessionReply(key: MacKey, answer: SessionAnswer, proof: Uint8Array): boolean {
  return equalBytes(makeSessionReply(key, answer), proof);
}
