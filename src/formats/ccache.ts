/**
 * Credential caches in MIT's FILE format 0x0504 (docs/formats.md): bytes to credentials and back. The bytes
 * hold session keys; they belong to the caller.
 *
 * The format has whole seconds. Times are rounded down, so a ticket that is read back begins and ends up to
 * 999 ms too early, and is never used after its end.
 */
import type { Credentials } from "../protocol/credentials.js";
import type { Principal } from "../protocol/principal.js";
import {
  type CacheConfig,
  type CacheEntry,
  isCredentials,
  isSkipped,
  nameOf,
  readEntry,
  readName,
  type SkippedCredential,
  writeConfig,
  writeCredentials,
  writeName,
} from "./ccache-credential.js";
import { FormatReader, FormatWriter, type OnRead, principalOfName, shownName } from "./format-bytes.js";
import { FormatError } from "./format-error.js";

/** What a credential cache holds. */
export interface CredentialCacheFile {
  readonly defaultPrincipal: Principal;
  /** The KDC's clock minus the client's, in milliseconds; undefined: not known. */
  readonly kdcOffset?: number | undefined;
  readonly credentials: readonly Credentials[];
  /** What MIT's tools note in the cache. */
  readonly config?: readonly CacheConfig[] | undefined;
}

/** A cache that was read. */
export interface ParsedCredentialCache extends Omit<CredentialCacheFile, "defaultPrincipal"> {
  /** Undefined if the name is outside our grammar. */
  readonly defaultPrincipal: Principal | undefined;
  /** The default principal as the file has it. */
  readonly defaultName: string;
  /** Where the file has its clock offset, 8 bytes; undefined: it has no room for one. */
  readonly kdcOffsetAt: number | undefined;
  /** Everything the file holds, in order. */
  readonly entries: readonly CacheEntry[];
  /** Where the last whole credential ends; anything after it was cut short. */
  readonly end: number;
}

const VERSION = 0x0504;
const DELTA_TIME = 1;

/**
 * Reads a credential cache as MIT's readers do: each credential by itself, up to one that is cut short.
 * @param onSkipped is told of credentials that can't be used here.
 * @param onRead told of each value.
 * @throws FormatError for anything that does not begin like a cache of version 0x0504.
 */
export function parseCredentialCache(
  bytes: Uint8Array,
  onSkipped: (skipped: SkippedCredential) => void = () => {},
  onRead?: OnRead,
): ParsedCredentialCache {
  const reader = new FormatReader(bytes, onRead);
  if (reader.remaining < 2 || reader.uint16("version") !== VERSION)
    throw new FormatError(0, "not a credential cache of version 0x0504");
  const header = readHeader(reader.part(reader.uint16("length of header")));
  const owner = readName(reader);
  const entries: CacheEntry[] = [];
  let end = reader.offset;
  while (reader.remaining > 0) {
    const entry = readEntry(reader);
    entries.push(entry);
    if (isSkipped(entry.held)) onSkipped(entry.held);
    if (isSkipped(entry.held) && entry.held.reason === "cut-short") break;
    end = reader.offset;
  }
  const held = entries.map((entry) => entry.held);
  return {
    defaultPrincipal: principalOfName(owner),
    defaultName: shownName(owner),
    ...header,
    credentials: held.filter(isCredentials),
    config: held.filter((one) => "value" in one),
    entries,
    end,
  };
}

/**
 * Writes a credential cache.
 * @throws RangeError for a time outside 1970 to 2106, or a clock offset beyond 68 years.
 */
export function formatCredentialCache(file: CredentialCacheFile): Uint8Array {
  const header = formatHeader(file.kdcOffset);
  const writer = new FormatWriter().uint16(VERSION).uint16(header.length).bytes(header);
  const owner = nameOf(file.defaultPrincipal);
  writeName(writer, owner);
  for (const note of file.config ?? []) writeConfig(writer, owner, note);
  for (const credentials of file.credentials) writeCredentials(writer, credentials);
  return writer.finish();
}

/** The clock offset as a header has it, in 8 bytes. Throws RangeError for one beyond 68 years. */
export function formatKdcOffset(kdcOffset: number): Uint8Array {
  const seconds = Math.trunc(kdcOffset / 1000);
  if (!(Math.abs(seconds) <= 0x7fff_ffff))
    throw new RangeError(`kdcOffset: expected at most 68 years in ms, got ${kdcOffset}`);
  const microseconds = Math.round((kdcOffset - seconds * 1000) * 1000);
  return new FormatWriter().uint32(seconds).uint32(microseconds).finish();
}

interface Header {
  readonly kdcOffset: number | undefined;
  readonly kdcOffsetAt: number | undefined;
}

function readHeader(header: FormatReader): Header {
  let [kdcOffset, kdcOffsetAt]: [number | undefined, number | undefined] = [undefined, undefined];
  while (header.remaining > 0) {
    const tag = header.uint16("tag");
    const field = header.part(header.uint16("length of tag"));
    if (tag !== DELTA_TIME) continue;
    kdcOffsetAt = field.offset;
    kdcOffset =
      field.int32("offset of the KDC's clock") * 1000 + Math.trunc(field.int32("microseconds") / 1000);
    if (field.remaining > 0) throw field.fail("a clock offset of more than 8 bytes");
  }
  return { kdcOffset, kdcOffsetAt };
}

function formatHeader(kdcOffset: number | undefined): Uint8Array {
  if (kdcOffset === undefined) return new Uint8Array();
  return new FormatWriter().uint16(DELTA_TIME).uint16(8).bytes(formatKdcOffset(kdcOffset)).finish();
}
