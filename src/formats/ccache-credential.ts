/**
 * The credentials of a cache in MIT's FILE format 0x0504 (docs/formats.md), one by one: bytes to a ticket
 * with its session key, to a note of MIT's tools, or to a description of what can't be used here; and back.
 */
import type { Credentials } from "../protocol/credentials.js";
import { knownEtype } from "../protocol/etypes.js";
import { Key } from "../protocol/keys.js";
import { componentsOf, type Principal, realmOf } from "../protocol/principal.js";
import { flagsFromBits, flagsToBits } from "../protocol/ticket-flags.js";
import {
  type FileName,
  type FormatReader,
  FormatWriter,
  nameType,
  principalOfName,
  shownName,
  toSeconds,
} from "./format-bytes.js";
import { FormatError } from "./format-error.js";

/** A note of MIT's tools in the cache (`X-CACHECONF:`). */
export interface CacheConfig {
  /** Its name, for example `fast_avail`. */
  readonly name: string;
  /** The server that it concerns, as text; undefined: the whole cache. */
  readonly server: string | undefined;
  readonly value: Uint8Array;
}

/**
 * A credential that can't be used here and is skipped. Times are milliseconds since the epoch; 0: none given.
 */
export interface SkippedCredential {
  readonly offset: number;
  /** Client and server as the file has them; empty if the file ends before them. */
  readonly client: string;
  readonly name: string;
  readonly etype: number;
  readonly starttime: number;
  readonly endtime: number;
  readonly renewTill: number;
  /** The ticket flags as a number of 32 bits; bit 0 is the most significant. */
  readonly flags: number;
  /** The length of the ticket in bytes. */
  readonly bytes: number;
  /**
   * An unknown encryption type, a name outside our grammar, a key of the wrong length, removed, or cut short
   * by the end of the file.
   */
  readonly reason: "etype" | "name" | "malformed" | "removed" | "cut-short";
}

/** One credential of a cache, with its place in the file. */
export interface CacheEntry {
  readonly offset: number;
  /** Where its four times are in the file. */
  readonly timesOffset: number;
  readonly held: Credentials | CacheConfig | SkippedCredential;
}

const MAX_COMPONENTS = 64;
const CONFIG_REALM = "X-CACHECONF:";
const REMOVED_CONFIG_REALM = "X-RMED-CONF:";
const CONFIG_NAME = "krb5_ccache_conf_data";
const REMOVED_AUTHTIME = 0xffff_ffff;

/** Whether an entry of a cache is a credential that can be used here. */
export function isCredentials(held: CacheEntry["held"]): held is Credentials {
  return "key" in held;
}

/** Whether an entry of a cache can't be used here. */
export function isSkipped(held: CacheEntry["held"]): held is SkippedCredential {
  return "reason" in held;
}

/** Reads the next credential; one that the bytes end inside of is skipped as cut short. */
export function readEntry(reader: FormatReader): CacheEntry {
  const { offset } = reader;
  let found: FileCredential;
  try {
    found = readCredential(reader);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { offset, timesOffset: offset, held: { ...CUT_SHORT, offset } };
  }
  try {
    return { offset, timesOffset: found.timesOffset, held: configOf(found) ?? credentialsOf(found) };
  } finally {
    found.keyBytes.fill(0);
  }
}

/** The bytes of one credential, to be appended to a cache. Throws as `formatCredentialCache`. */
export function formatCredentials(credentials: Credentials): Uint8Array {
  const writer = new FormatWriter();
  writeCredentials(writer, credentials);
  return writer.finish();
}

/**
 * The four times by which MIT's tools know a credential that was removed, to be written at its `timesOffset`.
 */
export function removedTimes({ starttime, renewTill }: Credentials): Uint8Array {
  return new FormatWriter()
    .uint32(REMOVED_AUTHTIME)
    .uint32(toSeconds(starttime, "starttime"))
    .uint32(0)
    .uint32(toSeconds(renewTill ?? 0, "renewTill"))
    .finish();
}

/** Reads a name; its type is ignored, as by all readers. Throws FormatError. */
export function readName(reader: FormatReader): FileName {
  reader.uint32("name type");
  const count = reader.uint32("number of components");
  if (count > MAX_COMPONENTS) throw reader.fail(`a name of ${count} components`);
  const realm = reader.text(reader.uint32("length of realm"), "realm");
  const component = () => reader.text(reader.uint32("length of component"), "component");
  return { realm, components: Array.from({ length: count }, component) };
}

/** The name of a principal, as caches have it. */
export function nameOf(principal: Principal): FileName {
  return { realm: realmOf(principal), components: componentsOf(principal) };
}

/** Writes a name with its type. */
export function writeName(writer: FormatWriter, { realm, components }: FileName): void {
  writer.uint32(nameType(components)).uint32(components.length);
  for (const text of [realm, ...components]) writeData(writer, Buffer.from(text, "latin1"));
}

function writeData(writer: FormatWriter, data: Uint8Array): void {
  writer.uint32(data.length).bytes(data);
}

/** Writes a credential. Throws RangeError for a time outside 1970 to 2106. */
export function writeCredentials(writer: FormatWriter, credentials: Credentials): void {
  const { client, server, key, authtime, starttime, endtime, renewTill = 0, flags, ticket } = credentials;
  writeName(writer, nameOf(client));
  writeName(writer, nameOf(server));
  writer.uint16(key.etype.etype & 0xffff);
  const keyBytes = key.exportBytes();
  writer.uint32(keyBytes.length).secret(keyBytes);
  for (const [name, time] of Object.entries({ authtime, starttime, endtime, renewTill }))
    writer.uint32(toSeconds(time, name));
  writeRest(writer, flagsToBits(flags), ticket);
}

/** Writes a note of the cache's owner. */
export function writeConfig(
  writer: FormatWriter,
  owner: FileName,
  { name, server, value }: CacheConfig,
): void {
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

/**
 * Not under another ticket's key; the flags; no addresses, no authorization data; the ticket; no second
 * ticket.
 */
function writeRest(writer: FormatWriter, flags: number, ticket: Uint8Array): void {
  writer.uint8(0).uint32(flags).uint32(0).uint32(0);
  writeData(writer, ticket);
  writer.uint32(0);
}

interface FileCredential {
  readonly offset: number;
  readonly timesOffset: number;
  readonly client: FileName;
  readonly server: FileName;
  readonly etype: number;
  readonly keyBytes: Uint8Array;
  /** Seconds since the epoch. */
  readonly authtime: number;
  readonly starttime: number;
  readonly endtime: number;
  readonly renewTill: number;
  readonly flags: number;
  readonly ticket: Uint8Array;
}

const CUT_SHORT = {
  client: "",
  name: "",
  etype: 0,
  starttime: 0,
  endtime: 0,
  renewTill: 0,
  flags: 0,
  bytes: 0,
  reason: "cut-short",
} as const;

function readCredential(reader: FormatReader): FileCredential {
  const { offset } = reader;
  const client = readName(reader);
  const server = readName(reader);
  const etype = reader.int16("etype");
  const keyBytes = reader.bytes(reader.uint32("length of key"), "key");
  const timesOffset = reader.offset;
  const authtime = reader.uint32("authtime");
  const starttime = reader.uint32("starttime");
  const endtime = reader.uint32("endtime");
  const renewTill = reader.uint32("renew till");
  reader.uint8("is skey"); // whether the ticket is sealed under another ticket's key
  const flags = reader.uint32("flags");
  skipTyped(reader, "address", "addresses");
  skipTyped(reader, "authorization data", "authorization data");
  const ticket = reader.bytes(reader.uint32("length of ticket"), "ticket");
  reader.skip(reader.uint32("length of second ticket"), "second ticket");
  const names = { client, server };
  const times = { timesOffset, authtime, starttime, endtime, renewTill };
  return { offset, ...names, etype, keyBytes, ...times, flags, ticket };
}

function skipTyped(reader: FormatReader, what: string, several: string): void {
  for (let left = reader.uint32(`number of ${several}`); left > 0; left--) {
    reader.uint16(`type of ${what}`);
    reader.skip(reader.uint32(`length of ${what}`), what);
  }
}

function configOf({ server, ticket }: FileCredential): CacheConfig | undefined {
  const [kind, name, concerned] = server.components;
  if (server.realm !== CONFIG_REALM || kind !== CONFIG_NAME || name === undefined) return undefined;
  return { name, server: concerned, value: ticket };
}

function credentialsOf(found: FileCredential): Credentials | SkippedCredential {
  const { etype, keyBytes, authtime, endtime, renewTill, flags, ticket } = found;
  const client = principalOfName(found.client);
  const server = principalOfName(found.server);
  const row = knownEtype(etype);
  // RFC 4120 §5.3: without a start time, a ticket is valid from its authtime.
  const starttime = found.starttime === 0 ? authtime : found.starttime;
  const passedOver = (reason: SkippedCredential["reason"]): SkippedCredential => ({
    offset: found.offset,
    client: shownName(found.client),
    name: shownName(found.server),
    etype,
    starttime: starttime * 1000,
    endtime: endtime * 1000,
    renewTill: renewTill * 1000,
    flags,
    bytes: ticket.length,
    reason,
  });
  // As MIT's readers know it. Heimdal sets the end and nothing else.
  if ((endtime === 0 && authtime !== 0) || found.server.realm === REMOVED_CONFIG_REALM)
    return passedOver("removed");
  if (row === undefined) return passedOver("etype");
  if (client === undefined || server === undefined) return passedOver("name");
  if (keyBytes.length !== row.keySize) return passedOver("malformed");
  return {
    client,
    server,
    key: new Key(row, keyBytes),
    ticket,
    flags: flagsFromBits(flags),
    authtime: authtime * 1000,
    starttime: starttime * 1000,
    endtime: endtime * 1000,
    renewTill: renewTill === 0 ? undefined : renewTill * 1000,
  };
}
