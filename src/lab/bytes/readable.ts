/** Values of fields as people read them. */
import { type DescEnum, type DescField, ScalarType } from "@bufbuild/protobuf";
import { EncryptionTypeSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { etypeName } from "../../protocol/etypes.js";
import { isoTime } from "../../protocol/kerberos-time.js";

/** The most bytes of a value that are written out in hex. */
const HEX_SIZE = 64;

/** A value of an enumeration: `pre-authent`, `des-cbc-md5`, or the number of one that it does not have. */
export function enumText(schema: DescEnum, value: number): string {
  if (schema.typeName === EncryptionTypeSchema.typeName) return etypeName(value);
  return (schema.value[value]?.localName ?? String(value)).toLowerCase().replaceAll("_", "-");
}

/** A google.protobuf.Timestamp in ISO 8601. */
export function timestampText(seconds: bigint, nanos: number): string {
  const ms = Number(seconds) * 1000 + nanos / 1_000_000;
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? isoTime(ms) : "not a time";
}

/** Bytes in hex. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** Bytes in hex, or how many there are if they are many. */
export function bytesText(bytes: Uint8Array): string {
  if (bytes.length <= HEX_SIZE) return hexOf(bytes);
  return `${bytes.length} bytes`;
}

/** A varint of a scalar field. */
export function varintText(type: ScalarType | undefined, value: bigint): string {
  switch (type) {
    case ScalarType.BOOL:
      return String(value !== 0n);
    case ScalarType.SINT32:
    case ScalarType.SINT64:
      return String((value >> 1n) ^ -(value & 1n));
    case ScalarType.INT32:
      return String(BigInt.asIntN(32, value));
    case ScalarType.INT64:
      return String(BigInt.asIntN(64, value));
    default:
      return String(value);
  }
}

/** A number of fixed size. */
export function fixedText(type: ScalarType | undefined, bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (type) {
    case ScalarType.DOUBLE:
      return String(view.getFloat64(0, true));
    case ScalarType.FLOAT:
      return String(view.getFloat32(0, true));
    case ScalarType.SFIXED32:
      return String(view.getInt32(0, true));
    case ScalarType.SFIXED64:
      return String(view.getBigInt64(0, true));
    default:
      return String(bytes.length === 4 ? view.getUint32(0, true) : view.getBigUint64(0, true));
  }
}

/** The type of a field's numbers, texts or bytes; undefined for messages and enumerations. */
export function scalarOf(field: DescField): ScalarType | undefined {
  return field.fieldKind === "map" ? undefined : field.scalar;
}
