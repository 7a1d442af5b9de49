/**
 * The messages of a guarded call under a subkey (guard.proto): with a keyed checksum (RFC 4120 §3.4,
 * KRB-SAFE) or sealed (§3.5, KRB-PRIV), counted from the sequence number announced.
 *
 * Invariants. Each direction of a call has one protector and one opener, used for that call alone. A checksum
 * is verified over the bytes received before any of them is read. An opener that has refused once refuses
 * everything after.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import type { RandomSource } from "../crypto/encryption-type.js";
import { ProtectedMessageSchema } from "../gen/kerberos/v1/guard_pb.js";
import { EncPrivPartSchema } from "../gen/kerberos/v1/sealed_pb.js";
import type { Protection } from "./call-binding.js";
import { KeyUsage } from "./key-usage.js";
import type { Key } from "./keys.js";
import { KrbError } from "./krb-error.js";
import { type Direction, TO_CLIENT, TO_SERVICE } from "./private-message.js";
import { sealToBytes, unsealFromBytes } from "./sealed-part.js";
import { decodeCanonical, NotCanonicalError } from "./strict-decode.js";

/** A direction of a call, with the key usage of its checksums. */
export interface MessageDirection extends Direction {
  readonly checksumUsage: number;
}

/** From client to service. */
export const REQUESTS: MessageDirection = {
  ...TO_SERVICE,
  checksumUsage: KeyUsage.REQUEST_MESSAGE_CHECKSUM,
};
/** From service to client. */
export const RESPONSES: MessageDirection = {
  ...TO_CLIENT,
  checksumUsage: KeyUsage.RESPONSE_MESSAGE_CHECKSUM,
};

/** What protects a direction: the sender's subkey and the sequence number it announced. */
export interface MessageKeys {
  readonly subkey: Key;
  readonly seqNumber: number;
}

/** A message that was opened: its bytes, or the end of the stream. */
export type OpenedMessage =
  | { readonly end: false; readonly message: Uint8Array }
  | { readonly end: true; readonly message: undefined };

interface Content {
  readonly message: Uint8Array;
  readonly seqNumber: number;
  readonly end: boolean;
}

const EMPTY = new Uint8Array();
const END: OpenedMessage = { end: true, message: undefined };
const CHECKSUM_TAG = (ProtectedMessageSchema.field.checksum.number << 3) | WireType.LengthDelimited;

/** The sender's side of one direction of a call. */
export class MessageProtector {
  readonly #direction: MessageDirection;
  readonly #key: Key;
  readonly #sealed: boolean;
  #next: number;

  constructor(direction: MessageDirection, keys: MessageKeys, protection: Protection) {
    this.#direction = direction;
    this.#key = keys.subkey;
    this.#next = keys.seqNumber;
    this.#sealed = protection === "privacy";
  }

  /** The next message as it travels. */
  protect(message: Uint8Array, random?: RandomSource): Uint8Array {
    return this.#write({ message, seqNumber: this.#count(), end: false }, random);
  }

  /** The end marker of a stream; nothing follows it. */
  end(random?: RandomSource): Uint8Array {
    return this.#write({ message: EMPTY, seqNumber: this.#count(), end: true }, random);
  }

  #count(): number {
    const seqNumber = this.#next;
    this.#next = nextSeqNumber(seqNumber);
    return seqNumber;
  }

  #write(content: Content, random: RandomSource | undefined): Uint8Array {
    const direction = this.#direction;
    if (this.#sealed) {
      const { message: userData, seqNumber, end } = content;
      const part = create(EncPrivPartSchema, { userData, seqNumber, end });
      return sealToBytes({ key: this.#key, usage: direction.usage }, direction.kind, part, random);
    }
    const covered = toBinary(ProtectedMessageSchema, create(ProtectedMessageSchema, { ...content }));
    const checksum = this.#key.cipher.checksum(direction.checksumUsage, covered, random);
    const bytes = new Uint8Array(covered.length + 2 + checksum.length);
    bytes.set(covered);
    bytes.set([CHECKSUM_TAG, checksum.length], covered.length);
    bytes.set(checksum, covered.length + 2);
    return bytes;
  }
}

/** The receiver's side of one direction of a call. */
export class MessageOpener {
  readonly #direction: MessageDirection;
  readonly #key: Key;
  readonly #sealed: boolean;
  #next: number;
  #ended = false;
  #refused = false;

  constructor(direction: MessageDirection, keys: MessageKeys, protection: Protection) {
    this.#direction = direction;
    this.#key = keys.subkey;
    this.#next = keys.seqNumber;
    this.#sealed = protection === "privacy";
  }

  /**
   * Opens the next message as it travelled; the result may be a view of those bytes.
   * @throws KrbError KRB_AP_ERR_MODIFIED for a wrong checksum or anything after the end;
   *   KRB_AP_ERR_BAD_INTEGRITY for what is not sealed under the subkey; KRB_AP_ERR_BADORDER for another
   *   sequence number than the next.
   */
  open(bytes: Uint8Array): OpenedMessage {
    if (this.#refused) throw this.#modified("follows one that was refused");
    this.#refused = true;
    if (this.#ended) throw this.#modified("comes after the end of the stream");
    const { message, seqNumber, end } = this.#sealed ? this.#unseal(bytes) : this.#verify(bytes);
    if (seqNumber !== this.#next) throw this.#badOrder(seqNumber);
    if (end && message.length > 0) throw this.#modified("is an end marker with contents");
    this.#next = nextSeqNumber(seqNumber);
    this.#ended = end;
    this.#refused = false;
    return end ? END : { end, message };
  }

  /**
   * Checks, when the stream is over, that it was not cut short.
   * @throws KrbError KRB_AP_ERR_MODIFIED if the end marker has not come.
   */
  checkEnded(): void {
    if (this.#ended && !this.#refused) return;
    const { field } = this.#direction;
    throw new KrbError(
      "KRB_AP_ERR_MODIFIED",
      `the ${field} stream was cut short: its end marker is missing`,
      {
        field,
        next_seq_number: String(this.#next),
      },
    );
  }

  #unseal(bytes: Uint8Array): Content {
    const { kind, usage, field } = this.#direction;
    const refusal = () =>
      new KrbError("KRB_AP_ERR_BAD_INTEGRITY", `a ${field} can't be opened with the subkey`, { part: field });
    const sealing = { key: this.#key, usage };
    try {
      const part = unsealFromBytes(sealing, kind, bytes, field, refusal);
      return { message: part.userData, seqNumber: part.seqNumber, end: part.end };
    } catch (error) {
      // Bytes that are not an EncryptedData are refused like those under another key.
      throw error instanceof KrbError ? refusal() : error;
    }
  }

  #verify(bytes: Uint8Array): Content {
    const size = this.#key.etype.checksumSize;
    const covered = bytes.subarray(0, Math.max(0, bytes.length - size - 2));
    const framed = bytes[covered.length] === CHECKSUM_TAG && bytes[covered.length + 1] === size;
    const checksum = bytes.subarray(covered.length + 2);
    const { checksumUsage } = this.#direction;
    if (!framed || !this.#key.cipher.verifyChecksum(checksumUsage, covered, checksum))
      throw this.#modified("was altered, or not made for this call");
    try {
      const message = decodeCanonical(ProtectedMessageSchema, covered);
      // A checksum inside what the checksum covers would be the same field twice.
      if (message.checksum.length > 0) throw new NotCanonicalError("ProtectedMessage");
      return message;
    } catch (error) {
      throw error instanceof NotCanonicalError ? this.#modified("is not a ProtectedMessage") : error;
    }
  }

  #modified(what: string): KrbError {
    const { field } = this.#direction;
    return new KrbError("KRB_AP_ERR_MODIFIED", `a ${field} ${what}`, { field });
  }

  #badOrder(got: number): KrbError {
    const { field } = this.#direction;
    return new KrbError("KRB_AP_ERR_BADORDER", `a ${field} is missing, repeated or out of order`, {
      field,
      expected: String(this.#next),
      got: String(got),
    });
  }
}

function nextSeqNumber(seqNumber: number): number {
  return (seqNumber + 1) >>> 0;
}
