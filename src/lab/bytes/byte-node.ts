/**
 * The bytes of a blob as a tree: every byte in a leaf, every leaf with a name. Plain data: it travels as
 * JSON, and pages read its type.
 */

/** What a run of bytes is. */
export type ByteKind =
  | "message"
  | "field"
  | "tag"
  | "length"
  | "value"
  | "enum"
  | "key"
  | "cipher"
  | "confounder"
  | "checksum"
  | "padding"
  | "header"
  | "record"
  | "unknown"
  | "malformed";

/**
 * A run of bytes, explained. Its children lie inside it, in the order of their bytes, and leave no gap: every
 * byte is in a leaf.
 */
export interface ByteNode {
  /** Where it begins, in bytes from the start of the whole blob. */
  readonly at: number;
  /** In bytes. */
  readonly length: number;
  readonly kind: ByteKind;
  /** As the .proto names it: `enc_part`. */
  readonly name: string;
  /** Of a message, its full name: `kerberos.v1.Ticket`. */
  readonly type?: string;
  /** As people read it: a time, a name, `des-cbc-md5 (3)`. Never a key. */
  readonly value?: string;
  /** The textbook's symbol: `Ticket_tgs`. */
  readonly symbol?: string;
  /** What it is for: the comment in the .proto, or the clause of the standard. */
  readonly explanation?: string;
  readonly children: readonly ByteNode[];
}

/** What the bytes of each kind are; a node's own explanation says more. */
export const KIND_EXPLANATIONS: Readonly<Record<ByteKind, string>> = {
  message: "A message of Protocol Buffers: its fields, one after the other.",
  field: "A field of the message: its tag, and what it holds.",
  tag: "Which field follows and how it is encoded: the field's number times 8, plus the wire type, as a varint.",
  length: "How many bytes follow, as a varint: 7 bits in each byte, the lowest first.",
  value: "What the field holds.",
  enum: "A number that has a name, as a varint.",
  key: "A key, as it is.",
  cipher: "What is enciphered: nothing without the key.",
  confounder: "Random bytes that begin what is enciphered.",
  checksum: "A checksum that only a holder of the key can make or check.",
  padding: "Bytes that fill the last block.",
  header: "The head of the file: what it is, and in which version.",
  record: "A record of the file.",
  unknown: "A field that the .proto does not have.",
  malformed: "Bytes that can't be read as what should stand here.",
};

/** The leaves of a tree, in the order of their bytes. */
export function leavesOf(node: ByteNode): ByteNode[] {
  return node.children.length === 0 ? [node] : node.children.flatMap(leavesOf);
}
