/**
 * The service's proof of its answer to a call under a session, both halves (session.proto, `SessionReply`).
 */
import { WireType } from "@bufbuild/protobuf/wire";
import { writeVarint } from "../canonical/varint.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import { SessionReplySchema } from "../gen/kerberos/v1/session_pb.js";
import { type MacKey, SESSION_ID_SIZE } from "./session-keys.js";

/** How an attempt was answered. */
export interface SessionAnswer {
  /** The session's identifier: 16 bytes. */
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

/** The proof of an answer: 16 bytes, the caller's. @param key the session's key `reply`. */
export function makeSessionReply(key: MacKey, answer: SessionAnswer): Uint8Array {
  return key.mac(encodeAnswer(answer));
}

/** Whether `proof` is the service's for this answer. */
export function isSessionReply(key: MacKey, answer: SessionAnswer, proof: Uint8Array): boolean {
  return equalBytes(makeSessionReply(key, answer), proof);
}

const { session, number, code, message, details, responseSha256, responses } = SessionReplySchema.field;
const TAG = {
  session: (session.number << 3) | WireType.LengthDelimited,
  number: (number.number << 3) | WireType.Varint,
  code: (code.number << 3) | WireType.Varint,
  message: (message.number << 3) | WireType.LengthDelimited,
  details: (details.number << 3) | WireType.LengthDelimited,
  responseSha256: (responseSha256.number << 3) | WireType.LengthDelimited,
  responses: (responses.number << 3) | WireType.Varint,
};
/** The most bytes of the fields but for text, details and digest. */
const MAX_OTHERS = 2 + SESSION_ID_SIZE + 2 * (1 + 8) + (1 + 5) + 3 * (1 + 5);

let scratch = Buffer.alloc(1024);

/**
 * The canonical encoding of a SessionReply, in a buffer that is used again: good until the next one. Written
 * out, for it is made for every call, on both sides.
 */
export function encodeAnswer(answer: SessionAnswer): Uint8Array {
  const text = Buffer.byteLength(answer.message);
  const size = MAX_OTHERS + text + answer.details.length + answer.responseSha256.length;
  if (size > scratch.length) scratch = Buffer.alloc(2 * size);
  let at = writeBytes(0, TAG.session, answer.session);
  at = writeNumber(at, TAG.number, answer.number);
  at = writeNumber(at, TAG.code, answer.code);
  if (text > 0) {
    at = writeNumber(at, TAG.message, text);
    at += scratch.write(answer.message, at);
  }
  at = writeBytes(at, TAG.details, answer.details);
  at = writeBytes(at, TAG.responseSha256, answer.responseSha256);
  at = writeNumber(at, TAG.responses, answer.responses);
  return scratch.subarray(0, at);
}

/** A default value is left out, here and below. */
function writeNumber(at: number, tag: number, value: number): number {
  if (value === 0) return at;
  scratch[at] = tag;
  return writeVarint(scratch, at + 1, value);
}

function writeBytes(at: number, tag: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return at;
  const start = writeNumber(at, tag, bytes.length);
  scratch.set(bytes, start);
  return start + bytes.length;
}
