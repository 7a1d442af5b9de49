/**
 * What a blob is. Protobuf does not say, so each type is tried in its canonical form; a type whose required
 * fields are missing is not a candidate. What is sealed inside is opened with whatever keys there are: the
 * kind of the part and its key usage are found by trying too, because the seal tells.
 */
import { BLOB_TYPES, type BlobType } from "./blob-types.js";
import type { ByteNode } from "./bytes/byte-node.js";
import { sealsIn } from "./bytes/found.js";
import { type Disclosure, type Field, fieldsOf } from "./fields.js";
import { type NamedKey, type OpenedPart, openPart } from "./open-part.js";

/** A blob whose type is known. */
export interface Blob {
  readonly type: BlobType;
  readonly tree: ByteNode;
  readonly bytes: Uint8Array;
}

/** What is in a blob. */
export interface BlobContents {
  /** The fields in clear. */
  readonly clear: readonly Field[];
  readonly sealed: readonly OpenedPart[];
}

/**
 * Finds out what a blob is, given as base64, as hex, as the bytes themselves, or as the metadata of a call
 * that holds it: `kerberos-call-bin: CiB…`.
 * @param types those it may be, in the order in which to try them.
 * @returns undefined if it is none of them.
 */
export function identify(
  input: Uint8Array,
  types: readonly BlobType[] = BLOB_TYPES.filter(({ isGuessed }) => isGuessed),
): Blob | undefined {
  const header = headerIn(input);
  const candidates = header === undefined ? types : BLOB_TYPES.filter((type) => type.header === header.name);
  for (const bytes of readings(header?.value ?? input))
    for (const type of candidates) {
      const tree = type.read(bytes);
      if (tree !== undefined) return { type, tree, bytes };
    }
  return undefined;
}

/** Reads a blob, and opens with the given keys what is sealed in it. */
export function readBlob(
  { tree, bytes }: Blob,
  keys: readonly NamedKey[],
  disclosure: Disclosure,
): BlobContents {
  const seals = sealsIn(tree, bytes);
  const sealed = seals.map((seal) => openPart(seal, keys, disclosure));
  return {
    clear: fieldsOf(
      tree,
      bytes,
      disclosure,
      seals.map(({ field }) => field),
    ),
    sealed,
  };
}

/** A header of a call, if the input is one that can hold a blob. */
function headerIn(input: Uint8Array): { readonly name: string; readonly value: Uint8Array } | undefined {
  const text = Buffer.from(input.subarray(0, 64)).toString("latin1");
  const name = /^\s*([a-z-]+-bin)\s*:/i.exec(text);
  if (name === null) return undefined;
  return { name: name[1]!.toLowerCase(), value: input.subarray(name[0].length) };
}

/** The ways to read the input: its text as hex or base64, or its bytes. */
function* readings(input: Uint8Array): Generator<Uint8Array> {
  const text = Buffer.from(input).toString("latin1").replaceAll(/\s+/g, "");
  const hex = text.replace(/^0x/, "");
  if (/^(?:[0-9a-fA-F]{2})+$/.test(hex)) yield Buffer.from(hex, "hex");
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) yield Buffer.from(text, "base64");
  yield input;
}
