/**
 * Encoding of what is sealed, in canonical form (canonical-form.ts), in one buffer that is kept and wiped: protobuf-es's
 * own encoder leaves copies of session keys in the buffers it outgrows, and making those costs more than all the rest.
 *
 * Messages are written from the end of the buffer backwards, so that every length is known when it is its turn.
 */
import { type DescField, type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";

/** Encodes a message; the result is the caller's. Throws RangeError for a value that its field can't hold. */
export function encodeCanonical<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): Uint8Array {
  try {
    scratch.message(schema, message as unknown as Fields);
    return scratch.lent().slice();
  } finally {
    scratch.wipe();
  }
}

/**
 * Encodes a message that holds `part` in field `number` and nothing else, and lends the bytes to `use`, which must neither
 * keep them nor encode anything; they are wiped when it returns. Throws as `encodeCanonical`.
 */
export function withEnvelope<Desc extends DescMessage, T>(
  number: number,
  schema: Desc,
  part: MessageShape<Desc>,
  use: (bytes: Uint8Array) => T,
): T {
  try {
    scratch.child(number, schema, part as unknown as Fields);
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

/** The fields of a schema, last number first. */
function writersOf(schema: DescMessage): readonly FieldWriter[] {
  let found = writers.get(schema);
  if (found === undefined) {
    found = schema.fields.toSorted((a, b) => b.number - a.number).map(fieldWriter);
    writers.set(schema, found);
  }
  return found;
}

function fieldWriter(field: DescField): FieldWriter {
  const { number, localName, fieldKind } = field;
  if (field.oneof !== undefined || fieldKind === "map") throw notEncoded(field);
  if (fieldKind === "list") return listWriter(field);
  if (fieldKind === "message")
    return (out, message) => {
      const value = message[localName];
      if (value !== undefined) out.child(number, field.message, value as Fields);
    };
  const write = valueWriter(field);
  const wireType = wireTypeOf(field);
  return (out, message) => {
    const value = message[localName];
    // Implicit presence: the default value is left out.
    if (!value || (value as Uint8Array).length === 0) return;
    write(out, value as never);
    out.tag(number, wireType);
  };
}

function listWriter(field: DescField & { fieldKind: "list" }): FieldWriter {
  const { number, message: schema } = field;
  const itemsOf = (message: Fields) => message[field.localName] as readonly never[];
  if (schema !== undefined)
    return (out, message) => {
      for (const item of itemsOf(message).toReversed()) out.child(number, schema, item);
    };
  const write = valueWriter(field);
  if (field.packed)
    return (out, message) => {
      const before = out.size;
      for (const item of itemsOf(message).toReversed()) write(out, item);
      if (out.size > before) out.prefix(number, out.size - before);
    };
  const wireType = wireTypeOf(field);
  return (out, message) => {
    for (const item of itemsOf(message).toReversed()) {
      write(out, item);
      out.tag(number, wireType);
    }
  };
}

function wireTypeOf(field: DescField): WireType {
  const text = field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES;
  return text ? WireType.LengthDelimited : WireType.Varint;
}

function valueWriter(field: DescField): ValueWriter {
  if (field.enum !== undefined) return (out, value) => out.int32(value);
  switch (field.scalar) {
    case ScalarType.STRING:
      return (out, value) => out.text(value);
    case ScalarType.BYTES:
      return (out, value) => out.bytes(value);
    case ScalarType.UINT32:
      return (out, value) => out.uint32(value);
    case ScalarType.INT32:
      return (out, value) => out.int32(value);
    case ScalarType.INT64:
      return (out, value) => out.int64(value);
    case ScalarType.BOOL:
      return (out, value) => out.uint32(value ? 1 : 0);
    default:
      throw notEncoded(field);
  }
}

function notEncoded(field: DescField): TypeError {
  return new TypeError(`${field}: no canonical form is defined for this kind of field`);
}

/** A buffer filled from its end; it grows where it must. */
class BackwardsWriter {
  #buffer = new Uint8Array(4096);
  /** Bytes written so far: the last ones of the buffer. */
  size = 0;

  /** What was written, until it is wiped. */
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
    const fields = writersOf(schema);
    for (let i = 0; i < fields.length; i++) fields[i]!(this, message);
  }

  child(number: number, schema: DescMessage, message: Fields): void {
    const before = this.size;
    this.message(schema, message);
    this.prefix(number, this.size - before);
  }

  /** Puts a field's tag and length before the `length` bytes written last. */
  prefix(number: number, length: number): void {
    this.uint32(length);
    this.tag(number, WireType.LengthDelimited);
  }

  tag(number: number, wireType: WireType): void {
    this.uint32((number << 3) | wireType);
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
    this.uint32(value.length);
  }

  text(value: string): void {
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
      // UTF-8 is longer, so that it covers what was written in vain.
      this.size -= length;
      this.bytes(utf8.encode(value));
    }
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw new RangeError(`expected an unsigned number of 32 bits, got ${value}`);
    let length = 1;
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++;
    let at = this.#reserve(length);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at] = rest;
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw new RangeError(`expected a number of 32 bits, got ${value}`);
    if (value >= 0) this.uint32(value);
    else this.int64(BigInt(value));
  }

  int64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value)
      throw new RangeError(`expected a number of 64 bits, got ${value}`);
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

  /** Makes room before what was written, and says where it begins. */
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
