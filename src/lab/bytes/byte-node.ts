/** A run of bytes, explained. Plain data: it travels as JSON, and pages read its type. */

/** What a run of bytes is. */
export type ByteKind =
  | "message"
  | "field"
  | "tag"
  | "length"
  | "value"
  | "cipher"
  | "confounder"
  | "checksum"
  | "padding"
  | "header";

/** A run of bytes, explained. Children lie inside it, in order, and leave no gap: every byte is in a leaf. */
export interface ByteNode {
  /** Where it begins: bytes from the start of the whole blob. */
  readonly at: number;
  /** In bytes. */
  readonly length: number;
  readonly kind: ByteKind;
  /** `enc_part`, as the .proto names it. */
  readonly name: string;
  /** Full name of the message: `kerberos.v1.Ticket`. */
  readonly type?: string;
  /** As people read it: a time, a name, `DES_CBC_MD5 (3)`. */
  readonly value?: string;
  /** The textbook's symbol: `Ticket_tgs`, `TS2`. */
  readonly symbol?: string;
  /** What the .proto's comment says of it. */
  readonly explanation?: string;
  readonly children: readonly ByteNode[];
}
