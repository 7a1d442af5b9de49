/**
 * The messages of a guarded call (guard.proto): with a keyed checksum (RFC 4120 §3.4, KRB-SAFE) or sealed
 * (§3.5, KRB-PRIV), each counted on from the one before.
 *
 * Invariants. Each direction of a call has one protector and one opener, used for that call alone. A checksum
 * is verified over the bytes received before any of them is read. An opener that has refused once refuses
 * everything after.
 */
import { create } from "@bufbuild/protobuf";
import { encodeCanonical } from "../canonical/encode.js";
import type { RandomSource } from "../crypto/encryption-type.js";
import { MessageKind, ProtectedMessageSchema } from "../gen/kerberos/v1/guard_pb.js";
import type { EncPrivPart } from "../gen/kerberos/v1/sealed_pb.js";
import type { Protection } from "./call-binding.js";
import { KrbError } from "./krb-error.js";
import { type MessageDirection, type MessageKeys, type MessageScheme, schemeOf } from "./message-keys.js";
import {
  CHECKSUM_TAG,
  type MessageContent,
  protectedMessage,
  protectedMessageParts,
} from "./protected-message.js";
import { sealToBytes, sealToParts, unsealDataFromBytes } from "./sealed-part.js";
import { decodeCanonicalView, NotCanonicalError } from "./strict-decode.js";

/** A message that was opened: the application's, the end of the stream, or a renewal of it. */
export type OpenedMessage =
  | { readonly kind: "message"; readonly message: Uint8Array }
  | { readonly kind: "end"; readonly message: undefined }
  | OpenedRenewal;

/** A renewal of a stream that was opened; the AP-REQ in it is not verified. */
export interface OpenedRenewal {
  readonly kind: "renewal";
  /** A serialized ApReq. */
  readonly message: Uint8Array;
  /** Whether this is what an authenticator must hold to renew this stream at this place. */
  isPlace(place: Uint8Array): boolean;
}

const EMPTY = new Uint8Array();
const { UNSPECIFIED: OF_APPLICATION, END, RENEWAL } = MessageKind;
const OPENED_END: OpenedMessage = { kind: "end", message: undefined };
/** The sender's side of one direction of a call. */
export class MessageProtector {
  readonly #direction: MessageDirection;
  readonly #scheme: MessageScheme;
  readonly #sealed: boolean;
  #next: number;

  constructor(direction: MessageDirection, keys: MessageKeys, protection: Protection) {
    this.#direction = direction;
    this.#scheme = schemeOf(direction, keys);
    this.#next = this.#scheme.first;
    this.#sealed = protection === "privacy";
  }

  /** The next message as it travels. */
  protect(message: Uint8Array, random?: RandomSource): Uint8Array {
    return this.#write({ message, seqNumber: this.#count(), kind: OF_APPLICATION }, random);
  }

  /**
   * As `protect`, in parts that follow each other: for large messages, not for empty ones. In clear one of
   * the parts is `message` itself.
   */
  protectInParts(message: Uint8Array, random?: RandomSource): readonly Uint8Array[] {
    const content = { message, seqNumber: this.#count(), kind: OF_APPLICATION };
    const { sealing, checksumSize } = this.#scheme;
    return this.#sealed
      ? sealToParts(sealing, this.#direction.kind, this.#part(content), random)
      : protectedMessageParts(content, checksumSize, (covered) => this.#scheme.checksum(covered, random));
  }

  /** The end marker of a stream; nothing follows it. */
  end(random?: RandomSource): Uint8Array {
    return this.#write({ message: EMPTY, seqNumber: this.#count(), kind: END }, random);
  }

  /**
   * A renewal of the stream. Where no AP-REQ can be made, the stream is as it was.
   * @param makeApReq makes the serialized ApReq; its authenticator holds the place in the stream.
   */
  renewal(makeApReq: (place: Uint8Array) => Uint8Array, random?: RandomSource): Uint8Array {
    const seqNumber = this.#next;
    const place = this.#scheme.checksum(placeInStream(seqNumber), random);
    const message = makeApReq(place);
    return this.#write({ message, seqNumber: this.#count(), kind: RENEWAL }, random);
  }

  #count(): number {
    const seqNumber = this.#next;
    this.#next = nextSeqNumber(seqNumber);
    return seqNumber;
  }

  #write(content: MessageContent, random: RandomSource | undefined): Uint8Array {
    const { sealing, checksumSize } = this.#scheme;
    return this.#sealed
      ? sealToBytes(sealing, this.#direction.kind, this.#part(content), random)
      : protectedMessage(content, checksumSize, (covered) => this.#scheme.checksum(covered, random));
  }

  #part({ message: userData, seqNumber, kind }: MessageContent): EncPrivPart {
    return { $typeName: "kerberos.v1.EncPrivPart", userData, seqNumber, kind, call: this.#scheme.call };
  }
}

/** The receiver's side of one direction of a call. */
export class MessageOpener {
  readonly #direction: MessageDirection;
  readonly #scheme: MessageScheme;
  readonly #sealed: boolean;
  #next: number;
  #ended = false;
  #refused = false;

  constructor(direction: MessageDirection, keys: MessageKeys, protection: Protection) {
    this.#direction = direction;
    this.#scheme = schemeOf(direction, keys);
    this.#next = this.#scheme.first;
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
    const { message, seqNumber, kind } = this.#sealed ? this.#unseal(bytes) : this.#verify(bytes);
    if (seqNumber !== this.#next) throw this.#badOrder(seqNumber);
    const opened: OpenedMessage =
      kind === OF_APPLICATION ? { kind: "message", message } : this.#special(kind, message, seqNumber);
    this.#next = nextSeqNumber(seqNumber);
    this.#refused = false;
    return opened;
  }

  #special(kind: MessageKind, message: Uint8Array, seqNumber: number): OpenedMessage {
    if (kind === END) {
      if (message.length > 0) throw this.#modified("is an end marker with contents");
      this.#ended = true;
      return OPENED_END;
    }
    if (kind !== RENEWAL || !this.#direction.renewable) throw this.#modified(`is of kind ${kind}`);
    const isPlace = (place: Uint8Array) => this.#scheme.isChecksum(placeInStream(seqNumber), place);
    return { kind: "renewal", message, isPlace };
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

  #unseal(bytes: Uint8Array): MessageContent {
    const { kind, field } = this.#direction;
    const { sealing, call } = this.#scheme;
    const refusal = () =>
      new KrbError("KRB_AP_ERR_BAD_INTEGRITY", `a ${field} can't be opened with the call's key`, {
        part: field,
      });
    let part: EncPrivPart;
    try {
      part = unsealDataFromBytes(sealing, kind, bytes, field, refusal);
    } catch (error) {
      // Bytes that are not an EncryptedData are refused like those under another key.
      throw error instanceof KrbError ? refusal() : error;
    }
    if (part.call !== call) throw this.#modified("was made for another call");
    return { message: part.userData, seqNumber: part.seqNumber, kind: part.kind };
  }

  #verify(bytes: Uint8Array): MessageContent {
    const size = this.#scheme.checksumSize;
    const covered = bytes.subarray(0, Math.max(0, bytes.length - size - 2));
    const framed = bytes[covered.length] === CHECKSUM_TAG && bytes[covered.length + 1] === size;
    const checksum = bytes.subarray(covered.length + 2);
    if (!framed || !this.#scheme.isChecksum(covered, checksum))
      throw this.#modified("was altered, or not made for this call");
    try {
      const message = decodeCanonicalView(ProtectedMessageSchema, covered);
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

/** What the checksum of an empty renewal covers: no message has it, and so it names a place in a stream. */
function placeInStream(seqNumber: number): Uint8Array {
  return encodeCanonical(
    ProtectedMessageSchema,
    create(ProtectedMessageSchema, { seqNumber, kind: RENEWAL }),
  );
}

function nextSeqNumber(seqNumber: number): number {
  return (seqNumber + 1) >>> 0;
}
