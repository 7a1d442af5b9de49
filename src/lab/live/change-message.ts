/** Changes to a message on its way: one byte, or one field with the lengths around it made right again. */
import type { ByteNode } from "../bytes/byte-node.js";
import { LabRefusal } from "./lab-refusal.js";

/** The message with another byte at a place. */
export function changeByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  if (!Number.isInteger(at) || at < 0 || at >= bytes.length)
    throw new LabRefusal("BAD_REQUEST", `there is no byte ${at}: the message has ${bytes.length}`);
  if (!Number.isInteger(value) || value < 0 || value > 255)
    throw new LabRefusal("BAD_REQUEST", "a byte is a number from 0 to 255, 00 to ff in hex");
  const changed = Uint8Array.from(bytes);
  changed[at] = value;
  return changed;
}

/**
 * The message with another value in a field.
 * @param tree the message, explained.
 * @param at where the field begins.
 * @param text the value: a number; `0x` and hex; otherwise text.
 * @throws LabRefusal if no field that holds a plain value begins there, or the text is no value for it.
 */
export function changeField(bytes: Uint8Array, tree: ByteNode, at: number, text: string): Uint8Array {
  const field = deepestField(tree, at);
  if (field === undefined) throw new LabRefusal("BAD_REQUEST", `no field begins at byte ${at}`);
  return Uint8Array.from(rebuilt(bytes, tree, field, contentsOf(field, text)));
}

/** The field that begins at a place and holds no other. */
function deepestField(node: ByteNode, at: number): ByteNode | undefined {
  for (const child of node.children) {
    if (at < child.at || at >= child.at + child.length) continue;
    const found = deepestField(child, at);
    if (found !== undefined) return found;
  }
  return node.kind === "field" && node.at === at && !holdsFields(node) ? node : undefined;
}

function holdsFields(node: ByteNode): boolean {
  return node.children.some((child) => child.kind === "field" || holdsFields(child));
}

/** A field's new contents as they travel. */
function contentsOf(field: ByteNode, text: string): Uint8Array {
  if (/^0x/i.test(text)) {
    if (!/^0x(?:[0-9a-f]{2})*$/i.test(text))
      throw new LabRefusal("BAD_REQUEST", "after 0x stand pairs of the digits 0 to 9 and a to f");
    return Buffer.from(text.slice(2), "hex");
  }
  if (isLengthDelimited(field)) return Buffer.from(text);
  if (!/^-?\d{1,20}$/.test(text))
    throw new LabRefusal("BAD_REQUEST", `${field.name} holds a number: digits, or 0x and hex`);
  return varint(BigInt.asUintN(64, BigInt(text)));
}

function isLengthDelimited(field: ByteNode): boolean {
  return field.children.some(({ kind }) => kind === "length");
}

/** A node's bytes, with another field in it. */
function rebuilt(bytes: Uint8Array, node: ByteNode, changed: ByteNode, contents: Uint8Array): Uint8Array {
  if (node.children.length === 0) return bytes.subarray(node.at, node.at + node.length);
  const inside = () =>
    Buffer.concat(
      node.children
        .filter(({ kind }) => kind !== "tag" && kind !== "length")
        .map((child) => rebuilt(bytes, child, changed, contents)),
    );
  if (node.kind !== "field") return inside();
  const [tag] = node.children;
  const value = node === changed ? contents : inside();
  const length = isLengthDelimited(node) ? varint(BigInt(value.length)) : [];
  return Buffer.from([...bytes.subarray(tag!.at, tag!.at + tag!.length), ...length, ...value]);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Uint8Array.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}
