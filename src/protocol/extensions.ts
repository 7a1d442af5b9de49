/** Extensions: what is added to a message, by type (extension.proto). */
import type { Extension } from "../gen/kerberos/v1/extension_pb.js";
import { KrbError, malformed } from "./krb-error.js";

const NONE: readonly number[] = [];

/**
 * Checks the extensions of a message, and passes over those that are not understood.
 * @param list the message's list.
 * @param field the list's name, for refusals.
 * @param understood the types that the reader knows.
 * @throws KrbError KRB_ERR_GENERIC for types that do not ascend; KDC_ERR_POLICY for a critical extension of a
 *   type that is not understood.
 */
export function checkExtensions(
  list: readonly Extension[],
  field: string,
  understood: readonly number[] = NONE,
): void {
  for (let i = 0; i < list.length; i++) {
    const { type, critical } = list[i]!;
    if (type === 0) throw malformed(field, "an extension without a type");
    if (i > 0 && type <= list[i - 1]!.type)
      throw malformed(field, `expected ascending types, got ${list[i - 1]!.type} before ${type}`);
    if (critical && !understood.includes(type))
      throw new KrbError("KDC_ERR_POLICY", `a critical extension of type ${type} is not understood here`, {
        rule: "extension",
        field,
        type: String(type),
      });
  }
}

/** The contents of the extension of a type; undefined where there is none. */
export function extensionOf(list: readonly Extension[], wanted: number): Uint8Array | undefined {
  return list.find(({ type }) => type === wanted)?.data;
}
