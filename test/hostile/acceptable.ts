/**
 * A model of what may be accepted of a sealed part that its key's holder altered: read leniently, judged by
 * RFC 4120. It says when a part must be refused; what it lets pass may be refused for other reasons.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import {
  type Authenticator,
  type EncTicketPart,
  type PaEncTimestamp,
  type SealedPart,
  SealedPartSchema,
  TicketFlag,
} from "../../src/gen/kerberos/v1/sealed_pb.js";
import { splitFields } from "../support/wire-fields.js";

/** Whether two serialized EncryptedData seal the same: a key version says only which keys to try. */
export function isSameSealed(one: Uint8Array, other: Uint8Array): boolean {
  const [left, right] = [one, other].map((bytes) => fromBinary(EncryptedDataSchema, bytes));
  return left!.etype === right!.etype && same(left!.cipher, right!.cipher);
}

/** Whether two serialized tickets are the same, but for the key version beside what is sealed. */
export function isSameTicket(one: Uint8Array, other: Uint8Array): boolean {
  const [left, right] = [one, other].map((bytes) => splitFields(bytes));
  const [leftServer, leftPart] = left!;
  const [rightServer, rightPart] = right!;
  return same(leftServer!.raw, rightServer!.raw) && isSameSealed(leftPart!.value!, rightPart!.value!);
}

/** Whether an altered plaintext may be accepted where `original` was good. Times in milliseconds. */
export function isAcceptable(altered: Uint8Array, original: Uint8Array, now: number, skew: number): boolean {
  const read = readSealed(altered);
  if (read === undefined) return false;
  const { part } = read;
  const good = fromBinary(SealedPartSchema, original);
  if (
    Buffer.compare(toBinary(SealedPartSchema, { $typeName: "kerberos.v1.SealedPart", part }), altered) !== 0
  )
    return false;
  if (part.case !== good.part.case) return false;
  if (part.case === "encTimestamp") return isProof(part.value, good.part.value as PaEncTimestamp, now, skew);
  if (part.case === "authenticator")
    return isAuthenticator(part.value, good.part.value as Authenticator, now, skew);
  if (part.case === "encTicketPart") return isTicket(part.value, good.part.value as EncTicketPart, now, skew);
  return false;
}

function readSealed(bytes: Uint8Array): SealedPart | undefined {
  try {
    return fromBinary(SealedPartSchema, bytes);
  } catch {
    return undefined;
  }
}

function isProof(proof: PaEncTimestamp, good: PaEncTimestamp, now: number, skew: number): boolean {
  return isWithin(proof.patimestamp, now, skew) && same(proof.nonce, good.nonce);
}

function isAuthenticator(it: Authenticator, good: Authenticator, now: number, skew: number): boolean {
  return (
    it.client === good.client &&
    it.checksum?.type === good.checksum?.type &&
    same(it.checksum!.checksum, good.checksum!.checksum) &&
    isWithin(it.ctime, now, skew) &&
    it.nonce.length >= 12 &&
    it.nonce.length <= 64 &&
    !it.extensions.some(({ critical }) => critical)
  );
}

function isTicket(it: EncTicketPart, good: EncTicketPart, now: number, skew: number): boolean {
  const { starttime, endtime } = it;
  if (it.authtime === undefined || starttime === undefined || endtime === undefined) return false;
  return (
    it.client === good.client &&
    it.server === good.server &&
    it.transited === "" &&
    it.key?.etype === good.key?.etype &&
    // Parity bits of a DES key are no part of it.
    it.key!.key.every((byte, at) => byte >>> 1 === good.key!.key[at]! >>> 1) &&
    msOf(starttime) - now <= skew &&
    now - msOf(endtime) <= skew &&
    !it.flags.includes(TicketFlag.INVALID) &&
    it.flags.includes(TicketFlag.RENEWABLE) === (it.renewTill !== undefined) &&
    !it.extensions.some(({ critical }) => critical)
  );
}

function isWithin(time: Timestamp | undefined, now: number, skew: number): boolean {
  return time !== undefined && Math.abs(msOf(time) - now) <= skew;
}

function msOf({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + Math.floor(nanos / 1e6);
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
