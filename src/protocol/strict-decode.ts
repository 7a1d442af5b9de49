/**
 * Decoding of bytes that are checked or sealed: one canonical form, nothing else.
 *
 * Protobuf is lenient: fields may repeat, unknown ones vanish, invalid UTF-8 is replaced. Two readers could then see
 * two messages in the same bytes. So a message is taken only if the bytes received are exactly its encoding.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { asCopy, asView, readCanonical } from "../canonical/decode.js";
import { malformed } from "./krb-error.js";

/** Thrown by `decodeCanonical` alone; it says nothing of the cause. */
export class NotCanonicalError extends Error {
  override readonly name = "NotCanonicalError";
}

/**
 * Decodes a message in canonical form. `bytes` stay the caller's; the message does not alias them.
 * @throws NotCanonicalError for anything else.
 */
export function decodeCanonical<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  const message = readCanonical(schema, bytes, asCopy);
  if (message === undefined) throw new NotCanonicalError(schema.typeName);
  return message;
}

/**
 * Decodes a blob that travelled in clear, such as a ticket. What it holds as bytes are views of `bytes`.
 * @throws KrbError KRB_ERR_GENERIC naming the field: absent, or not that message in canonical form.
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
