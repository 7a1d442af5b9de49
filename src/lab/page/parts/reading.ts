/** A message as somebody reads it: its bytes in runs, one a leaf, and its boxes open or closed to them. */
import type { ByteKind, ByteNode } from "../../bytes/byte-node.js";
import type { Party } from "../../parties.js";
import type { TranscriptMessage, TranscriptPart } from "../../transcript/transcript.js";

/** Whose keys are in hand; an eavesdropper has none. */
export type Reader = Party | "eavesdropper";

/** A run of bytes that has one explanation. */
export interface Leaf {
  /** Its place in the reading, from 0. */
  readonly index: number;
  /** Where it begins in what it is a part of: the message, or what was under a seal. */
  readonly at: number;
  readonly hex: string;
  readonly node: ByteNode;
  /** The nodes around it, from the outermost. */
  readonly path: readonly ByteNode[];
  /** The box that it lies in. */
  readonly box: TranscriptPart | undefined;
}

/** A box: closed it is one leaf, its ciphertext. */
export interface Box {
  readonly part: TranscriptPart;
  readonly open: boolean;
  readonly leaves: readonly Leaf[];
}

/** A message as somebody reads it. */
export interface Reading {
  readonly items: readonly (Leaf | Box)[];
  /** Every leaf, those in boxes too, in the order of the bytes. */
  readonly leaves: readonly Leaf[];
}

/** Reads a message with somebody's keys. */
export function readMessage({ hex, tree, sealed }: TranscriptMessage, reader: Reader): Reading {
  const leaves: Leaf[] = [];
  const items: (Leaf | Box)[] = [];
  const leaf = (node: ByteNode, path: readonly ByteNode[], bytes: string, box?: TranscriptPart): Leaf => {
    const { at, length } = node;
    const made = { index: leaves.length, at, hex: bytes.slice(2 * at, 2 * (at + length)), node, path, box };
    leaves.push(made);
    return made;
  };
  const visit = (node: ByteNode, path: readonly ByteNode[]): void => {
    const part = node.kind === "cipher" ? sealed.find(({ at }) => at === node.at) : undefined;
    if (part !== undefined) items.push(box(part, node, path));
    else if (node.children.length === 0) {
      if (node.length > 0) items.push(leaf(node, path, hex));
    } else for (const child of node.children) visit(child, [...path, node]);
  };
  const box = (part: TranscriptPart, node: ByteNode, path: readonly ByteNode[]): Box => {
    const { opened } = part;
    if (opened === undefined || !opens(part, reader))
      return { part, open: false, leaves: [leaf({ ...node, children: [] }, path, hex, part)] };
    const inside = leavesWithPaths(opened.tree, []).filter(({ node: { length } }) => length > 0);
    return {
      part,
      open: true,
      leaves: inside.map((each) => leaf(each.node, [...path, node, ...each.path], opened.hex, part)),
    };
  };
  visit(tree, []);
  return { items, leaves };
}

/** Whether somebody's keys open a part. */
export function opens({ opensFor }: TranscriptPart, reader: Reader): boolean {
  return reader !== "eavesdropper" && opensFor.includes(reader);
}

function leavesWithPaths(
  node: ByteNode,
  path: readonly ByteNode[],
): { readonly node: ByteNode; readonly path: readonly ByteNode[] }[] {
  if (node.children.length === 0) return [{ node, path }];
  return node.children.flatMap((child) => leavesWithPaths(child, [...path, node]));
}

/** What a leaf is called: `length of nonce`. */
export function nameOfLeaf({ node, path, box }: Leaf): string {
  const field = path.findLast(({ kind }) => kind === "field");
  if (box !== undefined && node.kind === "cipher") return `${box.symbol}, sealed`;
  if (node.kind === "tag" || node.kind === "length")
    return field === undefined ? node.name : `${node.name} of ${field.name}`;
  return node.name;
}

/** What there is to say of a leaf, the nearest first; never nothing. */
export function explanationsOf(
  { node, path }: Leaf,
  kinds: Readonly<Record<ByteKind, string>>,
): { readonly of: string; readonly text: string }[] {
  const own = {
    of: node.kind === "value" ? node.name : node.kind,
    text: node.explanation ?? kinds[node.kind],
  };
  const around = (wanted: ByteKind) =>
    path
      .filter(({ kind, explanation }) => kind === wanted && explanation !== undefined)
      .map(({ name, explanation }) => ({ of: name, text: explanation! }))
      .reverse();
  // The fields around it say more of its place than their messages do.
  const context = [...around("field"), ...around("message")].slice(0, 2);
  // A value says what its field is for.
  const isPlain = node.kind === "value" && node.explanation === undefined && context.length > 0;
  return isPlain ? context : [own, ...context];
}
