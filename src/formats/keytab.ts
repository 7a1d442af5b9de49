/**
 * Keytabs in MIT's file format 0x0502 (docs/formats.md): bytes to entries and back. Bytes and entries hold
 * keys; they belong to the caller.
 *
 * A keytab is shared with other programs, so it is read as MIT's readers read it: each entry by itself, so
 * that one which can't be used here does not spoil the others.
 */
import { knownEtype } from "../protocol/etypes.js";
import { Key } from "../protocol/keys.js";
import { componentsOf, type Principal, realmOf } from "../protocol/principal.js";
import {
  type FileName,
  FormatReader,
  FormatWriter,
  nameType,
  type OnRead,
  principalOfName,
  shownName,
  toSeconds,
} from "./format-bytes.js";
import { FormatError } from "./format-error.js";
import { KeytabError } from "./keytab-error.js";

/** One key of a keytab. */
export interface KeytabEntry {
  readonly principal: Principal;
  /** When it was written, in milliseconds since the epoch; the file has whole seconds. */
  readonly timestamp: number;
  readonly kvno: number;
  readonly key: Key;
}

/** An entry that can't be used here and is skipped. What could not be read of it is empty or 0. */
export interface SkippedKeytabEntry {
  /** Where it begins. */
  readonly offset: number;
  /** Its name as the file has it. */
  readonly name: string;
  /** Its principal, if the name is within our grammar. */
  readonly principal: Principal | undefined;
  readonly etype: number;
  readonly kvno: number;
  readonly timestamp: number;
  /**
   * An unknown encryption type, a name outside our grammar, contents that do not fit its length, or cut short
   * by the end of the file.
   */
  readonly reason: "etype" | "name" | "malformed" | "cut-short";
}

/** A place in a keytab: an entry, or a hole where one was removed. */
export interface KeytabSlot {
  /** Where its length word is. */
  readonly offset: number;
  /** How many bytes follow the length word. */
  readonly size: number;
  /** What it holds; undefined for a hole. */
  readonly held: KeytabEntry | SkippedKeytabEntry | undefined;
}

/** The places in a keytab. */
export interface KeytabLayout {
  readonly slots: readonly KeytabSlot[];
  /** Where the next entry is appended; undefined if the file ends inside an entry. */
  readonly end: number | undefined;
  readonly fileSize: number;
}

const VERSION = 0x0502;
const MAX_COMPONENTS = 64;
const LENGTH_WORD = 4;

/** A keytab without entries. */
export function emptyKeytab(): Uint8Array {
  return formatKeytab([]);
}

/**
 * Reads the places in a keytab.
 * @param onRead told of each value.
 * @throws FormatError for anything that is not a keytab of version 0x0502.
 */
export function readKeytabLayout(bytes: Uint8Array, onRead?: OnRead): KeytabLayout {
  const reader = new FormatReader(bytes, onRead);
  if (reader.remaining < 2 || reader.uint16("version") !== VERSION)
    throw new FormatError(0, "not a keytab of version 0x0502");
  const slots: KeytabSlot[] = [];
  const fileSize = bytes.length;
  for (;;) {
    const { offset } = reader;
    // As for MIT's readers, a length of 0, or less than a whole length word, is where a writer was about to
    // append.
    if (reader.remaining < LENGTH_WORD) return { slots, end: offset, fileSize };
    const length = reader.int32("length");
    const size = Math.abs(length);
    if (length === 0) return { slots, end: offset, fileSize };
    if (size > reader.remaining) {
      const held = { ...EMPTY, offset: reader.offset, reason: "cut-short" as const };
      slots.push({ offset, size: reader.remaining, held });
      return { slots, end: undefined, fileSize };
    }
    const start = reader.offset;
    const part = reader.part(size);
    slots.push({ offset, size, held: length < 0 ? undefined : readEntry(part, start) });
  }
}

/**
 * Reads a keytab.
 * @param onSkipped is told of entries that can't be used here.
 * @throws FormatError for anything that is not a keytab of version 0x0502.
 */
export function parseKeytab(
  bytes: Uint8Array,
  onSkipped: (skipped: SkippedKeytabEntry) => void = () => {},
): KeytabEntry[] {
  return readKeytabLayout(bytes).slots.flatMap(({ held }) => {
    if (held === undefined) return [];
    if (isKey(held)) return [held];
    onSkipped(held);
    return [];
  });
}

/** What is said of an entry that was skipped. */
export function skippedText({ name, kvno, etype, reason }: SkippedKeytabEntry): string {
  if (reason === "cut-short") return "the end of the file cuts its last entry short";
  if (reason === "malformed")
    return name === "" ? "an entry that is not whole" : `an entry of ${name} that is not whole`;
  const why =
    reason === "etype"
      ? `encryption type ${etype} is not supported here`
      : "such a name is not supported here";
  return `a key of ${name}, kvno ${kvno}: ${why}`;
}

/** Whether an entry of a keytab is a key that can be used here. */
export function isKey(held: KeytabEntry | SkippedKeytabEntry): held is KeytabEntry {
  return "key" in held;
}

/**
 * Reads a keytab that came from a file.
 * @param path of the file, for the error.
 * @throws KeytabError, which names the file, for anything that is not a keytab of version 0x0502.
 */
export function parseKeytabFile(
  path: string,
  bytes: Uint8Array,
  onSkipped?: (skipped: SkippedKeytabEntry) => void,
): KeytabEntry[] {
  return naming(path, () => parseKeytab(bytes, onSkipped));
}

/** Reads the places of a file's keytab. Throws as `parseKeytabFile`. */
export function readKeytabFileLayout(path: string, bytes: Uint8Array): KeytabLayout {
  return naming(path, () => readKeytabLayout(bytes));
}

function naming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new KeytabError(`${path}: ${error.message}`, { cause: error });
  }
}

/**
 * Writes a keytab.
 * @throws RangeError for a kvno outside 0 to 2^32 - 1 or a timestamp outside 1970 to 2106.
 */
export function formatKeytab(entries: readonly KeytabEntry[]): Uint8Array {
  const writer = new FormatWriter().uint16(VERSION);
  for (const entry of entries) {
    const part = formatKeytabEntry(entry);
    writer.uint32(part.length).secret(part);
  }
  return writer.finish();
}

/** The bytes of one entry, without its length word. Throws as `formatKeytab`. */
export function formatKeytabEntry({ principal, timestamp, kvno, key }: KeytabEntry): Uint8Array {
  if (!(Number.isInteger(kvno) && kvno >= 0 && kvno <= 0xffff_ffff))
    throw new RangeError(`kvno: expected 0 to 2^32 - 1, got ${kvno}`);
  const components = componentsOf(principal);
  const writer = new FormatWriter().uint16(components.length);
  for (const text of [realmOf(principal), ...components])
    writer.uint16(text.length).bytes(Buffer.from(text, "ascii"));
  const keyBytes = key.exportBytes();
  return writer
    .uint32(nameType(components))
    .uint32(toSeconds(timestamp, "timestamp"))
    .uint8(kvno & 0xff)
    .uint16(key.etype.etype & 0xffff)
    .uint16(keyBytes.length)
    .secret(keyBytes)
    .uint32(kvno)
    .finish();
}

const EMPTY = { name: "", principal: undefined, etype: 0, kvno: 0, timestamp: 0 };

function readEntry(part: FormatReader, offset: number): KeytabEntry | SkippedKeytabEntry {
  let known: Omit<SkippedKeytabEntry, "reason"> = { ...EMPTY, offset };
  try {
    const fileName = readName(part);
    const principal = principalOfName(fileName);
    known = { ...known, name: shownName(fileName), principal };
    const timestamp = part.uint32("timestamp") * 1000;
    const shortKvno = part.uint8("low 8 bits of kvno");
    const etype = part.int16("etype");
    known = { ...known, timestamp, kvno: shortKvno, etype };
    const keyBytes = part.bytes(part.uint16("length of key"), "key");
    try {
      // Heimdal's flags may follow, and what is left of a hole that was reused.
      const kvno = (part.remaining >= 4 && part.uint32("kvno")) || shortKvno;
      known = { ...known, kvno };
      const row = knownEtype(etype);
      if (row === undefined) return { ...known, reason: "etype" };
      if (principal === undefined) return { ...known, reason: "name" };
      if (keyBytes.length !== row.keySize) return { ...known, reason: "malformed" };
      return { principal, timestamp, kvno, key: new Key(row, keyBytes) };
    } finally {
      keyBytes.fill(0);
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { ...known, reason: "malformed" };
  }
}

/** Reads a name; its type, further on, is ignored by all readers. */
function readName(part: FormatReader): FileName {
  const count = part.uint16("number of components");
  if (count > MAX_COMPONENTS) throw part.fail(`a name of ${count} components`);
  const realm = part.text(part.uint16("length of realm"), "realm");
  const components = Array.from({ length: count }, () =>
    part.text(part.uint16("length of component"), "component"),
  );
  part.uint32("name type");
  return { realm, components };
}
