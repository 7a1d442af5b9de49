/** What every reader of extensions takes and refuses (extension.proto). */
import { create } from "@bufbuild/protobuf";
import { type Extension, ExtensionSchema } from "../../src/gen/kerberos/v1/extension_pb.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";

/** An extension of a type that nobody knows, unless told otherwise. */
export function extension(fields: { type?: number; critical?: boolean; data?: Uint8Array } = {}): Extension {
  return create(ExtensionSchema, { type: 1000, ...fields });
}

/** A list of extensions, and the refusal of a message with it; without a code it is taken. */
export interface ExtensionVector {
  readonly name: string;
  readonly extensions: Extension[];
  readonly code?: KrbErrorName;
  readonly type?: string;
}

/** The lists. */
export const EXTENSION_VECTORS: readonly ExtensionVector[] = [
  { name: "an unknown extension", extensions: [extension({ data: Uint8Array.of(1, 2, 3) })] },
  {
    name: "unknown extensions in order",
    extensions: [extension({ type: -5 }), extension(), extension({ type: 1001 })],
  },
  {
    name: "a critical extension of an unknown type",
    extensions: [extension({ critical: true })],
    code: "KDC_ERR_POLICY",
    type: "1000",
  },
  {
    name: "a critical extension behind another",
    extensions: [extension(), extension({ type: 2 ** 31 - 1, critical: true })],
    code: "KDC_ERR_POLICY",
    type: "2147483647",
  },
  { name: "an extension twice", extensions: [extension(), extension()], code: "KRB_ERR_GENERIC" },
  {
    name: "extensions out of order",
    extensions: [extension(), extension({ type: 999 })],
    code: "KRB_ERR_GENERIC",
  },
  { name: "an extension without a type", extensions: [extension({ type: 0 })], code: "KRB_ERR_GENERIC" },
];

/** What the refusal of a vector says of it. */
export function extensionDetails({ code, type }: ExtensionVector, field: string): Record<string, string> {
  return code === "KDC_ERR_POLICY" ? { rule: "extension", field, type: type! } : { field };
}
