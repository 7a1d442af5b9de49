/** A tree of bytes as lines: where each part lies, its bytes in hex, its name and what it says. */
import { visible } from "../../errors/visible-text.js";
import type { ByteNode } from "../../lab/bytes/byte-node.js";
import { equalBlocks } from "../../lab/bytes/equal-blocks.js";
import { hexOf } from "../../lab/bytes/readable.js";
import { wrapped } from "../screen/layout.js";

/** How a tree is shown. */
export interface ByteStyle {
  /** All bytes of each part; otherwise the first few. */
  readonly full: boolean;
  /** Keys as they are. */
  readonly showKeys: boolean;
  /** What each field is for. */
  readonly explain: boolean;
}

const SHOWN_BYTES = 12;
const VALUE_WIDTH = 60;
const TEXT_WIDTH = 80;
/** Kinds whose bytes may be a key: the rest of a record that was removed or cut short, too. */
const MAY_BE_KEY = ["key", "unknown", "malformed"];

/** The lines of a tree, under a line of headings. */
export function byteLines(tree: ByteNode, bytes: Uint8Array, style: ByteStyle): string[] {
  const shown = { ...style, bytes, told: new Set<string>() };
  return [line("at", "length", "bytes", "what it is"), ...linesOf(tree, 0, shown)];
}

interface Shown extends ByteStyle {
  readonly bytes: Uint8Array;
  /** Explanations that were given already: each is given once. */
  readonly told: Set<string>;
}

function linesOf(node: ByteNode, depth: number, style: Shown): string[] {
  const { heads, contents } = partsOf(node);
  // A field that holds one thing, and a message in a field of its own, are one line.
  const [only] = contents;
  const single = node.kind === "field" && contents.length === 1 && only !== undefined ? only : undefined;
  const shown = [
    ...heads,
    ...(single !== undefined && isLeaf(single) ? [single] : isLeaf(node) ? [node] : []),
  ];
  const hex = shown.map((part) => hexText(part, style)).join(" ");
  const type = single?.kind === "message" ? ` (${single.name})` : "";
  const symbol = node.symbol === undefined ? "" : ` [${node.symbol}]`;
  const value = valueText(node, single, style);
  const name = `${"  ".repeat(depth)}${visible(node.name)}${symbol}${type}`;
  const inner = single === undefined ? contents : single.children;
  return [
    line(String(node.at), String(node.length), hex, value === "" ? name : `${name}: ${value}`),
    ...explanationLines(node, single, depth, style),
    ...blockLines(single ?? node, style),
    ...inner.flatMap((child) => linesOf(child, depth + 1, style)),
  ];
}

/** Tag and length, and what comes after them. */
function partsOf({ children }: ByteNode): { readonly heads: ByteNode[]; readonly contents: ByteNode[] } {
  const isHead = ({ name, kind }: ByteNode) => kind === "tag" || (kind === "length" && name === "length");
  const first = children.findIndex((child) => !isHead(child));
  const count = first < 0 ? children.length : first;
  return { heads: children.slice(0, count), contents: children.slice(count) };
}

function isLeaf({ children }: ByteNode): boolean {
  return children.length === 0;
}

function valueText(node: ByteNode, single: ByteNode | undefined, { bytes, full }: Shown): string {
  const { value = "", at, length } = single ?? node;
  // Bytes stand in their own column already.
  if (value === hexOf(bytes.subarray(at, at + length))) return length > SHOWN_BYTES ? `${length} bytes` : "";
  const text = visible(value);
  return full || text.length <= VALUE_WIDTH ? text : `${text.slice(0, VALUE_WIDTH)}…`;
}

function hexText({ at, length, kind }: ByteNode, { bytes, full, showKeys }: Shown): string {
  if (MAY_BE_KEY.includes(kind) && !showKeys) return length === 0 ? "" : "[redacted]";
  const hex = hexOf(bytes.subarray(at, at + length));
  return full || length <= SHOWN_BYTES ? hex : `${hex.slice(0, SHOWN_BYTES * 2)}…`;
}

function explanationLines(
  node: ByteNode,
  single: ByteNode | undefined,
  depth: number,
  { explain, told }: Shown,
): string[] {
  if (!explain) return [];
  const texts = [node.explanation, single?.explanation].flatMap((text) =>
    text === undefined || told.has(text) ? [] : [text],
  );
  for (const text of texts) told.add(text);
  const indent = " ".repeat(20 + 2 * depth);
  return texts.flatMap((text) =>
    text.split("\n").flatMap((paragraph) => wrapped(paragraph, TEXT_WIDTH).map((row) => indent + row)),
  );
}

/** The blocks of a ciphertext in which some are equal: those bear the same letter. */
function blockLines({ kind, at, length }: ByteNode, { bytes }: Shown): string[] {
  if (kind !== "cipher") return [];
  const cipher = bytes.subarray(at, at + length);
  const groups = equalBlocks(cipher);
  if (groups.length === 0) return [];
  const letters = new Map(groups.flatMap((places, group) => places.map((place) => [place, letterOf(group)])));
  const blocks = Array.from({ length: Math.ceil(length / 8) }, (_, index) => {
    const hex = hexOf(cipher.subarray(index * 8, index * 8 + 8));
    return `${(letters.get(index * 8) ?? "·").padStart(2)} ${hex}`;
  });
  const rows = Array.from(
    { length: Math.ceil(blocks.length / 4) },
    (_, index) => `${" ".repeat(16)}${blocks.slice(index * 4, index * 4 + 4).join("  ")}`,
  );
  return [`${" ".repeat(16)} blocks of 8 bytes; the same letter: the same bytes`, ...rows];
}

function letterOf(group: number): string {
  const letter = String.fromCharCode(65 + (group % 26));
  return group < 26 ? letter : `${letter}${Math.floor(group / 26)}`;
}

function line(at: string, length: string, hex: string, text: string): string {
  return `${at.padStart(6)}  ${length.padStart(6)}  ${hex.padEnd(30)}  ${text}`;
}
