/**
 * Decoding of bytes that are checked or sealed: in canonical form and no other.
 *
 * Protobuf is lenient: fields may repeat, unknown ones are dropped, invalid UTF-8 is replaced. Two readers
 * could see different messages in the same bytes. So a message is accepted only if the bytes received are
 * exactly its encoding.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { asCopy, asView, type BytesTaker, readCanonical } from "../canonical/decode.js";
import { malformed } from "./krb-error.js";

/** Thrown by `decodeCanonical`; says nothing about the cause. */
export class NotCanonicalError extends Error {
  override readonly name = "NotCanonicalError";
}

/**
 * Decodes a message in canonical form. The message is no view of `bytes`, which stay the caller's.
 * @throws NotCanonicalError for anything else.
 */
export function decodeCanonical<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  return decodeAs(asCopy, schema, bytes);
}

/**
 * Decodes a message in canonical form. Its `bytes` fields are views of `bytes`.
 * @throws NotCanonicalError for anything else.
 */
export function decodeCanonicalView<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  return decodeAs(asView, schema, bytes);
}

function decodeAs<Desc extends DescMessage>(
  take: BytesTaker,
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  const message = readCanonical(schema, bytes, take);
  if (message === undefined) throw new NotCanonicalError(schema.typeName);
  return message;
}

/**
 * Decodes a message that travelled in clear inside a `bytes` field, such as a ticket. Its own `bytes` fields
 * are views of `bytes`.
 * @throws KrbError KRB_ERR_GENERIC, which names the field, if it is absent or not that message in canonical
 *   form.
 */
export function decodeBlob<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  field: string,
): MessageShape<Desc> {
  if (bytes.length === 0) throw malformed(field, "required");
  const message = readCanonical(schema, bytes, asView);
  if (message === undefined) throw malformed(field, `not a serialized ${schema.typeName}`);
  return message;
}
