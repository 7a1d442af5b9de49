/**
 * Credential caches in MIT's FILE format 0x0504 (docs/formats.md): bytes to credentials and back. The bytes hold
 * session keys; they belong to the caller.
 *
 * The format has whole seconds: every time is rounded down, so a ticket read back starts and ends up to 999 ms before
 * it really does. It is never used after its end.
 */
import type { Credentials } from "../protocol/credentials.js";
import { Key, knownEtype } from "../protocol/keys.js";
import { componentsOf, type Principal, realmOf } from "../protocol/principal.js";
import { flagsFromBits, flagsToBits } from "../protocol/ticket-flags.js";
import {
  type FileName,
  FormatReader,
  FormatWriter,
  nameType,
  principalOfName,
  shownName,
  toSeconds,
} from "./format-bytes.js";
import { FormatError } from "./format-error.js";

/** What a credential cache holds. */
export interface CredentialCacheFile {
  readonly defaultPrincipal: Principal;
  /** The KDC's clock less the client's, in ms; undefined: not known. */
  readonly kdcOffset?: number | undefined;
  readonly credentials: readonly Credentials[];
  /** What MIT's tools note in the cache, kept as it is. */
  readonly config?: readonly CacheConfig[] | undefined;
}

/** A note of MIT's tools in the cache (`X-CACHECONF:`). */
export interface CacheConfig {
  /** What it is called, for example `fast_avail`. */
  readonly name: string;
  /** The server it concerns, as text; undefined: the whole cache. */
  readonly server: string | undefined;
  readonly value: Uint8Array;
}

/** A credential that this project cannot use and passes over. */
export interface SkippedCredential {
  readonly offset: number;
  /** The server as it stands in the file. */
  readonly name: string;
  readonly etype: number;
  readonly reason: "etype" | "name" | "removed";
}

const VERSION = 0x0504;
const DELTA_TIME = 1;
const MAX_COMPONENTS = 64;
const CONFIG_REALM = "X-CACHECONF:";
const CONFIG_NAME = "krb5_ccache_conf_data";
const REMOVED_AUTHTIME = 0xffff_ffff;

/**
 * Reads a credential cache.
 * @param onSkipped told of credentials with an encryption type or a name this project does not have, or marked removed.
 * @throws FormatError for anything that is not a whole cache of version 0x0504, or whose default principal is outside
 *   this project's grammar.
 */
export function parseCredentialCache(
  bytes: Uint8Array,
  onSkipped: (skipped: SkippedCredential) => void = () => {},
): CredentialCacheFile {
  const reader = new FormatReader(bytes);
  if (reader.uint16() !== VERSION) throw new FormatError(0, "not a credential cache of version 0x0504");
  const kdcOffset = readHeader(reader.part(reader.uint16()));
  const { offset } = reader;
  const name = readName(reader);
  const defaultPrincipal = principalOfName(name);
  if (defaultPrincipal === undefined) throw new FormatError(offset, `not a principal: ${shownName(name)}`);
  const credentials: Credentials[] = [];
  const config: CacheConfig[] = [];
  while (reader.remaining > 0) {
    const found = readCredential(reader);
    try {
      const note = configOf(found);
      const usable = note === undefined ? credentialsOf(found, onSkipped) : undefined;
      if (note !== undefined) config.push(note);
      if (usable !== undefined) credentials.push(usable);
    } finally {
      found.keyBytes.fill(0);
    }
  }
  return { defaultPrincipal, kdcOffset, credentials, config };
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

interface FileCredential {
  readonly offset: number;
  readonly client: FileName;
  readonly server: FileName;
  readonly etype: number;
  readonly keyBytes: Uint8Array;
  /** Seconds. */
  readonly authtime: number;
  readonly starttime: number;
  readonly endtime: number;
  readonly renewTill: number;
  readonly flags: number;
  readonly ticket: Uint8Array;
}

function readHeader(header: FormatReader): number | undefined {
  let kdcOffset: number | undefined;
  while (header.remaining > 0) {
    const tag = header.uint16();
    const field = header.part(header.uint16());
    if (tag !== DELTA_TIME) continue;
    kdcOffset = field.int32() * 1000 + Math.trunc(field.int32() / 1000);
    if (field.remaining > 0) throw field.fail("a clock offset of more than 8 bytes");
  }
  return kdcOffset;
}

function readName(reader: FormatReader): FileName {
  reader.uint32(); // name type
  const count = reader.uint32();
  if (count > MAX_COMPONENTS) throw reader.fail(`a name of ${count} components`);
  const realm = reader.text(reader.uint32());
  return { realm, components: Array.from({ length: count }, () => reader.text(reader.uint32())) };
}

function readCredential(reader: FormatReader): FileCredential {
  const { offset } = reader;
  const client = readName(reader);
  const server = readName(reader);
  const etype = reader.int16();
  const keyBytes = reader.bytes(reader.uint32());
  const [authtime, starttime, endtime, renewTill] = [
    reader.uint32(),
    reader.uint32(),
    reader.uint32(),
    reader.uint32(),
  ];
  reader.uint8(); // whether the ticket is sealed under another ticket's key
  const flags = reader.uint32();
  skipTyped(reader); // addresses
  skipTyped(reader); // authorization data
  const ticket = reader.bytes(reader.uint32());
  reader.part(reader.uint32()); // second ticket
  return { offset, client, server, etype, keyBytes, authtime, starttime, endtime, renewTill, flags, ticket };
}

function skipTyped(reader: FormatReader): void {
  for (let left = reader.uint32(); left > 0; left--) {
    reader.uint16();
    reader.part(reader.uint32());
  }
}

function configOf({ server, ticket }: FileCredential): CacheConfig | undefined {
  const [kind, name, concerned] = server.components;
  if (server.realm !== CONFIG_REALM || kind !== CONFIG_NAME || name === undefined) return undefined;
  return { name, server: concerned, value: ticket };
}

function credentialsOf(
  found: FileCredential,
  onSkipped: (skipped: SkippedCredential) => void,
): Credentials | undefined {
  const { offset, etype, keyBytes, authtime, starttime, endtime, renewTill, flags, ticket } = found;
  const client = principalOfName(found.client);
  const server = principalOfName(found.server);
  const row = knownEtype(etype);
  const removed = authtime === REMOVED_AUTHTIME && endtime === 0;
  if (row === undefined || client === undefined || server === undefined || removed) {
    const reason = removed ? "removed" : row === undefined ? "etype" : "name";
    onSkipped({ offset, name: shownName(found.server), etype, reason });
    return undefined;
  }
  if (keyBytes.length !== row.keySize)
    throw new FormatError(offset, `a key of ${keyBytes.length} bytes for ${row.name}`);
  return {
    client,
    server,
    key: new Key(row, keyBytes),
    ticket,
    flags: flagsFromBits(flags),
    authtime: authtime * 1000,
    // RFC 4120 §5.3: without a start time the ticket is valid from authtime on.
    starttime: (starttime === 0 ? authtime : starttime) * 1000,
    endtime: endtime * 1000,
    renewTill: renewTill === 0 ? undefined : renewTill * 1000,
  };
}

function formatHeader(kdcOffset: number | undefined): Uint8Array {
  if (kdcOffset === undefined) return new Uint8Array();
  const seconds = Math.trunc(kdcOffset / 1000);
  if (!(Math.abs(seconds) <= 0x7fff_ffff)) throw new RangeError(`kdcOffset: out of range: ${kdcOffset}`);
  const microseconds = Math.round((kdcOffset - seconds * 1000) * 1000);
  return new FormatWriter().uint16(DELTA_TIME).uint16(8).uint32(seconds).uint32(microseconds).finish();
}

function nameOf(principal: Principal): FileName {
  return { realm: realmOf(principal), components: componentsOf(principal) };
}

function writeName(writer: FormatWriter, { realm, components }: FileName): void {
  writer.uint32(nameType(components)).uint32(components.length);
  for (const text of [realm, ...components]) writeData(writer, Buffer.from(text, "latin1"));
}

function writeData(writer: FormatWriter, data: Uint8Array): void {
  writer.uint32(data.length).bytes(data);
}

function writeCredentials(writer: FormatWriter, credentials: Credentials): void {
  const { client, server, key, authtime, starttime, endtime, renewTill = 0, flags, ticket } = credentials;
  writeName(writer, nameOf(client));
  writeName(writer, nameOf(server));
  writer.uint16(key.etype.etype & 0xffff);
  writeData(writer, key.exportBytes());
  for (const [name, time] of Object.entries({ authtime, starttime, endtime, renewTill }))
    writer.uint32(toSeconds(time, name));
  writeRest(writer, flagsToBits(flags), ticket);
}

function writeConfig(writer: FormatWriter, owner: FileName, { name, server, value }: CacheConfig): void {
  writeName(writer, owner);
  writeName(writer, {
    realm: CONFIG_REALM,
    components: [CONFIG_NAME, name, ...(server === undefined ? [] : [server])],
  });
  writer.uint16(0);
  writeData(writer, new Uint8Array());
  for (let time = 0; time < 4; time++) writer.uint32(0);
  writeRest(writer, 0, value);
}

/** Not under another ticket's key, the flags, no addresses, no authorization data, the ticket, no second ticket. */
function writeRest(writer: FormatWriter, flags: number, ticket: Uint8Array): void {
  writer.uint8(0).uint32(flags).uint32(0).uint32(0);
  writeData(writer, ticket);
  writer.uint32(0);
}
