/**
 * Sealing and unsealing (RFC 4120 §5.2.9): every plaintext is a `SealedPart` of exactly one kind, so that no
 * kind can be taken for another, even under encryption types that ignore the key usage.
 */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { encodeCanonical, withEnvelope } from "../canonical/encode.js";
import { varintSize, writeVarint } from "../canonical/varint.js";
import { DecryptionError, type RandomSource } from "../crypto/encryption-type.js";
import {
  type EncryptedData,
  EncryptedDataSchema,
  type EncryptionKey,
} from "../gen/kerberos/v1/encryption_pb.js";
import { type SealedPart, SealedPartSchema } from "../gen/kerberos/v1/sealed_pb.js";
import type { Key } from "./keys.js";
import type { KrbError } from "./krb-error.js";
import { decodeBlob, decodeCanonical, decodeCanonicalView, NotCanonicalError } from "./strict-decode.js";

/** The kinds of sealed part. */
export type PartKind = NonNullable<SealedPart["part"]["case"]>;
/** The message of a kind of sealed part. */
export type PartOf<K extends PartKind> = Extract<SealedPart["part"], { case: K }>["value"];

/** A key and what it is used for. */
export interface Sealing {
  readonly key: Key;
  /** Key usage number (RFC 4120 §7.5.1). */
  readonly usage: number;
  /** The version of a long-term key; absent for session keys and subkeys. */
  readonly kvno?: number;
}

/** The tag of the cipher, which is the last field. */
const CIPHER_TAG = tagOf(EncryptedDataSchema.field.cipher.number);

const PARTS = new Map<string, { number: number; schema: DescMessage }>(
  SealedPartSchema.fields.map((field: DescField) => {
    if (field.fieldKind !== "message") throw new TypeError(`SealedPart.${field.name} is not a message`);
    return [field.localName, { number: field.number, schema: field.message }];
  }),
);

/**
 * Seals a part, and overwrites the key in it, if any: a copy made for the purpose. The result owns its bytes.
 */
export function seal<K extends PartKind>(
  sealing: Sealing,
  kind: K,
  part: PartOf<K>,
  random?: RandomSource,
): EncryptedData {
  const { number, schema } = partOf(kind);
  const { key, usage, kvno } = sealing;
  let cipher: Uint8Array;
  try {
    cipher = withEnvelope(number, schema, part, (plaintext) => key.cipher.encrypt(usage, plaintext, random));
  } finally {
    wipeKeyIn(part);
  }
  // Written out, like every message a server makes for each request: `create` walks over the fields, which
  // takes as long as two hashes.
  return { $typeName: "kerberos.v1.EncryptedData", etype: key.etype.etype, kvno: kvno ?? 0, cipher };
}

/** Seals a part, as `seal` does, into a serialized EncryptedData. */
export function sealToBytes<K extends PartKind>(
  sealing: Sealing,
  kind: K,
  part: PartOf<K>,
  random?: RandomSource,
): Uint8Array {
  return encodeCanonical(EncryptedDataSchema, seal(sealing, kind, part, random));
}

/** As `sealToBytes`, in two parts that follow each other: what goes before the cipher is not copied to it. */
export function sealToParts<K extends PartKind>(
  sealing: Sealing,
  kind: K,
  part: PartOf<K>,
  random?: RandomSource,
): readonly [Uint8Array, Uint8Array] {
  const data = seal(sealing, kind, part, random);
  const before = encodeCanonical(EncryptedDataSchema, { ...data, cipher: new Uint8Array() });
  const head = new Uint8Array(before.length + 1 + varintSize(data.cipher.length));
  head.set(before);
  head[before.length] = CIPHER_TAG;
  writeVarint(head, before.length + 1, data.cipher.length);
  return [head, data.cipher];
}

/**
 * Opens a sealed part. Every failure, whether another encryption type, a wrong key, altered bytes, another
 * kind of part or one that is not canonical, ends in the one refusal that `refusal` makes.
 */
export function unseal<K extends PartKind>(
  sealing: Sealing,
  kind: K,
  data: EncryptedData,
  refusal: () => KrbError,
): PartOf<K> {
  return decrypted(sealing, data, refusal, (plaintext) => {
    try {
      return readPart(kind, plaintext, sealing.key.etype.messageBlockSize, decodeCanonical);
    } finally {
      plaintext.fill(0);
    }
  });
}

/** Opens a serialized EncryptedData, as `decodeBlob` and `unseal` do. */
export function unsealFromBytes<K extends PartKind>(
  sealing: Sealing,
  kind: K,
  bytes: Uint8Array,
  field: string,
  refusal: () => KrbError,
): PartOf<K> {
  return unseal(sealing, kind, decodeBlob(EncryptedDataSchema, bytes, field), refusal);
}

/**
 * Opens a serialized EncryptedData of application data, as `unsealFromBytes` does; but the data, which may be
 * large and are not ours to wipe, are a view of the plaintext.
 */
export function unsealDataFromBytes<K extends "encRequestPart" | "encResponsePart">(
  sealing: Sealing,
  kind: K,
  bytes: Uint8Array,
  field: string,
  refusal: () => KrbError,
): PartOf<K> {
  return decrypted(sealing, decodeBlob(EncryptedDataSchema, bytes, field), refusal, (plaintext) =>
    readPart(kind, plaintext, sealing.key.etype.messageBlockSize, decodeCanonicalView),
  );
}

/** What `read` makes of the plaintext, which becomes its own. */
function decrypted<T>(
  { key, usage }: Sealing,
  data: EncryptedData,
  refusal: () => KrbError,
  read: (plaintext: Uint8Array) => T,
): T {
  if (data.etype !== key.etype.etype) throw refusal();
  try {
    return read(key.cipher.decrypt(usage, data.cipher));
  } catch (error) {
    if (error instanceof DecryptionError || error instanceof NotCanonicalError) throw refusal();
    throw error;
  }
}

/** Parts that hold a key hold it in one of these two fields. */
function wipeKeyIn(part: object): void {
  const { key, subkey } = part as { key?: EncryptionKey; subkey?: EncryptionKey };
  key?.key.fill(0);
  subkey?.key.fill(0);
}

/** The part of this kind in a plaintext, which may end in zero padding shorter than a block. */
function readPart<K extends PartKind>(
  kind: K,
  plaintext: Uint8Array,
  blockSize: number,
  decode: typeof decodeCanonical,
): PartOf<K> {
  const { number, schema } = partOf(kind);
  const { start, end, tag } = readEnvelope(plaintext);
  if (tag !== tagOf(number)) throw new NotCanonicalError(kind);
  const padding = plaintext.subarray(end);
  if (padding.length >= blockSize || padding.some((byte) => byte !== 0)) throw new NotCanonicalError(kind);
  return decode(schema, plaintext.subarray(start, end)) as PartOf<K>;
}

/** Whether it is the tag of a kind of part. */
export function isPartTag(tag: number | undefined): boolean {
  return [...PARTS.values()].some(({ number }) => tag === tagOf(number));
}

/** The tag of a plaintext's only field, and where its contents begin and end. Throws NotCanonicalError. */
export function readEnvelope(plaintext: Uint8Array): { tag: number | undefined; start: number; end: number } {
  // Varints of up to 28 bits, as short as can be: no part is longer than that.
  let at = 0;
  const readVarint = () => {
    for (let shift = 0, value = 0; shift < 28 && at < plaintext.length; shift += 7) {
      const byte = plaintext[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return byte === 0 && shift > 0 ? undefined : value;
    }
    return undefined;
  };
  const tag = readVarint();
  const length = readVarint();
  if (length === undefined || length > plaintext.length - at) throw new NotCanonicalError("SealedPart");
  return { tag, start: at, end: at + length };
}

/** The tag of a field that has a length. */
function tagOf(number: number): number {
  return (number << 3) | WireType.LengthDelimited;
}

function partOf(kind: PartKind): { number: number; schema: DescMessage } {
  const part = PARTS.get(kind);
  if (part === undefined) throw new TypeError(`${kind} is not a kind of sealed part`);
  return part;
}
