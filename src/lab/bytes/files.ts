/** MIT's files and the realm's dumps, byte by byte (docs/formats.md): keytabs, credential caches, dumps. */
import { parseCredentialCache } from "../../formats/ccache.js";
import { FormatError } from "../../formats/format-error.js";
import { readKeytabLayout } from "../../formats/keytab.js";
import { DumpFrameSchema } from "../../gen/kerberos/storage/v1/dump_pb.js";
import { TicketSchema } from "../../gen/kerberos/v1/sealed_pb.js";
import { decodeCanonical, NotCanonicalError } from "../../protocol/strict-decode.js";
import { HEAD_SIZE, LENGTH_SIZE, MAGIC } from "../../store/dump/frames.js";
import { annotatePart, node } from "./annotate.js";
import type { ByteNode } from "./byte-node.js";
import { fileValue } from "./file-values.js";

/** The tree of a keytab (docs/formats.md, "Keytab"); undefined for anything else. */
export function keytabTree(bytes: Uint8Array): ByteNode | undefined {
  return treeOf("keytab", bytes, (values) => {
    const { slots } = readKeytabLayout(bytes, (...value) => values.push(leaf(bytes, ...value)));
    return slots.map(({ offset, size, held }, index) => {
      const name = held === undefined ? "hole" : `entry ${index + 1}`;
      return { name, at: offset, end: Math.min(offset + LENGTH_SIZE + size, bytes.length) };
    });
  });
}

/** The tree of a credential cache (docs/formats.md, "Credential cache"); undefined for anything else. */
export function cacheTree(bytes: Uint8Array): ByteNode | undefined {
  return treeOf("credential cache", bytes, (values) => {
    const { entries } = parseCredentialCache(bytes, undefined, (...value) =>
      values.push(leaf(bytes, ...value)),
    );
    let credentials = 0;
    return entries.map(({ offset, held }, index) => ({
      name: "value" in held ? `note ${held.name}` : `credential ${++credentials}`,
      at: offset,
      end: entries[index + 1]?.offset ?? bytes.length,
    }));
  });
}

/** The tree of a realm's dump (docs/formats.md, "Dumps"); undefined for anything else. */
export function dumpTree(bytes: Uint8Array): ByteNode | undefined {
  if (bytes.length < HEAD_SIZE || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const children = [
    node("header", "magic", 0, MAGIC.length, { value: MAGIC.toString() }),
    node("header", "version", MAGIC.length, HEAD_SIZE, { value: String(view.getUint32(MAGIC.length)) }),
  ];
  let at = HEAD_SIZE;
  while (at + LENGTH_SIZE <= bytes.length) {
    const start = at + LENGTH_SIZE;
    const end = start + view.getUint32(at);
    if (end > bytes.length) break;
    const length = node("length", "length", at, start, { value: String(end - start) });
    const frame = annotatePart(DumpFrameSchema, bytes, start, end);
    children.push(node("record", "frame", at, end, { children: [length, frame] }));
    at = end;
  }
  if (at < bytes.length) children.push(node("malformed", "cut short", at, bytes.length));
  return node("message", "dump", 0, bytes.length, { children });
}

interface Record {
  readonly name: string;
  readonly at: number;
  readonly end: number;
}

/** A file's tree from the values that its reader takes, in order, and the records that they belong to. */
function treeOf(
  name: string,
  bytes: Uint8Array,
  read: (values: ByteNode[]) => readonly Record[],
): ByteNode | undefined {
  const values: ByteNode[] = [];
  let records: readonly Record[];
  try {
    records = read(values);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  const first = records[0]?.at ?? bytes.length;
  const children = filled(values, 0, first);
  for (const record of records) {
    const inside = filled(values, record.at, record.end);
    children.push(node("record", record.name, record.at, record.end, { children: inside }));
  }
  const end = records.at(-1)?.end ?? first;
  if (end < bytes.length) children.push(...filled(values, end, bytes.length));
  return node("message", name, 0, bytes.length, { children });
}

/** The values between two places, and what no reader looks at between them. */
function filled(values: readonly ByteNode[], start: number, end: number): ByteNode[] {
  const nodes: ByteNode[] = [];
  let at = start;
  for (const value of values.filter((one) => one.at >= start && one.at + one.length <= end)) {
    if (value.at > at) nodes.push(notRead(at, value.at));
    if (value.length > 0) nodes.push(value);
    at = value.at + value.length;
  }
  if (at < end) nodes.push(notRead(at, end));
  return nodes;
}

function notRead(start: number, end: number): ByteNode {
  const explanation = "No reader looks at these bytes: what was there before, or other programs' own.";
  return node("unknown", "not read", start, end, { value: `${end - start} bytes`, explanation });
}

/** A value of a file; a ticket is read too, if it is one of ours. */
function leaf(blob: Uint8Array, name: string, at: number, length: number): ByteNode {
  const bytes = blob.subarray(at, at + length);
  if (name === "key") return node("key", name, at, at + length, { value: `${length} bytes` });
  if (name === "ticket" && isTicket(bytes))
    return { ...annotatePart(TicketSchema, blob, at, at + length), name };
  const kind = name === "version" ? "header" : name.startsWith("length") ? "length" : "value";
  return node(kind, name, at, at + length, fileValue(name, bytes));
}

function isTicket(bytes: Uint8Array): boolean {
  try {
    return decodeCanonical(TicketSchema, bytes).encPart !== undefined;
  } catch (error) {
    if (error instanceof NotCanonicalError) return false;
    throw error;
  }
}
