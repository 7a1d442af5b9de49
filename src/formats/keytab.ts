/**
 * Keytabs in MIT's file format 0x0502 (docs/formats.md): bytes to entries and back. Bytes and entries hold keys; they
 * belong to the caller.
 */
import { Key, knownEtype } from "../protocol/keys.js";
import { componentsOf, type Principal, realmOf } from "../protocol/principal.js";
import {
  FormatReader,
  FormatWriter,
  nameType,
  principalOfName,
  shownName,
  toSeconds,
} from "./format-bytes.js";
import { FormatError } from "./format-error.js";

/** One key of a keytab. */
export interface KeytabEntry {
  readonly principal: Principal;
  /** When it was written, in ms since the epoch; the file holds whole seconds. */
  readonly timestamp: number;
  readonly kvno: number;
  readonly key: Key;
}

/** An entry that this project cannot use and passes over. */
export interface SkippedKeytabEntry {
  readonly offset: number;
  /** Its name as it stands in the file. */
  readonly name: string;
  readonly etype: number;
  readonly reason: "etype" | "name";
}

const VERSION = 0x0502;
const MAX_COMPONENTS = 64;

/**
 * Reads a keytab.
 * @param onSkipped told of entries with an encryption type or a name this project does not have.
 * @throws FormatError for anything that is not a whole keytab of version 0x0502.
 */
export function parseKeytab(
  bytes: Uint8Array,
  onSkipped: (skipped: SkippedKeytabEntry) => void = () => {},
): KeytabEntry[] {
  const reader = new FormatReader(bytes);
  if (reader.uint16() !== VERSION) throw new FormatError(0, "not a keytab of version 0x0502");
  const entries: KeytabEntry[] = [];
  while (reader.remaining > 0) {
    const length = reader.int32();
    if (length === 0) {
      requireZeros(reader, "bytes after the end of the keytab");
      break;
    }
    const offset = reader.offset;
    const part = reader.part(Math.abs(length));
    if (length < 0) continue; // a hole where an entry was removed
    const entry = readEntry(part, offset, onSkipped);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/**
 * Writes a keytab.
 * @throws RangeError for a kvno outside 0 to 2^32 - 1 or a timestamp outside 1970 to 2106.
 */
export function formatKeytab(entries: readonly KeytabEntry[]): Uint8Array {
  const writer = new FormatWriter().uint16(VERSION);
  for (const entry of entries) {
    const part = formatEntry(entry);
    writer.uint32(part.length).bytes(part);
  }
  return writer.finish();
}

function readEntry(
  part: FormatReader,
  offset: number,
  onSkipped: (skipped: SkippedKeytabEntry) => void,
): KeytabEntry | undefined {
  const count = part.uint16();
  if (count > MAX_COMPONENTS) throw new FormatError(offset, `a name of ${count} components`);
  const realm = part.text(part.uint16());
  const components = Array.from({ length: count }, () => part.text(part.uint16()));
  part.uint32(); // name type
  const timestamp = part.uint32() * 1000;
  const shortKvno = part.uint8();
  const etype = part.int16();
  const keyBytes = part.bytes(part.uint16());
  const kvno = readLongKvno(part) || shortKvno;
  try {
    const row = knownEtype(etype);
    const principal = principalOfName({ realm, components });
    if (row === undefined || principal === undefined) {
      const reason = row === undefined ? "etype" : "name";
      onSkipped({ offset, name: shownName({ realm, components }), etype, reason });
      return undefined;
    }
    if (keyBytes.length !== row.keySize)
      throw new FormatError(offset, `a key of ${keyBytes.length} bytes for ${row.name}`);
    return { principal, timestamp, kvno, key: new Key(row, keyBytes) };
  } finally {
    keyBytes.fill(0);
  }
}

/** The 32-bit kvno at the end, 0 where there is none. After it: Heimdal's flags, then what is left of a reused hole. */
function readLongKvno(part: FormatReader): number {
  if (part.remaining < 4) {
    requireZeros(part, "bytes after a key");
    return 0;
  }
  const kvno = part.uint32();
  if (part.remaining >= 4) part.uint32();
  requireZeros(part, "bytes after an entry");
  return kvno;
}

function requireZeros(reader: FormatReader, what: string): void {
  const { offset } = reader;
  if (reader.bytes(reader.remaining).some((byte) => byte !== 0)) throw new FormatError(offset, what);
}

function formatEntry({ principal, timestamp, kvno, key }: KeytabEntry): Uint8Array {
  if (!(Number.isInteger(kvno) && kvno >= 0 && kvno <= 0xffff_ffff))
    throw new RangeError(`kvno: expected 0 to 2^32 - 1, got ${kvno}`);
  const components = componentsOf(principal);
  const writer = new FormatWriter().uint16(components.length);
  for (const text of [realmOf(principal), ...components])
    writer.uint16(text.length).bytes(Buffer.from(text, "ascii"));
  const keyBytes = key.exportBytes();
  const bytes = writer
    .uint32(nameType(components))
    .uint32(toSeconds(timestamp, "timestamp"))
    .uint8(kvno & 0xff)
    .uint16(key.etype.etype & 0xffff)
    .uint16(keyBytes.length)
    .bytes(keyBytes)
    .uint32(kvno)
    .finish();
  keyBytes.fill(0);
  return bytes;
}
