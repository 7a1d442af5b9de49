/**
 * A message's bytes, explained: each field with its tag, length and value, what is serialized inside `bytes`
 * fields too. Anything is taken: what can't be read is a leaf that says so, so that an altered message can be
 * looked at.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { COMMENTS } from "../../gen/comments.js";
import { EncryptedDataSchema, EncryptionKeySchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { etypeText } from "../../protocol/etypes.js";
import type { ByteKind, ByteNode } from "./byte-node.js";
import { type Beside, insideOf, plainTail } from "./inside.js";
import { bytesText, enumText, fixedText, scalarOf, timestampText, varintText } from "./readable.js";
import { readVarint, readWire, type WireField } from "./wire.js";

/** How deep messages may lie in one another: the limit of protobuf-es. */
const MAX_DEPTH = 100;

/** Explains the bytes of a message, or of what should be one. */
export function annotate(schema: DescMessage, bytes: Uint8Array): ByteNode {
  return annotatePart(schema, bytes, 0, bytes.length);
}

/** As `annotate`, of the bytes between two places of a blob: the tree's places are the blob's. */
export function annotatePart(schema: DescMessage, bytes: Uint8Array, start: number, end: number): ByteNode {
  return messageNode({ bytes, depth: 0 }, schema, start, end);
}

/** A node, where the bytes are those between two places. */
export function node(
  kind: ByteKind,
  name: string,
  start: number,
  end: number,
  more: Partial<Pick<ByteNode, "type" | "value" | "explanation" | "children">> = {},
): ByteNode {
  return { at: start, length: end - start, kind, name, children: [], ...more };
}

interface Place {
  readonly bytes: Uint8Array;
  readonly depth: number;
}

function messageNode(place: Place, schema: DescMessage, start: number, end: number): ByteNode {
  const { bytes, depth } = place;
  const explanation = explanationOf(schema.typeName);
  const { fields, stop } = readWire(bytes, start, end);
  if (depth > MAX_DEPTH) return node("malformed", schema.name, start, end);
  const inner = { bytes, depth: depth + 1 };
  const children = fields.map((field) => fieldNode(inner, schema, field, fields));
  if (stop < end) children.push(node("malformed", "not a field", stop, end));
  const value = messageText(schema, bytes, fields);
  return node("message", schema.name, start, end, {
    type: schema.typeName,
    ...value,
    ...explanation,
    children,
  });
}

function fieldNode(place: Place, schema: DescMessage, wire: WireField, all: readonly WireField[]): ByteNode {
  const { at, tagEnd, start, end, wireType, number } = wire;
  const field = schema.fields.find((candidate) => candidate.number === number);
  const head = [node("tag", "tag", at, tagEnd, { value: `field ${number}, ${WIRE_TYPES[wireType]}` })];
  if (wireType === WireType.LengthDelimited)
    head.push(node("length", "length", tagEnd, start, { value: String(end - start) }));
  if (field === undefined || !fits(field, wireType)) {
    const contents = node("unknown", "contents", start, end, { value: `${end - start} bytes` });
    return node("unknown", `field ${number}`, at, end, { children: [...head, contents] });
  }
  const contents = contentsNodes(place, schema, field, wire, all);
  const value = contents.length === 1 ? contents[0]!.value : contents.map((one) => one.value).join(", ");
  return node("field", field.name, at, end, {
    ...(value !== undefined && { value }),
    ...explanationOf(`${schema.typeName}.${field.name}`),
    children: [...head, ...contents],
  });
}

const WIRE_TYPES: Readonly<Record<number, string>> = {
  [WireType.Varint]: "varint",
  [WireType.Bit64]: "64 bits",
  [WireType.LengthDelimited]: "length-delimited",
  [WireType.Bit32]: "32 bits",
};

/** Whether a field may travel in that wire type; a list of numbers also does packed. */
function fits(field: DescField, wireType: WireType): boolean {
  if (wireType === wireTypeOf(field)) return true;
  return field.fieldKind === "list" && wireType === WireType.LengthDelimited;
}

function wireTypeOf(field: DescField): WireType {
  if (field.enum !== undefined && field.fieldKind !== "map") return WireType.Varint;
  switch (scalarOf(field)) {
    case undefined:
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}

/** What a field holds: one node, or one for each number of a packed list. */
function contentsNodes(
  place: Place,
  schema: DescMessage,
  field: DescField,
  { wireType, start, end }: WireField,
  all: readonly WireField[],
): ByteNode[] {
  const { bytes } = place;
  if (field.fieldKind === "map")
    return [node("value", field.name, start, end, bytesValue(bytes.subarray(start, end)))];
  if (field.message !== undefined) return [messageNode(place, field.message, start, end)];
  const type = scalarOf(field);
  if (type === ScalarType.STRING) {
    const value = new TextDecoder().decode(bytes.subarray(start, end));
    return [node("value", field.name, start, end, { value })];
  }
  if (type === ScalarType.BYTES) return [bytesNode(place, schema, field, start, end, all)];
  const own = wireTypeOf(field);
  if (wireType === own) return [numberNode(bytes, field, own, start, end)];
  return packedNodes(bytes, field, own, start, end);
}

function packedNodes(
  bytes: Uint8Array,
  field: DescField,
  own: WireType,
  start: number,
  end: number,
): ByteNode[] {
  const nodes: ByteNode[] = [];
  for (let at = start; at < end; ) {
    const next =
      own === WireType.Varint ? readVarint(bytes, at, end)?.end : at + (own === WireType.Bit64 ? 8 : 4);
    if (next === undefined || next > end) return [...nodes, node("malformed", field.name, at, end)];
    nodes.push(numberNode(bytes, field, own, at, next));
    at = next;
  }
  return nodes;
}

function numberNode(
  bytes: Uint8Array,
  field: DescField,
  own: WireType,
  start: number,
  end: number,
): ByteNode {
  if (own !== WireType.Varint) {
    const value = fixedText(scalarOf(field), bytes.subarray(start, end));
    return node("value", field.name, start, end, { value });
  }
  const { value } = readVarint(bytes, start, end)!;
  const enumeration = field.enum;
  if (enumeration === undefined)
    return node("value", field.name, start, end, { value: varintText(scalarOf(field), value) });
  const number = Number(BigInt.asIntN(32, value));
  return node("enum", field.name, start, end, {
    value: `${enumText(enumeration, number)} (${number})`,
    ...explanationOf(`${enumeration.typeName}.${enumeration.value[number]?.name}`),
  });
}

/** A `bytes` field: a message, a ciphertext, a key, or just bytes. */
function bytesNode(
  place: Place,
  schema: DescMessage,
  field: DescField,
  start: number,
  end: number,
  all: readonly WireField[],
): ByteNode {
  const bytes = place.bytes.subarray(start, end);
  const beside = besideOf(place.bytes, schema, bytes, all);
  const inside = insideOf(`${schema.typeName}.${field.name}`, beside);
  if (inside !== undefined) return messageNode(place, inside, start, end);
  if (schema.typeName === EncryptionKeySchema.typeName)
    return node("key", field.name, start, end, { value: `${bytes.length} bytes` });
  if (schema.typeName === EncryptedDataSchema.typeName)
    return cipherNode(field.name, start, end, beside.number("etype") ?? 0);
  return node(field.name === "checksum" ? "checksum" : "value", field.name, start, end, bytesValue(bytes));
}

/** A ciphertext; under encryption types that keep their checksum beside it, both. */
function cipherNode(name: string, start: number, end: number, etype: number): ByteNode {
  const value = `${end - start} bytes`;
  const tail = plainTail(etype);
  if (tail === undefined || tail.size >= end - start) return node("cipher", name, start, end, { value });
  const split = end - tail.size;
  return node("cipher", name, start, end, {
    value,
    children: [
      node("cipher", "enciphered", start, split, { value: `${split - start} bytes` }),
      node("checksum", "checksum", split, end, {
        value: `${tail.size} bytes`,
        explanation: tail.explanation,
      }),
    ],
  });
}

function besideOf(
  blob: Uint8Array,
  schema: DescMessage,
  bytes: Uint8Array,
  all: readonly WireField[],
): Beside {
  const last = (name: string) => {
    const number = schema.fields.find((field) => field.name === name)?.number;
    return all.findLast((wire) => wire.number === number);
  };
  return {
    bytes,
    number: (name) => {
      const wire = last(name);
      const found = wire?.wireType === WireType.Varint ? readVarint(blob, wire.start, wire.end) : undefined;
      return found && Number(BigInt.asIntN(32, found.value));
    },
    text: (name) => {
      const wire = last(name);
      return new TextDecoder().decode(blob.subarray(wire?.start ?? 0, wire?.end ?? 0));
    },
  };
}

/** What a message says in a word, if it can. */
function messageText(
  schema: DescMessage,
  blob: Uint8Array,
  fields: readonly WireField[],
): { readonly value?: string } {
  const number = (wanted: number) => {
    const wire = fields.findLast((field) => field.number === wanted && field.wireType === WireType.Varint);
    return BigInt.asIntN(64, wire === undefined ? 0n : (readVarint(blob, wire.start, wire.end)?.value ?? 0n));
  };
  if (schema.typeName === TimestampSchema.typeName)
    return { value: timestampText(number(1), Number(BigInt.asIntN(32, number(2)))) };
  if (schema.typeName !== EncryptedDataSchema.typeName && schema.typeName !== EncryptionKeySchema.typeName)
    return {};
  return { value: etypeText(Number(BigInt.asIntN(32, number(1)))) };
}

function bytesValue(bytes: Uint8Array): { readonly value?: string } {
  return bytes.length === 0 ? {} : { value: bytesText(bytes) };
}

function explanationOf(name: string): { readonly explanation?: string } {
  const explanation = COMMENTS[name];
  return explanation === undefined ? {} : { explanation };
}
