/**
 * What is sealed in an EncryptedData, byte by byte: confounder, checksum and padding, and the message inside.
 */
import type { EncryptedData } from "../../gen/kerberos/v1/encryption_pb.js";
import { SealedPartSchema } from "../../gen/kerberos/v1/sealed_pb.js";
import type { Key } from "../../protocol/keys.js";
import { openWhole } from "../../protocol/whole-part.js";
import { annotatePart, node } from "./annotate.js";
import type { ByteNode } from "./byte-node.js";
import { bytesText } from "./readable.js";

/** A part that was opened: its bytes, and what each of them is. */
export interface AnnotatedPart {
  /**
   * As many bytes as the ciphertext, and in its order: what was enciphered deciphered, a checksum beside it
   * as it was.
   */
  readonly plaintext: Uint8Array;
  readonly tree: ByteNode;
}

/**
 * Opens what is sealed, and explains all of it.
 * @param usage the key usage (RFC 4120 §7.5.1).
 * @returns undefined if the key does not open it.
 */
export function annotateSealed(data: EncryptedData, key: Key, usage: number): AnnotatedPart | undefined {
  const opened = openWhole({ key, usage }, data);
  if (opened === undefined) return undefined;
  const { bytes: plaintext, runs } = opened;
  const children = runs.map(({ kind, at, length, explanation }) => {
    const end = at + length;
    if (kind === "message") return { ...annotatePart(SealedPartSchema, plaintext, at, end), name: "message" };
    return node(kind, kind, at, end, { value: bytesText(plaintext.subarray(at, end)), explanation });
  });
  const value = key.etype.name;
  return { plaintext, tree: node("message", "plaintext", 0, plaintext.length, { value, children }) };
}
