/** Opening a sealed part for a reader who wants every byte of it: confounder, checksum and padding too. */
import { DecryptionError, type EncryptionType } from "../crypto/encryption-type.js";
import type { EncryptedData } from "../gen/kerberos/v1/encryption_pb.js";
import type { Key } from "./keys.js";
import { isPartTag, readEnvelope, type Sealing } from "./sealed-part.js";
import { NotCanonicalError } from "./strict-decode.js";

/** A run of bytes of an opened part: what it is, where it lies, in bytes, and why it is there. */
export interface SealedRun {
  readonly kind: "confounder" | "checksum" | "message" | "padding";
  readonly at: number;
  readonly length: number;
  readonly explanation: string;
}

/**
 * Opens a part for a reader who wants all of it: the ciphertext's bytes as its encryption type lays them out,
 * what is enciphered deciphered, and the runs that they consist of, without a gap. The message among them is
 * a `SealedPart`.
 * @returns undefined if the key does not open it.
 */
export function openWhole(
  { key, usage }: Sealing,
  data: EncryptedData,
): { readonly bytes: Uint8Array; readonly runs: readonly SealedRun[] } | undefined {
  if (data.etype !== key.etype.etype) return undefined;
  try {
    const message = sizeOfPart(key, usage, data);
    const bytes = key.cipher.decryptWhole(usage, data.cipher);
    return { bytes, runs: runsOf(key.etype, bytes.length, message) };
  } catch (error) {
    if (error instanceof DecryptionError || error instanceof NotCanonicalError) return undefined;
    throw error;
  }
}

/** How many bytes the `SealedPart` has, of some kind, before any padding. */
function sizeOfPart(key: Key, usage: number, data: EncryptedData): number {
  const plaintext = key.cipher.decrypt(usage, data.cipher);
  try {
    const { tag, end } = readEnvelope(plaintext);
    if (!isPartTag(tag) || plaintext.length - end >= key.etype.messageBlockSize)
      throw new NotCanonicalError("SealedPart");
    return end;
  } finally {
    plaintext.fill(0);
  }
}

/**
 * Lays out `size` bytes with a message of `message` bytes among them. What the layout leaves open else is
 * padding.
 */
function runsOf({ layout }: EncryptionType, size: number, message: number): SealedRun[] {
  const fixed = layout.reduce((sum, part) => sum + (part.size ?? 0), message);
  const runs: SealedRun[] = [];
  let at = 0;
  for (const part of layout) {
    const length = part.size ?? (part.kind === "message" ? message : size - fixed);
    if (length > 0) runs.push({ kind: part.kind, at, length, explanation: part.explanation });
    at += length;
  }
  return runs;
}
