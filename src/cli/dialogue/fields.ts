/**
 * A message's fields as names and text. Keys are redacted unless they are asked for; blobs are shown by their beginning;
 * what is sealed or serialized inside is shown as what it is elsewhere.
 */
import { type DescField, type DescMessage, fromBinary, isFieldSet, type Message } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyUnpack, type Timestamp } from "@bufbuild/protobuf/wkt";
import { StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { EncryptionTypeSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { operations } from "../operations.js";
import { printable } from "../screen/readable.js";
import { etypeName } from "../screen/ticket-facts.js";

/** A field. */
export interface Field {
  readonly name: string;
  /** The textbook's symbol, where it has one. */
  readonly symbol?: string;
  readonly value: string;
}

/** How fields are shown. */
export interface FieldStyle {
  /** Session keys in hex instead of `[redacted]`. */
  readonly showKeys: boolean;
  /** Bytes in full. */
  readonly full: boolean;
}

/** The fields of a message that are set; those whose names are in `without` are left out. */
export function fieldsOf(
  schema: DescMessage,
  message: Message,
  style: FieldStyle,
  without: readonly string[] = [],
  prefix = "",
): Field[] {
  return schema.fields.flatMap((field) => {
    if (without.includes(field.name) || !isFieldSet(message, field)) return [];
    const value = (message as unknown as Record<string, unknown>)[field.localName];
    const name = prefix + field.name;
    if (field.fieldKind === "message" && isNested(field.message)) {
      const nested = field.message.typeName === "kerberos.v1.EncryptionKey" && !style.showKeys;
      if (nested) return [{ name, value: keyText(value as KeyMessage) }];
      return fieldsOf(field.message, value as Message, style, [], `${name}.`);
    }
    if (field.name === "user_data") return userData(value as Uint8Array, style);
    const values = Array.isArray(value) ? value : [value];
    return [{ name, value: values.map((one) => textOf(field, one, style)).join(", ") }];
  });
}

/** Hex of the first bytes, with how many there are. */
export function shortHex(bytes: Uint8Array, full = false, limit = 16): string {
  const hex = Buffer.from(bytes).toString("hex");
  if (full || bytes.length <= limit) return hex;
  return `${hex.slice(0, limit * 2)}… (${bytes.length} bytes)`;
}

interface KeyMessage {
  readonly etype: number;
  readonly key: Uint8Array;
}

function keyText({ etype, key }: KeyMessage): string {
  return `[redacted] ${etypeName(etype)}, ${key.length} bytes`;
}

function isNested(message: DescMessage): boolean {
  return message.typeName !== "google.protobuf.Timestamp";
}

function textOf(field: DescField, value: unknown, style: FieldStyle): string {
  if (value instanceof Uint8Array) return shortHex(value, style.full);
  const kind = field.fieldKind === "list" ? field.listKind : field.fieldKind;
  if (kind === "enum") return enumText(field, value as number);
  if (kind === "message" && field.message?.typeName === "google.protobuf.Timestamp")
    return timestampText(value as Timestamp);
  if (kind === "message") {
    const parts = fieldsOf(field.message!, value as Message, style);
    return parts.map(({ name, value: text }) => `${name} ${text}`).join(" ");
  }
  return printable(String(value));
}

function enumText(field: DescField, value: number): string {
  if (field.enum?.typeName === EncryptionTypeSchema.typeName) return etypeName(value);
  const name = field.enum?.value[value]?.localName ?? String(value);
  return name.toLowerCase().replaceAll("_", "-");
}

function timestampText({ seconds, nanos }: Timestamp): string {
  const ms = Number(seconds) * 1000 + nanos / 1_000_000;
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : "not a time";
}

/** The application's bytes: an operation's request or response in an Any, where they are that. */
function userData(bytes: Uint8Array, style: FieldStyle): Field[] {
  const unknown = [{ name: "user_data", value: shortHex(bytes, style.full) }];
  let any: Any;
  try {
    any = fromBinary(AnySchema, bytes);
  } catch {
    return unknown;
  }
  const schemas = [StatusSchema, ...operations().flatMap(({ request, response }) => [request, response])];
  for (const schema of schemas) {
    const message = anyUnpack(any, schema);
    if (message === undefined) continue;
    const fields = fieldsOf(schema, message, style);
    return [{ name: "user_data", value: schema.name }, ...fields.map((f) => ({ ...f, name: `  ${f.name}` }))];
  }
  return unknown;
}
