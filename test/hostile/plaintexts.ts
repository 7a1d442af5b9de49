/** One good message of every kind that is sealed, or checked as it travelled. */
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { EncryptedDataSchema, EncryptionKeySchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { ExtensionSchema } from "../../src/gen/kerberos/v1/extension_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { SealedPartSchema, TicketSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { SessionGrantSchema, SessionReplySchema } from "../../src/gen/kerberos/v1/session_pb.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import type { PartKind } from "../../src/protocol/sealed-part.js";
import { NOW } from "../support/entries.js";

/** A message: its schema and bytes, and what kind of sealed part it is, if any. */
export interface Plaintext {
  readonly schema: DescMessage;
  readonly bytes: Uint8Array;
  readonly kind: PartKind | undefined;
}

/** All of them. */
export function wirePlaintexts(): Plaintext[] {
  const sealed = SealedPartSchema.fields.map((field) => ({
    schema: field.message!,
    bytes: toBinary(field.message!, filled(field.message!)),
    kind: field.localName as PartKind,
  }));
  const clear = [
    TicketSchema,
    EncryptedDataSchema,
    EncryptionKeySchema,
    KdcReqBodySchema,
    ExtensionSchema,
    SessionGrantSchema,
    SessionReplySchema,
  ].map((schema) => ({ schema, bytes: toBinary(schema, filled(schema)), kind: undefined }));
  const seen = new Set<DescMessage>();
  return [...sealed, ...clear].filter(({ schema }) => !seen.has(schema) && seen.add(schema));
}

/** A message with something in every field. */
function filled(schema: DescMessage): never {
  if (schema.typeName === "google.protobuf.Timestamp") return toTimestamp(NOW + 123) as never;
  const values = schema.fields.map((field): [string, unknown] => {
    const one = (): unknown => {
      if (field.message !== undefined) return filled(field.message);
      if (field.enum !== undefined) return field.enum.values.at(-1)!.number;
      const scalar = field.scalar!;
      if (scalar === 9) return "alice@EXAMPLE.TEST";
      if (scalar === 12) return Uint8Array.from({ length: 16 }, (_, i) => i * 11);
      if (scalar === 8) return true;
      return [3, 4, 6, 16, 18].includes(scalar) ? 777n : 300;
    };
    return [field.localName, field.fieldKind === "list" ? [one(), one()] : one()];
  });
  return create(schema, Object.fromEntries(values)) as never;
}
