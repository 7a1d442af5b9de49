/**
 * Decoding of bytes in canonical form (form.ts): one pass that checks as it builds, and builds what
 * protobuf-es would.
 *
 * The fields of a message come in the order of their numbers. So the reader steps through the schema's fields
 * as it goes, and one comparison of tags settles order, repetition, unknown fields and wire types.
 */
import { isUtf8 } from "node:buffer";
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type FieldForm, fieldForms, isVarint, tagOf, type Varint } from "./form.js";

/** How a message comes by the contents of a `bytes` field. */
export type BytesTaker = (bytes: Uint8Array, start: number, end: number) => Uint8Array;

/** As a view: the bytes must stay as they are for as long as the message is in use. */
export const asView: BytesTaker = (bytes, start, end) => bytes.subarray(start, end);

/** As a copy of its own. */
export const asCopy: BytesTaker = (bytes, start, end) => {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
};

/**
 * Decodes a message in canonical form.
 * @returns undefined for bytes that are not one.
 * @throws TypeError for a schema that has no canonical form.
 */
export function readCanonical<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  take: BytesTaker,
): MessageShape<Desc> | undefined {
  return new Reader(bytes, take).message(readingOf(schema), bytes.length) as MessageShape<Desc> | undefined;
}

type Fields = Record<string, unknown>;

/** Reads the field whose tag was just read into the message; false means not canonical. */
type FieldReader = (reader: Reader, message: Fields, end: number) => boolean;

interface FieldReading {
  readonly tag: number;
  /** Whether the tag may come again. */
  readonly repeats: boolean;
  readonly read: FieldReader;
}

interface Reading {
  /** A message with nothing set. Its lists, by their names, are made anew for each message. */
  readonly zero: Fields;
  readonly lists: readonly string[];
  /** In the order of their tags. */
  readonly fields: readonly FieldReading[];
}

/** How deep messages may be nested: the limit of protobuf-es. */
const MAX_DEPTH = 100;

const readings = new Map<DescMessage, Reading>();

function readingOf(schema: DescMessage): Reading {
  let found = readings.get(schema);
  if (found === undefined) {
    const forms = fieldForms(schema);
    found = {
      zero: create(schema) as unknown as Fields,
      lists: forms.filter(({ list }) => list).map(({ name }) => name),
      fields: forms.map((form) => ({
        tag: tagOf(form),
        repeats: form.list && !form.packed,
        read: fieldReader(form),
      })),
    };
    readings.set(schema, found);
  }
  return found;
}

function fieldReader(form: FieldForm): FieldReader {
  const { name, list, leftOut, content, packed } = form;
  if (isVarint(content)) {
    const value = VARINTS[content];
    if (packed) return (reader, message, end) => reader.numbers(value, message[name] as unknown[], end);
    return (reader, message, end) => {
      if (!reader.varint(end)) return false;
      if (leftOut && reader.low === 0 && reader.high === 0) return false;
      const read = value(reader.low, reader.high);
      message[name] = read;
      return read !== undefined;
    };
  }
  const value = lengthDelimited(content);
  return (reader, message, end) => {
    const stop = reader.length(end);
    if (stop < reader.at || (leftOut && stop === reader.at)) return false;
    const read = value(reader, stop);
    if (list) (message[name] as unknown[]).push(read);
    else message[name] = read;
    return read !== undefined;
  };
}

/** Reads a value that ends at `stop`; undefined means not canonical. */
function lengthDelimited(content: "text" | "bytes" | DescMessage): (reader: Reader, stop: number) => unknown {
  if (content === "text") return (reader, stop) => reader.text(stop);
  if (content === "bytes") return (reader, stop) => reader.contents(stop);
  return (reader, stop) => reader.message(readingOf(content), stop);
}

/** The value of a 64-bit varint, or undefined where it is out of the type's range. */
const VARINTS: Readonly<Record<Varint, (low: number, high: number) => unknown>> = {
  uint32: (low, high) => (high === 0 ? low >>> 0 : undefined),
  int32: (low, high) => (high === low >> 31 ? low : undefined),
  int64: (low, high) => (high === 0 ? BigInt(low >>> 0) : (BigInt(high) << 32n) | BigInt(low >>> 0)),
  bool: (low, high) => (high === 0 && (low & ~1) === 0 ? low === 1 : undefined),
};

/** One pass over bytes. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #take: BytesTaker;
  at = 0;
  /** The two halves of the last varint read, a 64-bit number in two's complement. */
  low = 0;
  high = 0;
  #depth = 0;
  #buffer: Buffer | undefined;

  constructor(bytes: Uint8Array, take: BytesTaker) {
    this.#bytes = bytes;
    this.#take = take;
  }

  message({ zero, lists, fields }: Reading, end: number): Fields | undefined {
    if (++this.#depth > MAX_DEPTH) return undefined;
    const message = { ...zero };
    for (let i = 0; i < lists.length; i++) message[lists[i]!] = [];
    let next = 0;
    while (this.at < end) {
      if (!this.varint(end) || this.high !== 0) return undefined;
      const tag = this.low >>> 0;
      while (next < fields.length && fields[next]!.tag < tag) next++;
      const field = fields[next];
      if (field === undefined || field.tag !== tag || !field.read(this, message, end)) return undefined;
      if (!field.repeats) next++;
    }
    this.#depth--;
    return message;
  }

  numbers(value: (low: number, high: number) => unknown, into: unknown[], end: number): boolean {
    const stop = this.length(end);
    // An empty list is left out, as a default value is.
    if (stop <= this.at) return false;
    while (this.at < stop) {
      if (!this.varint(stop)) return false;
      const read = value(this.low, this.high);
      if (read === undefined) return false;
      into.push(read);
    }
    return true;
  }

  contents(stop: number): Uint8Array {
    const start = this.at;
    this.at = stop;
    return this.#take(this.#bytes, start, stop);
  }

  text(stop: number): string | undefined {
    const start = this.at;
    this.at = stop;
    const { buffer, byteOffset, length } = this.#bytes;
    this.#buffer ??= Buffer.from(buffer, byteOffset, length);
    const text = this.#buffer.toString("utf8", start, stop);
    // Invalid UTF-8 is decoded to U+FFFD, which may also have been sent.
    if (text.includes("\uFFFD") && !isUtf8(this.#bytes.subarray(start, stop))) return undefined;
    return text;
  }

  /** Reads a length and returns where its contents end, or -1 if that is beyond `end`. */
  length(end: number): number {
    if (!this.varint(end) || this.high !== 0) return -1;
    const length = this.low >>> 0;
    return length <= end - this.at ? this.at + length : -1;
  }

  /** Reads a varint of at most 64 bits; false if there is none, or one longer than it need be. */
  varint(end: number): boolean {
    const bytes = this.#bytes;
    if (this.at < end && bytes[this.at]! < 0x80) {
      this.low = bytes[this.at++]!;
      this.high = 0;
      return true;
    }
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10 && this.at < end; i++) {
      const byte = bytes[this.at++]!;
      const bits = byte & 0x7f;
      if (i < 5) low |= bits << (7 * i);
      if (i === 4) high = bits >>> 4;
      if (i > 4) high |= bits << (7 * i - 32);
      if (byte >= 0x80) continue;
      this.low = low;
      this.high = high;
      return (byte !== 0 || i === 0) && (i < 9 || byte === 1);
    }
    return false;
  }
}
