/**
 * The values of MIT's files by the names that their readers give them: as people read them, and what they are
 * for.
 */
import { etypeText } from "../../protocol/etypes.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { flagNames, flagsFromBits } from "../../protocol/ticket-flags.js";
import type { ByteNode } from "./byte-node.js";
import { bytesText, hexOf } from "./readable.js";

type Reading = (bytes: Uint8Array) => string;

/** A value of a file, and what is said of it. */
export function fileValue(name: string, bytes: Uint8Array): Pick<ByteNode, "value" | "explanation"> {
  const [read, explanation] = ROWS[name] ?? [name.startsWith("length") ? number : bytesText, undefined];
  return { value: read(bytes), ...(explanation !== undefined && { explanation }) };
}

const ROWS: Readonly<Record<string, readonly [Reading, string]>> = {
  version: [hexOf, "What the file is: 0502 a keytab, 0504 a credential cache, both of MIT's formats."],
  timestamp: [time, "When the key was written."],
  authtime: [
    time,
    "When the client proved its key to the AS (RFC 4120 §5.3); ffffffff in a credential that was removed.",
  ],
  starttime: [time, "When the ticket begins to be valid."],
  endtime: [time, "When the ticket ends; 0 in a credential that was removed."],
  "renew till": [time, "Until when the ticket may be renewed."],
  etype: [etype, "The encryption type of the key that follows."],
  realm: [text, "The realm of the name."],
  component: [text, "A component of the name: the primary first, then the instance."],
  "number of components": [number, "How many components the name has, the realm not counted."],
  "name type": [number, "Of the name (RFC 4120 §6.2): 2 for a TGS, otherwise 1. Readers pass over it."],
  "low 8 bits of kvno": [number, "Which version of the key it is, as old writers keep it."],
  kvno: [number, "Which version of the key it is; 0, or left out: the 8 bits before count."],
  tag: [number, "What the field of the header is: 1 is the offset of the KDC's clock."],
  "offset of the KDC's clock": [signed, "By how many seconds the KDC's clock is ahead of the client's."],
  microseconds: [signed, "And by how many microseconds more."],
  "is skey": [number, "Whether the ticket is sealed under another ticket's key: never here."],
  flags: [flags, "The ticket's flags, bit 0 the highest (RFC 4120 §5.3)."],
  ticket: [bytesText, "The ticket, which only its service can open; in a note of MIT's tools its value."],
  "second ticket": [bytesText, "For tickets between users: never here."],
  "number of addresses": [number, "How many addresses follow: the ticket is good from anywhere if none do."],
  "number of authorization data": [number, "How many elements of authorization data follow."],
};

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A number without sign of 1, 2 or 4 bytes, the highest first. */
function number(bytes: Uint8Array): string {
  return String(bytes.reduce((value, byte) => value * 256 + byte, 0));
}

function signed(bytes: Uint8Array): string {
  return String(bytes.length === 4 ? viewOf(bytes).getInt32(0) : viewOf(bytes).getInt16(0));
}

function etype(bytes: Uint8Array): string {
  return etypeText(viewOf(bytes).getInt16(0));
}

function time(bytes: Uint8Array): string {
  const seconds = viewOf(bytes).getUint32(0);
  return seconds === 0 ? "none" : isoTime(seconds * 1000);
}

function flags(bytes: Uint8Array): string {
  return flagNames(flagsFromBits(viewOf(bytes).getUint32(0))).join(", ") || "none";
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
