/**
 * The proof of one attempt at a call under a session, both halves (session.proto).
 *
 *   client  makeSessionCall ──kerberos-call-bin──▶  readSessionCall, verifySessionCall  service
 */
import { create } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { encodeCanonical } from "../canonical/encode.js";
import { publicBytes } from "../canonical/public-bytes.js";
import { varintSize, writeVarint } from "../canonical/varint.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import { SessionBindingSchema, SessionCallSchema } from "../gen/kerberos/v1/session_pb.js";
import {
  type BoundCall,
  LEVELS,
  PROTECTIONS,
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

const callFields = SessionCallSchema.field;
/** Tags of the fields of a SessionCall. */
const CALL_FIELD = {
  number: tag(callFields.number, WireType.Varint),
  call: tag(callFields.call, WireType.Varint),
  protection: tag(callFields.protection, WireType.Varint),
  age: tag(callFields.age, WireType.Varint),
  mac: tag(callFields.mac, WireType.LengthDelimited),
};
const BY_LEVEL: Readonly<Record<number, Protection | undefined>> = Object.fromEntries(
  PROTECTIONS.map((name) => [LEVELS[name], name]),
);

/** The fields of a binding that the calls of a method have in common, encoded. */
interface SharedBinding {
  readonly authority: string;
  readonly protection: Protection;
  readonly encoded: Uint8Array;
}

const MAX_SHARED_BINDINGS = 256;
/** By method, which few authorities and levels go with. */
const sharedBindings = new Map<string, SharedBinding[]>();
let sharedCount = 0;

/**
 * The client's proof for one attempt, never to be used for another.
 * @param key the session's key `call`.
 * @returns a serialized SessionCall, the caller's.
 */
export function makeSessionCall(key: MacKey, attempt: SessionAttempt, call: BoundCall): Uint8Array {
  const { session, number, protection, age } = attempt;
  const mac = key.mac(encodeBinding(attempt, call.method, call.authority, call.requestSha256));
  const bytes = publicBytes(sessionCallSize(attempt));
  bytes[0] = SESSION_TAG;
  bytes[1] = SESSION_ID_SIZE;
  bytes.set(session, 2);
  let at = 2 + SESSION_ID_SIZE;
  bytes[at++] = CALL_FIELD.number;
  at = writeVarint(bytes, at, number);
  if (attempt.call !== number) {
    bytes[at++] = CALL_FIELD.call;
    at = writeVarint(bytes, at, attempt.call);
  }
  bytes[at++] = CALL_FIELD.protection;
  bytes[at++] = LEVELS[protection];
  if (age !== 0) {
    bytes[at++] = CALL_FIELD.age;
    at = writeVarint(bytes, at, age);
  }
  bytes[at++] = CALL_FIELD.mac;
  bytes[at++] = MAC_SIZE;
  bytes.set(mac, at);
  return bytes;
}

function sessionCallSize({ number, call, age }: SessionAttempt): number {
  const first = call === number ? 0 : 1 + varintSize(call);
  const seconds = age === 0 ? 0 : 1 + varintSize(age);
  return 2 + SESSION_ID_SIZE + 1 + varintSize(number) + first + 2 + seconds + 2 + MAC_SIZE;
}

/**
 * Reads the metadata `kerberos-call-bin`.
 * @returns views of `bytes`.
 * @throws KrbError KRB_ERR_GENERIC for bytes that are no SessionCall, or one that no client makes.
 */
export function readSessionCall(bytes: Uint8Array): ReceivedSessionCall {
  if (bytes.length > MAX_SESSION_CALL_BYTES) throw malformed("call", "not a serialized SessionCall");
  return readFirstAttempt(bytes) ?? readAny(bytes);
}

/**
 * The usual case, read by hand: a call's first attempt. Undefined for any other bytes, canonical or not: then
 * the general reader says what they are.
 */
function readFirstAttempt(bytes: Uint8Array): ReceivedSessionCall | undefined {
  if (bytes[0] !== SESSION_TAG || bytes[1] !== SESSION_ID_SIZE) return undefined;
  let at = 2 + SESSION_ID_SIZE;
  if (bytes[at] !== CALL_FIELD.number) return undefined;
  const numberEnd = varintEnd(bytes, at + 1);
  const number = varintAt(bytes, at + 1, numberEnd);
  at = numberEnd;
  if (bytes[at] !== CALL_FIELD.protection) return undefined;
  const protection = BY_LEVEL[bytes[at + 1]!];
  at += 2;
  let age = 0;
  if (bytes[at] === CALL_FIELD.age) {
    const ageEnd = varintEnd(bytes, at + 1);
    age = varintAt(bytes, at + 1, ageEnd);
    if (age === 0) return undefined;
    at = ageEnd;
  }
  if (bytes[at] !== CALL_FIELD.mac || bytes[at + 1] !== MAC_SIZE) return undefined;
  if (bytes.length !== at + 2 + MAC_SIZE || number === 0 || protection === undefined) return undefined;
  const session = bytes.subarray(2, 2 + SESSION_ID_SIZE);
  return { session, number, call: number, protection, age, mac: bytes.subarray(at + 2) };
}

/** Where a varint of at most four bytes ends. */
function varintEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end < at + 3 && bytes[end]! > 0x7f) end++;
  return end + 1;
}

/**
 * The number of a varint of at most four bytes; 0 for one that is no such varint, or longer than it need be.
 */
function varintAt(bytes: Uint8Array, at: number, end: number): number {
  const last = bytes[end - 1];
  if (last === undefined || last > 0x7f || last === 0) return 0;
  let value = 0;
  for (let i = end - 1; i >= at; i--) value = value * 0x80 + (bytes[i]! & 0x7f);
  return value;
}

function readAny(bytes: Uint8Array): ReceivedSessionCall {
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

/** The bytes that the MAC covers: the canonical encoding of a SessionBinding; the caller's. */
export function sessionBinding(
  attempt: SessionAttempt,
  { method, authority, requestSha256 }: Omit<BoundCall, "protection">,
): Uint8Array {
  return encodeBinding(attempt, method, authority, requestSha256).slice();
}

/**
 * Written out, into a buffer that is used again: it is made for every call, on both sides. Good until the
 * next one is made.
 */
function encodeBinding(
  { session, number, call, protection, age }: SessionAttempt,
  method: string,
  authority: string,
  digest: Uint8Array | undefined,
): Uint8Array {
  const shared = sharedBinding(method, authority, protection);
  const bytes = roomFor(MAX_OWN_FIELDS + shared.length);
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
    at += DIGEST_SIZE;
  }
  return bytes.subarray(0, at);
}

/** The most bytes of a binding's fields other than method, authority and protection. */
const MAX_OWN_FIELDS = 2 + SESSION_ID_SIZE + 2 * (1 + 8) + (1 + 5) + 2 + DIGEST_SIZE;
let scratch = new Uint8Array(1024);

function roomFor(size: number): Uint8Array {
  if (size > scratch.length) scratch = new Uint8Array(2 * size);
  return scratch;
}

/** The encoding of method, authority and protection; the bytes stay the cache's. */
function sharedBinding(method: string, authority: string, protection: Protection): Uint8Array {
  const known = sharedBindings.get(method);
  if (known !== undefined)
    for (const shared of known)
      if (shared.authority === authority && shared.protection === protection) return shared.encoded;
  const binding = create(SessionBindingSchema, { method, authority, protection: LEVELS[protection] });
  const encoded = encodeCanonical(SessionBindingSchema, binding);
  if (sharedCount >= MAX_SHARED_BINDINGS) {
    sharedBindings.clear();
    sharedCount = 0;
  }
  sharedCount++;
  sharedBindings.set(method, [...(sharedBindings.get(method) ?? []), { authority, protection, encoded }]);
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
