/** Puts the textbook's symbols onto the fields of an annotated message. */
import type { ByteNode } from "../bytes/byte-node.js";
import { FIELD_SYMBOLS, type MessageRow } from "../dialogue.js";

/** The message with the symbols of its fields, and of those in what is serialized in it. */
export function withSymbols(tree: ByteNode, { number, sealed }: MessageRow): ByteNode {
  return withFields(tree, (path) => {
    // Some parts have a name in words alone.
    const part = sealed.find(({ field, symbol }) => field === path && /^[A-Z]/.test(symbol));
    return part?.symbol ?? symbolOf(path, number);
  });
}

/** What was sealed in a message, with the symbols of its fields. */
export function withSymbolsInside(tree: ByteNode, number: MessageRow["number"]): ByteNode {
  // The plaintext holds a SealedPart, that holds one field, and that holds the message.
  return mapMessages(tree, (part) =>
    mapFields(part, (field) =>
      mapMessages(field, (message) => withFields(message, (path) => symbolOf(path, number))),
    ),
  );
}

function symbolOf(path: string, number: MessageRow["number"]): string | undefined {
  return FIELD_SYMBOLS.find(([field, messages]) => field === path && messages.includes(number))?.[2];
}

function withFields(
  message: ByteNode,
  symbolFor: (path: string) => string | undefined,
  prefix = "",
): ByteNode {
  return mapFields(message, (field) => {
    const path = prefix + field.name;
    const symbol = symbolFor(path);
    const inside = mapMessages(field, (each) => withFields(each, symbolFor, `${path}.`));
    return { ...inside, ...(symbol !== undefined && { symbol }) };
  });
}

function mapFields(node: ByteNode, change: (field: ByteNode) => ByteNode): ByteNode {
  return mapChildren(node, "field", change);
}

function mapMessages(node: ByteNode, change: (message: ByteNode) => ByteNode): ByteNode {
  return mapChildren(node, "message", change);
}

function mapChildren(
  node: ByteNode,
  kind: ByteNode["kind"],
  change: (child: ByteNode) => ByteNode,
): ByteNode {
  return { ...node, children: node.children.map((child) => (child.kind === kind ? change(child) : child)) };
}
