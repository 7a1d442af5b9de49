/** Messages inside messages: canonical form, sealing, times (docs/protocol.md, "Bytes within messages"). Done for you. */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { DoesNotOpen, ETYPE, type Key } from "./encryption.js";
import { type EncryptedData, EncryptedDataSchema } from "./gen/kerberos/v1/encryption_pb.js";
import { type SealedPart, SealedPartSchema } from "./gen/kerberos/v1/sealed_pb.js";
import { Refusal } from "./refusal.js";

/** What may be sealed: `encTicketPart`, `authenticator`, `encTgsRepPart` … */
export type PartKind = NonNullable<SealedPart["part"]["case"]>;
/** The message of a kind of part. */
export type PartOf<K extends PartKind> = Extract<SealedPart["part"], { case: K }>["value"];

/**
 * A message from its one canonical encoding.
 * @param field its name in the refusal.
 * @throws Refusal KRB_ERR_GENERIC for any other bytes, and for none.
 */
export function decode<S extends DescMessage>(schema: S, bytes: Uint8Array, field: string): MessageShape<S> {
  const message = canonical(schema, bytes);
  if (message === undefined || bytes.length === 0)
    throw new Refusal("KRB_ERR_GENERIC", `${field}: not the canonical form of ${schema.name}`);
  return message;
}

function canonical<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> | undefined {
  try {
    const message = fromBinary(schema, bytes, { readUnknownFields: false });
    return Buffer.compare(toBinary(schema, message), bytes) === 0 ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Seals a part under a key: E(K, [part]). `kvno` is the version of a long-term key. */
export function seal<K extends PartKind>(
  key: Key,
  usage: number,
  kind: K,
  part: PartOf<K>,
  kvno = 0,
): EncryptedData {
  const sealed = create(SealedPartSchema, { part: { case: kind, value: part } as SealedPart["part"] });
  const cipher = key.encrypt(usage, toBinary(SealedPartSchema, sealed));
  return create(EncryptedDataSchema, { etype: ETYPE, kvno, cipher });
}

/**
 * Opens a part of that kind.
 * @param what its name in the refusal.
 * @throws Refusal KRB_AP_ERR_BAD_INTEGRITY, whatever the cause: a wrong key, changed bytes, another kind.
 */
export function open<K extends PartKind>(
  key: Key,
  usage: number,
  kind: K,
  data: EncryptedData,
  what: string,
): PartOf<K> {
  const refusal = new Refusal("KRB_AP_ERR_BAD_INTEGRITY", `${what}: it does not open`);
  if (data.etype !== ETYPE) throw refusal;
  let plaintext: Uint8Array;
  try {
    plaintext = key.decrypt(usage, data.cipher);
  } catch (error) {
    if (error instanceof DoesNotOpen) throw refusal;
    throw error;
  }
  const part = canonical(SealedPartSchema, plaintext)?.part;
  if (part?.case !== kind) throw refusal;
  return part.value as PartOf<K>;
}

/** Milliseconds since the epoch. */
export function milliseconds({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}
