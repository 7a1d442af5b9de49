/**
 * A ProtectedMessage (guard.proto) written by hand: into the one buffer that travels or, where messages are
 * large and a copy costs more than all the rest, around the application's bytes as they are.
 */
import { WireType } from "@bufbuild/protobuf/wire";
import { publicBytes } from "../canonical/public-bytes.js";
import { varintSize, writeVarint } from "../canonical/varint.js";
import { type MessageKind, ProtectedMessageSchema } from "../gen/kerberos/v1/guard_pb.js";

/** What a message holds, in clear or sealed. */
export interface MessageContent {
  readonly message: Uint8Array;
  readonly seqNumber: number;
  readonly kind: MessageKind;
}

const { message: MESSAGE, seqNumber: SEQ_NUMBER, kind: KIND, checksum } = ProtectedMessageSchema.field;
const MESSAGE_TAG = (MESSAGE.number << 3) | WireType.LengthDelimited;
const SEQ_NUMBER_TAG = (SEQ_NUMBER.number << 3) | WireType.Varint;
const KIND_TAG = (KIND.number << 3) | WireType.Varint;
/** The tag of the checksum, which is the last field. */
export const CHECKSUM_TAG = (checksum.number << 3) | WireType.LengthDelimited;

/** Encodes a message in one piece, which is the caller's. @param checksum of what comes before it. */
export function protectedMessage(
  content: MessageContent,
  checksumSize: number,
  checksum: (covered: Uint8Array) => Uint8Array,
): Uint8Array {
  const { message } = content;
  const headSize = message.length === 0 ? 0 : 1 + varintSize(message.length);
  const size = headSize + message.length + sizeOfNumbers(content);
  const bytes = publicBytes(size + 2 + checksumSize);
  if (headSize > 0) writeHead(bytes, message.length);
  bytes.set(message, headSize);
  writeNumbers(bytes, headSize + message.length, content);
  bytes[size] = CHECKSUM_TAG;
  bytes[size + 1] = checksumSize;
  bytes.set(checksum(bytes.subarray(0, size)), size + 2);
  return bytes;
}

/** Encodes a message that is not empty in parts which follow each other; one of them is `content.message`. */
export function protectedMessageParts(
  content: MessageContent,
  checksumSize: number,
  checksum: (covered: readonly Uint8Array[]) => Uint8Array,
): readonly Uint8Array[] {
  const { message } = content;
  const head = new Uint8Array(1 + varintSize(message.length));
  writeHead(head, message.length);
  const numbers = new Uint8Array(sizeOfNumbers(content));
  writeNumbers(numbers, 0, content);
  const covered = [head, message, numbers];
  return [...covered, Uint8Array.of(CHECKSUM_TAG, checksumSize), checksum(covered)];
}

function writeHead(bytes: Uint8Array, length: number): void {
  bytes[0] = MESSAGE_TAG;
  writeVarint(bytes, 1, length);
}

function sizeOfNumbers({ seqNumber, kind }: MessageContent): number {
  return (seqNumber === 0 ? 0 : 1 + varintSize(seqNumber)) + (kind === 0 ? 0 : 2);
}

function writeNumbers(bytes: Uint8Array, at: number, { seqNumber, kind }: MessageContent): void {
  let end = at;
  if (seqNumber !== 0) {
    bytes[end] = SEQ_NUMBER_TAG;
    end = writeVarint(bytes, end + 1, seqNumber);
  }
  if (kind !== 0) {
    bytes[end] = KIND_TAG;
    bytes[end + 1] = kind;
  }
}
