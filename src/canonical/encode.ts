/**
 * Encoding in canonical form (form.ts), in one buffer that is reused and wiped each time: protobuf-es's own
 * encoder leaves copies of session keys in the buffers it outgrows, and allocating those costs more than all
 * the rest.
 *
 * Messages are written backwards from the end of the buffer, so that every length is known by the time it is
 * written.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { type FieldForm, fieldForms, tagOf } from "./form.js";
import { publicBytes } from "./public-bytes.js";

/**
 * Encodes a message; the result is the caller's.
 * @param allocate makes room for so many bytes of result; by default where anyone may see them.
 * @throws RangeError or TypeError for a value that its field can't hold; TypeError for fields that are not
 *   the schema's.
 */
export function encodeCanonical<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  allocate: (size: number) => Uint8Array = publicBytes,
): Uint8Array {
  try {
    scratch.message(schema, message as unknown as Fields);
    const bytes = allocate(scratch.size);
    bytes.set(scratch.lent());
    return bytes;
  } finally {
    scratch.wipe();
  }
}

/**
 * Encodes a message with `part` in field `number` and nothing else, and lends the bytes to `use`, which must
 * neither keep them nor encode anything: they are wiped when it returns. Throws as `encodeCanonical`.
 */
export function withEnvelope<Desc extends DescMessage, T>(
  number: number,
  schema: Desc,
  part: MessageShape<Desc>,
  use: (bytes: Uint8Array) => T,
): T {
  try {
    scratch.nested(schema, part as unknown as Fields);
    scratch.uint32((number << 3) | WireType.LengthDelimited);
    return use(scratch.lent());
  } finally {
    scratch.wipe();
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Writes a field of a message, or nothing where the field is left out. */
type FieldWriter = (out: BackwardsWriter, message: Fields) => void;
/** Writes one value. */
type ValueWriter = (out: BackwardsWriter, value: never) => void;

const utf8 = new TextEncoder();
const writers = new Map<DescMessage, readonly FieldWriter[]>();

/** The writers of a schema's fields, highest number first. */
function writersOf(schema: DescMessage): readonly FieldWriter[] {
  let found = writers.get(schema);
  if (found === undefined) {
    found = fieldForms(schema).toReversed().map(fieldWriter);
    writers.set(schema, found);
  }
  return found;
}

function fieldWriter(form: FieldForm): FieldWriter {
  const { name, list, leftOut, content } = form;
  if (list) return listWriter(form);
  const write = valueWriter(content);
  const tag = tagOf(form);
  return (out, message) => {
    const value = message[name];
    if (value === undefined) return;
    if (leftOut && (!value || (value as Uint8Array).length === 0)) return;
    write(out, value as never);
    out.uint32(tag);
  };
}

function listWriter(form: FieldForm): FieldWriter {
  const { name, packed, content } = form;
  const write = valueWriter(content);
  const tag = tagOf(form);
  if (packed)
    return (out, message) => {
      const items = message[name] as readonly never[];
      const before = out.size;
      for (let i = items.length - 1; i >= 0; i--) write(out, items[i]!);
      if (out.size > before) {
        out.uint32(out.size - before);
        out.uint32(tag);
      }
    };
  return (out, message) => {
    const items = message[name] as readonly never[];
    for (let i = items.length - 1; i >= 0; i--) {
      write(out, items[i]!);
      out.uint32(tag);
    }
  };
}

function valueWriter(content: FieldForm["content"]): ValueWriter {
  switch (content) {
    case "text":
      return (out, value) => out.text(value);
    case "bytes":
      return (out, value) => out.bytes(value);
    case "uint32":
      return (out, value) => out.uint32(value);
    case "int32":
      return (out, value) => out.int32(value);
    case "int64":
      return (out, value) => out.int64(value);
    case "bool":
      return (out, value) => out.uint32(value ? 1 : 0);
    default:
      return (out, value) => out.nested(content, value);
  }
}

/** A buffer that is filled from its end and grows as needed. */
class BackwardsWriter {
  #buffer = new Uint8Array(4096);
  /** How many bytes have been written: the last ones of the buffer. */
  size = 0;

  /** What was written; good until `wipe`. */
  lent(): Uint8Array {
    return this.#buffer.subarray(this.#buffer.length - this.size);
  }

  /** Overwrites and forgets what was written. */
  wipe(): void {
    this.#buffer.fill(0, this.#buffer.length - this.size);
    this.size = 0;
  }

  message(schema: DescMessage, message: Fields): void {
    if (message.$typeName !== schema.typeName)
      throw new TypeError(`message: expected ${schema.typeName}, got ${String(message.$typeName)}`);
    if (message.$unknown !== undefined)
      throw new TypeError("message: expected fields of its schema alone, got others");
    const fields = writersOf(schema);
    for (let i = 0; i < fields.length; i++) fields[i]!(this, message);
  }

  /** Writes a message preceded by its length. */
  nested(schema: DescMessage, message: Fields): void {
    const before = this.size;
    this.message(schema, message);
    this.uint32(this.size - before);
  }

  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw new TypeError(`expected bytes, got ${typeof value}`);
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
    this.uint32(value.length);
  }

  text(value: string): void {
    if (typeof value !== "string") throw new TypeError(`expected text, got ${typeof value}`);
    const { length } = value;
    const at = this.#reserve(length);
    let ascii = true;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) ascii = false;
      this.#buffer[at + i] = code;
    }
    if (ascii) {
      this.uint32(length);
    } else {
      // UTF-8 takes more bytes, so it overwrites what was written in vain.
      this.size -= length;
      this.bytes(utf8.encode(value));
    }
  }

  uint32(value: number): void {
    if ((value & 0x7f) === value) {
      this.#buffer[this.#reserve(1)] = value;
      return;
    }
    if (value >>> 0 !== value) throw new RangeError(`expected an unsigned 32-bit number, got ${value}`);
    let length = 1;
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++;
    let at = this.#reserve(length);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at] = rest;
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw new RangeError(`expected a 32-bit number, got ${value}`);
    if (value >= 0) this.uint32(value);
    else this.int64(BigInt(value));
  }

  int64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`expected a 64-bit number, got ${value}`);
    if (value >= 0n && value <= 0xffff_ffffn) {
      this.uint32(Number(value));
      return;
    }
    const groups: number[] = [];
    for (let rest = BigInt.asUintN(64, value); rest > 0n; rest >>= 7n) groups.push(Number(rest & 0x7fn));
    const at = this.#reserve(groups.length);
    groups.forEach((bits, i) => {
      this.#buffer[at + i] = i < groups.length - 1 ? bits | 0x80 : bits;
    });
  }

  /** Makes room before what was written, and returns where that room begins. */
  #reserve(length: number): number {
    const needed = this.size + length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.lent(), larger.length - this.size);
      this.#buffer.fill(0);
      this.#buffer = larger;
    }
    this.size = needed;
    return this.#buffer.length - needed;
  }
}

/** Shared by all calls: encoding never waits and never nests. */
const scratch = new BackwardsWriter();
