/**
 * A message as a plain tree of its fields, for people who don't ask for its bytes: read off the tree of the
 * bytes. Keys are kept back unless they are asked for; what is sealed is for the caller to leave out and
 * explain (explain.ts, blob.ts).
 */
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { AnySchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { EncryptionKeySchema } from "../gen/kerberos/v1/encryption_pb.js";
import type { ByteNode } from "./bytes/byte-node.js";
import { hexOf, scalarOf } from "./bytes/readable.js";
import { schemaNamed } from "./bytes/schemas.js";

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
 * The fields of a message, in the order of their bytes; those named in `without` are left out.
 * @param tree of the message, in these bytes.
 */
export function fieldsOf(
  tree: ByteNode,
  bytes: Uint8Array,
  disclosure: Disclosure,
  without: readonly string[] = [],
): Field[] {
  const schema = tree.type === undefined ? undefined : schemaNamed(tree.type);
  const fields = schema?.fields.filter(({ name }) => !without.includes(name)) ?? [];
  return fields.flatMap((field) => {
    const nodes = tree.children.filter(({ kind, name }) => kind === "field" && name === field.name);
    const [first] = nodes;
    if (first === undefined) return [];
    const values = nodes.flatMap((node) => valuesOf(field, node, bytes, disclosure));
    const { symbol } = first;
    return {
      name: field.name,
      ...(symbol !== undefined && { symbol }),
      value: field.fieldKind === "list" ? values : values.at(-1)!,
    };
  });
}

/** What one field node holds: several values where numbers are packed. */
function valuesOf(field: DescField, node: ByteNode, bytes: Uint8Array, disclosure: Disclosure): FieldValue[] {
  const contents = node.children.filter(({ kind }) => kind !== "tag" && kind !== "length");
  return contents.map((content) => oneValue(field, content, bytes, disclosure));
}

/** Messages serialized into bytes that are shown by their fields. */
const SHOWN_INSIDE = ["body", "user_data"];

function oneValue(
  field: DescField,
  content: ByteNode,
  bytes: Uint8Array,
  disclosure: Disclosure,
): FieldValue {
  const { kind, value = "", type } = content;
  if (kind === "enum") return withoutNumber(value);
  if (scalarOf(field) === ScalarType.BYTES) {
    if (kind !== "message" || !SHOWN_INSIDE.includes(field.name)) return { hex: hexIn(content, bytes) };
    const holds = nameInAny(content);
    if (holds === undefined) return { fields: fieldsOf(content, bytes, disclosure) };
    const held = fieldNamed(content, "value")?.children.find((child) => child.kind === "message");
    return { holds, fields: held === undefined ? [] : fieldsOf(held, bytes, disclosure) };
  }
  if (kind !== "message" || type === TimestampSchema.typeName) return value;
  if (type === EncryptionKeySchema.typeName && !disclosure.showKeys) return { withheld: keyText(content) };
  return { fields: fieldsOf(content, bytes, disclosure) };
}

function hexIn({ at, length }: ByteNode, bytes: Uint8Array): string {
  return hexOf(bytes.subarray(at, at + length));
}

/** The name of the message that a google.protobuf.Any holds; undefined for anything else. */
function nameInAny(tree: ByteNode): string | undefined {
  if (tree.type !== AnySchema.typeName) return undefined;
  const url = fieldNamed(tree, "type_url")?.value ?? "";
  return schemaNamed(url.slice(url.lastIndexOf("/") + 1))?.name ?? url;
}

/** What a key is, without it: `des-cbc-md5, 8 bytes`. */
function keyText(tree: ByteNode): string {
  const key = fieldNamed(tree, "key")?.value ?? "0 bytes";
  return `${withoutNumber(tree.value ?? "")}, ${key}`;
}

function fieldNamed(tree: ByteNode, wanted: string): ByteNode | undefined {
  return tree.children.find(({ kind, name }) => kind === "field" && name === wanted);
}

/** A name without the number that it stands for: `des-cbc-md5` of `des-cbc-md5 (3)`. */
function withoutNumber(value: string): string {
  return value.replace(/ \(-?\d+\)$/, "");
}
