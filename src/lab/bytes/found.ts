/** Looking for nodes in a tree of bytes. */
import { fromBinary } from "@bufbuild/protobuf";
import { type EncryptedData, EncryptedDataSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { SealedPartSchema } from "../../gen/kerberos/v1/sealed_pb.js";
import type { ByteNode } from "./byte-node.js";

/** All nodes of a tree, a node before what lies in it. */
export function* nodesOf(tree: ByteNode): Generator<ByteNode> {
  yield tree;
  for (const child of tree.children) yield* nodesOf(child);
}

/** Something sealed, as it was found in a blob. */
export interface FoundSeal {
  /** The field of the blob that it lies in; empty if the blob is itself one. */
  readonly field: string;
  readonly data: EncryptedData;
  /** Where its ciphertext begins, in bytes from the start of the blob. */
  readonly at: number;
}

/** Whatever is sealed in a blob, in the order of its bytes. */
export function sealsIn(tree: ByteNode, blob: Uint8Array): FoundSeal[] {
  if (tree.type === EncryptedDataSchema.typeName) return sealOf("", tree, blob);
  return tree.children.flatMap((field) =>
    [...nodesOf(field)]
      .filter(({ type }) => type === EncryptedDataSchema.typeName)
      .flatMap((node) => sealOf(field.name, node, blob)),
  );
}

/** One seal; none where an altered message has nothing of the kind. */
function sealOf(field: string, tree: ByteNode, blob: Uint8Array): FoundSeal[] {
  const cipher = [...nodesOf(tree)].find(({ kind }) => kind === "cipher");
  if (cipher === undefined || [...nodesOf(tree)].some(({ kind }) => kind === "malformed")) return [];
  const data = fromBinary(EncryptedDataSchema, blob.subarray(tree.at, tree.at + tree.length));
  return [{ field, data, at: cipher.at }];
}

/** The part in what was sealed: its message, in a field of `SealedPart` that is named for its kind. */
export function partIn(tree: ByteNode): { readonly kind: string; readonly part: ByteNode } | undefined {
  const sealed = tree.children.find(({ type }) => type === SealedPartSchema.typeName);
  const field = sealed?.children.find(({ kind }) => kind === "field");
  const part = field?.children.find(({ kind }) => kind === "message");
  const kind = SealedPartSchema.fields.find(({ name }) => name === field?.name)?.localName;
  return part && kind !== undefined ? { kind, part } : undefined;
}
