/**
 * Canonical form: the one encoding that results when fields are written in the order of their numbers,
 * default values are left out and no byte is wasted. encode.ts writes it, decode.ts reads it; this file says
 * what each field looks like.
 *
 * In full: fields of the schema alone, in the order of their numbers, none twice unless it is repeated; each
 * of its own wire type, lists of numbers packed; varints as short as can be and in their type's range; no
 * field with its default value, messages excepted; valid UTF-8.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { Edition, isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** The types that are written as a varint. */
export type Varint = "uint32" | "int32" | "int64" | "bool";

/** What a field looks like on the wire. */
export interface FieldForm {
  /** The property of the message that holds it. */
  readonly name: string;
  readonly number: number;
  readonly list: boolean;
  /** Whether a default value is left out: of everything but messages and the items of lists. */
  readonly leftOut: boolean;
  /** The contents: a varint, text, bytes, or a message. */
  readonly content: Varint | "text" | "bytes" | DescMessage;
  /** Whether all items of a list, varints, stand in one field. */
  readonly packed: boolean;
}

/** The tag of a field (protobuf's word for number and wire type together). */
export function tagOf({ number, content, packed }: FieldForm): number {
  return ((number << 3) | (isVarint(content) && !packed ? WireType.Varint : WireType.LengthDelimited)) >>> 0;
}

/** Whether contents are written as a varint. */
export function isVarint(content: FieldForm["content"]): content is Varint {
  return content === "uint32" || content === "int32" || content === "int64" || content === "bool";
}

/**
 * The fields of a schema, in the order of their numbers. Throws TypeError for a kind of field that has no
 * canonical form.
 */
export function fieldForms(schema: DescMessage): readonly FieldForm[] {
  return schema.fields.map(fieldForm).sort((a, b) => a.number - b.number);
}

/** Whether a schema, with all messages within it, has a canonical form. */
export function hasCanonicalForm(schema: DescMessage): boolean {
  let known = knownToHave.get(schema);
  if (known === undefined) {
    known = haveForms(schema, new Set());
    knownToHave.set(schema, known);
  }
  return known;
}

const knownToHave = new Map<DescMessage, boolean>();

function haveForms(schema: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(schema)) return true;
  seen.add(schema);
  return schema.fields.every(
    (field) =>
      contentOf(field) !== undefined && (field.message === undefined || haveForms(field.message, seen)),
  );
}

const IMPLICIT_PRESENCE = 2; // google.protobuf.FeatureSet.FieldPresence.IMPLICIT

function fieldForm(field: DescField): FieldForm {
  const content = contentOf(field);
  if (content === undefined)
    throw new TypeError(`${field}: no canonical form is defined for this kind of field`);
  const list = field.fieldKind === "list";
  return {
    name: field.localName,
    number: field.number,
    list,
    leftOut: !list && field.message === undefined,
    content,
    packed: list && isVarint(content),
  };
}

function contentOf(field: DescField): FieldForm["content"] | undefined {
  const { message } = field;
  // In other editions messages keep the presence of numbers in their prototypes.
  if (field.parent.file.edition !== Edition.EDITION_PROTO3) return undefined;
  if (field.oneof !== undefined || field.fieldKind === "map") return undefined;
  // protobuf-es unwraps these to plain values.
  if (message !== undefined)
    return isWrapperDesc(message) || message.typeName === "google.protobuf.Struct" ? undefined : message;
  if (field.fieldKind !== "list" && field.presence !== IMPLICIT_PRESENCE) return undefined;
  const content = field.enum !== undefined ? "int32" : scalarContent(field);
  const unpacked = field.fieldKind === "list" && !field.packed;
  return content !== undefined && isVarint(content) && unpacked ? undefined : content;
}

function scalarContent(field: DescField): Varint | "text" | "bytes" | undefined {
  switch (field.scalar) {
    case ScalarType.STRING:
      return "text";
    case ScalarType.BYTES:
      return "bytes";
    case ScalarType.UINT32:
      return "uint32";
    case ScalarType.INT32:
      return "int32";
    case ScalarType.INT64:
      return "longAsString" in field && field.longAsString ? undefined : "int64";
    case ScalarType.BOOL:
      return "bool";
    default:
      return undefined;
  }
}
