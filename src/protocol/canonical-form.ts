/**
 * Which bytes are a message in canonical form: exactly what an encoder writes that follows the field numbers, leaves out
 * what has its default value, and is brief. The check walks over the bytes once and makes nothing, so that reading a blob
 * costs no second encoding.
 *
 * Canonical: fields of the schema alone, in the order of their numbers, none twice unless repeated; the wire type of an
 * encoder, lists of numbers packed; varints in their fewest bytes and within their type; no field with its default value
 * unless presence is explicit; valid UTF-8.
 */
import { isUtf8 } from "node:buffer";
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";

/** Whether `bytes` are a message of this schema in canonical form. Throws TypeError for a schema with kinds of fields unused here. */
export function isCanonical(schema: DescMessage, bytes: Uint8Array): boolean {
  return new Walk(bytes).message(formOf(schema), bytes.length);
}

/** What may stand in a varint. */
type Varint = "uint32" | "int32" | "int64" | "bool";

/** What a field looks like on the wire. */
interface FieldForm {
  readonly wireType: WireType;
  readonly list: boolean;
  /** Whether the default value is left out. */
  readonly implicit: boolean;
  /** The contents: one varint, several packed, text, bytes, or a message. */
  readonly content: Varint | "text" | "bytes" | DescMessage;
  readonly packed: boolean;
}

/** A message's fields by their numbers. */
type MessageForm = ReadonlyMap<number, FieldForm>;

const forms = new Map<DescMessage, MessageForm>();

function formOf(schema: DescMessage): MessageForm {
  let form = forms.get(schema);
  if (form === undefined) {
    form = new Map(schema.fields.map((field) => [field.number, fieldForm(field)]));
    forms.set(schema, form);
  }
  return form;
}

const IMPLICIT_PRESENCE = 2; // google.protobuf.FeatureSet.FieldPresence.IMPLICIT

function fieldForm(field: DescField): FieldForm {
  if (field.oneof !== undefined || field.fieldKind === "map") throw notForm(field);
  const list = field.fieldKind === "list";
  const content = contentOf(field);
  const packed = list && field.packed;
  const varint = content === "uint32" || content === "int32" || content === "int64" || content === "bool";
  if (list && varint && !packed) throw notForm(field);
  return {
    wireType: varint && !packed ? WireType.Varint : WireType.LengthDelimited,
    list,
    implicit: !list && field.presence === IMPLICIT_PRESENCE,
    content,
    packed,
  };
}

function contentOf(field: DescField): FieldForm["content"] {
  if (field.message !== undefined) return field.message;
  if (field.enum !== undefined) return "int32";
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
      return "int64";
    case ScalarType.BOOL:
      return "bool";
    default:
      throw notForm(field);
  }
}

function notForm(field: DescField): TypeError {
  return new TypeError(`${field}: no canonical form is defined for this kind of field`);
}

/** One walk over bytes; each step tells whether all was canonical so far. */
class Walk {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** The varint read last, as two's complement of 64 bits. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  message(form: MessageForm, end: number): boolean {
    let last = 0;
    while (this.#at < end) {
      if (!this.#varint(end) || !this.#fits("uint32")) return false;
      const number = this.#low >>> 3;
      const field = form.get(number);
      if (field === undefined || field.wireType !== (this.#low & 7)) return false;
      if (number < last || (number === last && (!field.list || field.packed))) return false;
      last = number;
      if (!this.#field(field, end)) return false;
    }
    return this.#at === end;
  }

  #field(field: FieldForm, end: number): boolean {
    const { content, implicit } = field;
    if (field.wireType === WireType.Varint) {
      if (!this.#varint(end) || !this.#fits(content as Varint)) return false;
      return !implicit || this.#low !== 0 || this.#high !== 0;
    }
    if (!this.#varint(end) || !this.#fits("uint32")) return false;
    const length = this.#low >>> 0;
    if (length > end - this.#at) return false;
    // A list that is empty is left out, as a default value is.
    if (length === 0 && (implicit || field.packed)) return false;
    const start = this.#at;
    const stop = start + length;
    if (field.packed) return this.#numbers(content as Varint, stop);
    if (typeof content === "object") return this.message(formOf(content), stop);
    this.#at = stop;
    return content === "bytes" || this.#isText(start, stop);
  }

  #numbers(content: Varint, end: number): boolean {
    while (this.#at < end) if (!this.#varint(end) || !this.#fits(content)) return false;
    return this.#at === end;
  }

  #isText(start: number, end: number): boolean {
    const bytes = this.#bytes;
    let ascii = true;
    for (let i = start; i < end; i++) if (bytes[i]! >= 0x80) ascii = false;
    return ascii || isUtf8(bytes.subarray(start, end));
  }

  /** Reads a varint of at most 64 bits in its fewest bytes. */
  #varint(end: number): boolean {
    const bytes = this.#bytes;
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10 && this.#at < end; i++) {
      const byte = bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (i < 5) low |= bits << (7 * i);
      if (i === 4) high = bits >>> 4;
      if (i > 4) high |= bits << (7 * i - 32);
      if (byte >= 0x80) continue;
      this.#low = low;
      this.#high = high;
      return (byte !== 0 || i === 0) && (i < 9 || byte === 1);
    }
    return false;
  }

  #fits(type: Varint): boolean {
    switch (type) {
      case "uint32":
        return this.#high === 0;
      case "int32":
        return this.#high === this.#low >> 31;
      case "int64":
        return true;
      case "bool":
        return this.#high === 0 && (this.#low & ~1) === 0;
    }
  }
}
