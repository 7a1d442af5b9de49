/**
 * A serialized message as a list of fields, so that a test can drop, double, reorder and retype them below
 * any schema.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** One field as it is on the wire. */
export interface WireField {
  readonly number: number;
  /** Tag and value. */
  readonly raw: Uint8Array;
  /** The value's bytes, of a length-delimited field. */
  readonly value: Uint8Array | undefined;
}

/** Splits a message into its fields. */
export function splitFields(message: Uint8Array): WireField[] {
  const reader = new BinaryReader(message);
  const fields: WireField[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const value = wireType === WireType.LengthDelimited ? reader.bytes() : undefined;
    if (value === undefined) reader.skip(wireType, number);
    fields.push({ number, raw: message.slice(start, reader.pos), value });
  }
  return fields;
}

/** The message made of these fields, in this order. */
export function joinFields(fields: readonly { readonly raw: Uint8Array }[]): Uint8Array {
  return Buffer.concat(fields.map(({ raw }) => raw));
}

/** A length-delimited field. */
export function bytesField(number: number, value: Uint8Array): WireField {
  const raw = new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(value).finish();
  return { number, raw, value };
}

/** A varint field. */
export function varintField(number: number, value: number): WireField {
  const raw = new BinaryWriter().tag(number, WireType.Varint).uint32(value).finish();
  return { number, raw, value: undefined };
}
