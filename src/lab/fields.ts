/**
 * A message as a plain tree of its fields. Keys are kept back unless they are asked for; what is serialized
 * inside is opened where its type is known; what is sealed is for the caller to leave out and explain
 * (explain.ts, blob.ts).
 */
import {
  createRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  isFieldSet,
  type Message,
} from "@bufbuild/protobuf";
import { type Any, AnySchema, anyUnpack, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { EncryptionKeySchema, EncryptionTypeSchema } from "../gen/kerberos/v1/encryption_pb.js";
import { file_kerberos_v1_operations } from "../gen/kerberos/v1/operations_pb.js";
import { etypeName } from "../protocol/etypes.js";
import { isoTime } from "../protocol/kerberos-time.js";

/**
 * What a field holds: text, bytes, a key kept back, a message, a message serialized into bytes, or several of
 * these.
 */
export type FieldValue =
  | string
  | { readonly hex: string }
  | { readonly withheld: string }
  | { readonly fields: readonly Field[] }
  | { readonly holds: string; readonly fields: readonly Field[] }
  | readonly FieldValue[];

/** A field of a message. */
export interface Field {
  /** As the .proto names it. */
  readonly name: string;
  /** The textbook's symbol, where it has one. */
  readonly symbol?: string;
  readonly value: FieldValue;
}

/** What a tree may hold. */
export interface Disclosure {
  /** Session keys as they are; otherwise only their type and length. */
  readonly showKeys: boolean;
}

/**
 * The fields of a message that are set, in the order of the .proto; those named in `without` are left out.
 */
export function fieldsOf(
  schema: DescMessage,
  message: Message,
  disclosure: Disclosure,
  without: readonly string[] = [],
): Field[] {
  return schema.fields
    .filter((field) => !without.includes(field.name) && isFieldSet(message, field))
    .map((field) => {
      const value = (message as unknown as Record<string, unknown>)[field.localName];
      if (Array.isArray(value))
        return { name: field.name, value: value.map((one) => fieldValue(field, one, disclosure)) };
      return { name: field.name, value: fieldValue(field, value, disclosure) };
    });
}

function fieldValue(field: DescField, value: unknown, disclosure: Disclosure): FieldValue {
  if (value instanceof Uint8Array)
    return field.name === "user_data" ? userData(value, disclosure) : { hex: hexOf(value) };
  if (field.message !== undefined) return messageValue(field.message, value as Message, disclosure);
  if (field.enum !== undefined) return enumText(field, value as number);
  return String(value);
}

function messageValue(schema: DescMessage, message: Message, disclosure: Disclosure): FieldValue {
  if (schema.typeName === TimestampSchema.typeName) return timestampText(message as Timestamp);
  if (schema.typeName === EncryptionKeySchema.typeName && !disclosure.showKeys) {
    const { etype, key } = message as unknown as { readonly etype: number; readonly key: Uint8Array };
    return { withheld: `${etypeName(etype)}, ${key.length} bytes` };
  }
  return { fields: fieldsOf(schema, message, disclosure) };
}

function enumText(field: DescField, value: number): string {
  if (field.enum?.typeName === EncryptionTypeSchema.typeName) return etypeName(value);
  const name = field.enum?.value[value]?.localName ?? String(value);
  return name.toLowerCase().replaceAll("_", "-");
}

function timestampText({ seconds, nanos }: Timestamp): string {
  const ms = Number(seconds) * 1000 + nanos / 1_000_000;
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? isoTime(ms) : "not a time";
}

const APPLICATION = createRegistry(file_kerberos_v1_operations, StatusSchema);

/** The application's bytes: an operation's request or response in an Any, where they are that. */
function userData(bytes: Uint8Array, disclosure: Disclosure): FieldValue {
  let any: Any;
  try {
    any = fromBinary(AnySchema, bytes);
  } catch {
    return { hex: hexOf(bytes) };
  }
  const schema = APPLICATION.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1));
  const message = schema && anyUnpack(any, schema);
  if (schema === undefined || message === undefined) return { hex: hexOf(bytes) };
  return { holds: schema.name, fields: fieldsOf(schema, message, disclosure) };
}

/** Bytes in hex. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
