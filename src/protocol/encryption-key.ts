/** Keys in messages (RFC 4120 §5.2.9, EncryptionKey): a `Key` to its message and back. */
import type { EncryptionKey } from "../gen/kerberos/v1/encryption_pb.js";
import { etypeOf, etypeText } from "./etypes.js";
import { Key } from "./keys.js";
import { KrbError } from "./krb-error.js";

/** The message of a key; it holds a copy of the bytes. */
export function toEncryptionKey(key: Key): EncryptionKey {
  return { $typeName: "kerberos.v1.EncryptionKey", etype: key.etype.etype, key: key.exportBytes() };
}

/**
 * The key in a message that was sealed; the message's own copy is overwritten.
 * @param permitted the encryption types the reader accepts.
 * @throws KrbError KRB_AP_ERR_MODIFIED if it is absent, of the wrong length or a weak DES key;
 *   KDC_ERR_ETYPE_NOSUPP if its encryption type is not permitted.
 */
export function fromEncryptionKey(
  message: EncryptionKey | undefined,
  permitted: readonly number[],
  field: string,
): Key {
  if (message === undefined) throw new KrbError("KRB_AP_ERR_MODIFIED", `${field}: required`, { field });
  if (!permitted.includes(message.etype))
    throw new KrbError(
      "KDC_ERR_ETYPE_NOSUPP",
      `${field}: ${etypeText(message.etype)} is not permitted here, only ${permitted.map(etypeText).join(", ")}`,
      { field, etype: String(message.etype), permitted: permitted.join(" ") },
    );
  try {
    const key = new Key(etypeOf(message.etype), message.key);
    void key.cipher;
    return key;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KrbError("KRB_AP_ERR_MODIFIED", `${field}: not a usable key`, { field });
  } finally {
    message.key.fill(0);
  }
}
