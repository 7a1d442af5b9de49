/** A sealed part, opened with whichever of some keys fits; and if none does, why. */
import type { Message } from "@bufbuild/protobuf";
import type { EncryptedData } from "../gen/kerberos/v1/encryption_pb.js";
import { SealedPartSchema } from "../gen/kerberos/v1/sealed_pb.js";
import { etypeName } from "../protocol/etypes.js";
import { KeyUsage } from "../protocol/key-usage.js";
import type { Key } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { type PartKind, unseal } from "../protocol/sealed-part.js";
import { equalBlocks } from "./bytes/equal-blocks.js";
import { type FoundSeal, partIn } from "./bytes/found.js";
import { type AnnotatedPart, annotateSealed } from "./bytes/sealed.js";
import { type Disclosure, type Field, fieldsOf } from "./fields.js";

/** A key to try, and what to call it. */
export interface NamedKey {
  readonly name: string;
  readonly key: Key;
  /** 0 if it has no version. */
  readonly kvno: number;
}

/** A sealed part, opened or not. */
export interface OpenedPart {
  /** The field it was found in; empty for a blob that is itself one. */
  readonly field: string;
  readonly etype: string;
  /** Version of the long-term key; 0 for session keys. */
  readonly kvno: number;
  /** Length of the ciphertext. */
  readonly bytes: number;
  /** Where the ciphertext is in the blob: bytes from its start. */
  readonly at: number;
  /** Equal blocks of 8 bytes in the ciphertext, by their places in it. */
  readonly equalBlocks: readonly (readonly number[])[];
  readonly opened: PartContents | undefined;
  /** Why no key opened it. */
  readonly closed: WhyClosed | undefined;
}

/** What an opened part holds. */
export interface PartContents extends AnnotatedPart {
  /** The name of the key that opened it. */
  readonly key: string;
  /** The part's message: `EncTicketPart`. */
  readonly part: string;
  /** Key usage (RFC 4120 §7.5.1). */
  readonly usage: number;
  readonly fields: readonly Field[];
}

/** Why no key opened a part. */
export type WhyClosed =
  | { readonly reason: "no-keys" }
  | { readonly reason: "other-etype"; readonly held: readonly string[] }
  | { readonly reason: "other-kvno"; readonly held: readonly number[] }
  | { readonly reason: "does-not-open"; readonly tried: number };

/** The kinds of sealed parts, and the key usages they may be sealed under. */
const PARTS: readonly (readonly [PartKind, number])[] = [
  ["encTicketPart", KeyUsage.TICKET],
  ["encAsRepPart", KeyUsage.AS_REP],
  ["encTgsRepPart", KeyUsage.TGS_REP_SESSION_KEY],
  ["encTgsRepPart", KeyUsage.TGS_REP_SUBKEY],
  ["authenticator", KeyUsage.TGS_REQ_AUTHENTICATOR],
  ["authenticator", KeyUsage.AP_REQ_AUTHENTICATOR],
  ["encApRepPart", KeyUsage.AP_REP],
  ["encRequestPart", KeyUsage.REQUEST_DATA],
  ["encResponsePart", KeyUsage.RESPONSE_DATA],
  ["encTimestamp", KeyUsage.PA_ENC_TIMESTAMP],
];

/** Opens what is sealed in `field` with the first key that fits. */
export function openPart(
  { field, data, at }: FoundSeal,
  keys: readonly NamedKey[],
  disclosure: Disclosure,
): OpenedPart {
  const part = {
    field,
    etype: etypeName(data.etype),
    kvno: data.kvno,
    bytes: data.cipher.length,
    at,
    equalBlocks: equalBlocks(data.cipher),
  };
  const fitting = keys.filter(({ key }) => key.etype.etype === data.etype);
  for (const { name, key } of fitting)
    for (const [wanted, usage] of PARTS) {
      const annotated = annotateSealed(data, key, usage);
      const found = annotated && partIn(annotated.tree);
      if (annotated === undefined || found?.kind !== wanted) continue;
      const fields = fieldsOf(found.part, annotated.plaintext, disclosure);
      const opened = { key: name, part: found.part.name, usage, fields, ...annotated };
      return { ...part, opened, closed: undefined };
    }
  return { ...part, opened: undefined, closed: whyClosed(data, keys, fitting) };
}

/** The message type of a kind of part. */
export function schemaOf(kind: PartKind) {
  return SealedPartSchema.fields.find(({ localName }) => localName === kind)!.message!;
}

/** The message in a part if the key opens it under that kind and usage; otherwise undefined. */
export function tryOpen(key: Key, kind: PartKind, usage: number, data: EncryptedData): Message | undefined {
  try {
    return unseal({ key, usage }, kind, data, () => new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "closed"));
  } catch (error) {
    if (error instanceof KrbError) return undefined;
    throw error;
  }
}

function whyClosed(data: EncryptedData, keys: readonly NamedKey[], fitting: readonly NamedKey[]): WhyClosed {
  if (keys.length === 0) return { reason: "no-keys" };
  if (fitting.length === 0)
    return { reason: "other-etype", held: [...new Set(keys.map(({ key }) => key.etype.name))] };
  const versions = fitting.map(({ kvno }) => kvno).filter((kvno) => kvno > 0);
  if (data.kvno > 0 && versions.length > 0 && !versions.includes(data.kvno))
    return { reason: "other-kvno", held: versions };
  return { reason: "does-not-open", tried: fitting.length };
}
