/**
 * Reads the wire format of Protocol Buffers as it lies: where each field's tag, length and contents are. It
 * takes what is not canonical too, and says where what can't be read begins.
 */
import { WireType } from "@bufbuild/protobuf/wire";

/** A field as it lies in its message. All places are in bytes from the start of the blob. */
export interface WireField {
  readonly number: number;
  readonly wireType: WireType;
  /** Where its tag begins. */
  readonly at: number;
  /** Where its tag ends. */
  readonly tagEnd: number;
  /** Where its contents begin: after the length, if it has one. */
  readonly start: number;
  readonly end: number;
}

/** The fields between two places, and where the first byte stands that can't be read: `end` if all can. */
export function readWire(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly fields: readonly WireField[]; readonly stop: number } {
  const fields: WireField[] = [];
  let at = start;
  while (at < end) {
    const field = readField(bytes, at, end);
    if (field === undefined) break;
    fields.push(field);
    at = field.end;
  }
  return { fields, stop: at };
}

function readField(bytes: Uint8Array, at: number, end: number): WireField | undefined {
  const tag = readVarint(bytes, at, end);
  if (tag === undefined || tag.value > 0xffff_ffffn) return undefined;
  const number = Number(tag.value >> 3n);
  const wireType = Number(tag.value & 7n) as WireType;
  const contents = readContents(bytes, wireType, tag.end, end);
  if (number === 0 || contents === undefined) return undefined;
  return { number, wireType, at, tagEnd: tag.end, ...contents };
}

function readContents(
  bytes: Uint8Array,
  wireType: WireType,
  at: number,
  end: number,
): { readonly start: number; readonly end: number } | undefined {
  switch (wireType) {
    case WireType.Varint: {
      const value = readVarint(bytes, at, end);
      return value && { start: at, end: value.end };
    }
    case WireType.LengthDelimited: {
      const length = readVarint(bytes, at, end);
      if (length === undefined || length.value > BigInt(end - length.end)) return undefined;
      return { start: length.end, end: length.end + Number(length.value) };
    }
    case WireType.Bit64:
      return at + 8 > end ? undefined : { start: at, end: at + 8 };
    case WireType.Bit32:
      return at + 4 > end ? undefined : { start: at, end: at + 4 };
    default:
      return undefined;
  }
}

/** A varint of up to 64 bits, and where it ends; undefined where there is none. */
export function readVarint(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly value: bigint; readonly end: number } | undefined {
  let value = 0n;
  for (let i = 0; i < 10 && at + i < end; i++) {
    const byte = bytes[at + i]!;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: at + i + 1 };
  }
  return undefined;
}
