/**
 * The proof of one attempt at a call under a session, both halves (session.proto).
 *
 *   client  makeSessionCall ──kerberos-call-bin──▶  readSessionCall, verifySessionCall  service
 */
import { create } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { encodeCanonical } from "../canonical/encode.js";
import { varintSize, writeVarint } from "../canonical/varint.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import { SessionBindingSchema, SessionCallSchema } from "../gen/kerberos/v1/session_pb.js";
import {
  type BoundCall,
  LEVELS,
  type Protection,
  protectionOf,
  type ReceivedBinding,
} from "./call-binding.js";
import { KrbError, malformed } from "./krb-error.js";
import { MAC_SIZE, type MacKey, SESSION_ID_SIZE } from "./session-keys.js";
import { decodeBlob } from "./strict-decode.js";

/** One attempt at a call under a session. */
export interface SessionAttempt {
  /** The session's identifier. */
  readonly session: Uint8Array;
  /** The attempt's number, from 1 to 2⁵³ − 1. */
  readonly number: number;
  /** The number of the call's first attempt. */
  readonly call: number;
  readonly protection: Protection;
  /** Whole seconds since the session was granted. */
  readonly age: number;
}

/** An attempt as it was received; nothing in it is proven yet. */
export interface ReceivedSessionCall extends SessionAttempt {
  readonly mac: Uint8Array;
}

/** The most bytes of a serialized SessionCall. */
const MAX_SESSION_CALL_BYTES = 80;

const DIGEST_SIZE = 32;
const fields = SessionBindingSchema.field;
const SESSION_TAG = tag(fields.session, WireType.LengthDelimited);
const NUMBER_TAG = tag(fields.number, WireType.Varint);
const CALL_TAG = tag(fields.call, WireType.Varint);
const AGE_TAG = tag(fields.age, WireType.Varint);
const DIGEST_TAG = tag(fields.requestSha256, WireType.LengthDelimited);

const MAX_SHARED_BINDINGS = 256;
const sharedBindings = new Map<string, Uint8Array>();

/**
 * The client's proof for one attempt, never to be used for another.
 * @param key the session's key `call`.
 * @returns a serialized SessionCall, the caller's.
 */
export function makeSessionCall(key: MacKey, attempt: SessionAttempt, call: BoundCall): Uint8Array {
  const { session, number, protection, age } = attempt;
  return encodeCanonical(
    SessionCallSchema,
    create(SessionCallSchema, {
      session,
      number: BigInt(number),
      call: attempt.call === number ? 0n : BigInt(attempt.call),
      protection: LEVELS[protection],
      age,
      mac: key.mac(sessionBinding(attempt, call)),
    }),
  );
}

/**
 * Reads the metadata `kerberos-call-bin`.
 * @returns views of `bytes`.
 * @throws KrbError KRB_ERR_GENERIC for bytes that are no SessionCall, or one that no client makes.
 */
export function readSessionCall(bytes: Uint8Array): ReceivedSessionCall {
  if (bytes.length > MAX_SESSION_CALL_BYTES) throw malformed("call", "not a serialized SessionCall");
  const { session, number, call, protection, age, mac } = decodeBlob(SessionCallSchema, bytes, "call");
  if (session.length !== SESSION_ID_SIZE)
    throw malformed("call.session", `expected ${SESSION_ID_SIZE} bytes`);
  if (mac.length !== MAC_SIZE) throw malformed("call.mac", `expected ${MAC_SIZE} bytes`);
  const own = safeNumber(number, "call.number");
  const first = call === 0n ? own : safeNumber(call, "call.call");
  if (call !== 0n && first >= own) throw malformed("call.call", "expected a lower number than the attempt's");
  return {
    session,
    number: own,
    call: first,
    protection: protectionOf(protection, "call.protection"),
    age,
    mac,
  };
}

/**
 * Checks that a received attempt was made for this call. Its number is the caller's to take, in the same
 * synchronous step.
 * @param key the session's key `call`.
 * @throws KrbError KRB_AP_ERR_MODIFIED.
 */
export function verifySessionCall(
  key: MacKey,
  received: ReceivedSessionCall,
  { method, requestSha256, authorities }: ReceivedBinding,
): void {
  for (const authority of authorities) {
    const mac = key.mac(encodeBinding(received, method, authority, requestSha256));
    if (equalBytes(mac, received.mac)) return;
  }
  throw new KrbError("KRB_AP_ERR_MODIFIED", "the call is not the one that the proof was made for", {
    field: "call.mac",
    method,
    authorities: authorities.join(" "),
  });
}

/** The bytes that the MAC covers: the canonical encoding of a SessionBinding. */
export function sessionBinding(
  attempt: SessionAttempt,
  { method, authority, requestSha256 }: Omit<BoundCall, "protection">,
): Uint8Array {
  return encodeBinding(attempt, method, authority, requestSha256);
}

/** Written out: it is made for every call, on both sides. */
function encodeBinding(
  { session, number, call, protection, age }: SessionAttempt,
  method: string,
  authority: string,
  digest: Uint8Array | undefined,
): Uint8Array {
  const shared = sharedBinding(method, authority, protection);
  const size =
    2 +
    SESSION_ID_SIZE +
    2 +
    varintSize(number) +
    varintSize(call) +
    shared.length +
    (age === 0 ? 0 : 1 + varintSize(age)) +
    (digest === undefined ? 0 : 2 + DIGEST_SIZE);
  const bytes = new Uint8Array(size);
  bytes[0] = SESSION_TAG;
  bytes[1] = SESSION_ID_SIZE;
  bytes.set(session, 2);
  let at = 2 + SESSION_ID_SIZE;
  bytes[at++] = NUMBER_TAG;
  at = writeVarint(bytes, at, number);
  bytes[at++] = CALL_TAG;
  at = writeVarint(bytes, at, call);
  bytes.set(shared, at);
  at += shared.length;
  if (age !== 0) {
    bytes[at++] = AGE_TAG;
    at = writeVarint(bytes, at, age);
  }
  if (digest !== undefined) {
    bytes[at++] = DIGEST_TAG;
    bytes[at++] = DIGEST_SIZE;
    bytes.set(digest, at);
  }
  return bytes;
}

/** The encoding of method, authority and protection; the bytes stay the cache's. */
function sharedBinding(method: string, authority: string, protection: Protection): Uint8Array {
  // With the length, so that no two pairs of method and authority give the same name.
  const name = `${protection} ${method.length} ${method}${authority}`;
  let encoded = sharedBindings.get(name);
  if (encoded === undefined) {
    const binding = create(SessionBindingSchema, { method, authority, protection: LEVELS[protection] });
    encoded = encodeCanonical(SessionBindingSchema, binding);
    if (sharedBindings.size >= MAX_SHARED_BINDINGS) sharedBindings.clear();
    sharedBindings.set(name, encoded);
  }
  return encoded;
}

function safeNumber(value: bigint, field: string): number {
  if (value < 1n || value > BigInt(Number.MAX_SAFE_INTEGER))
    throw malformed(field, "expected a number from 1 to 2^53 - 1");
  return Number(value);
}

function tag({ number }: { readonly number: number }, wireType: WireType): number {
  return (number << 3) | wireType;
}
