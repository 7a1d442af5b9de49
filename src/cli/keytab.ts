/** Keytabs as the commands use them: read and listed. */
import { readPrivateFile } from "../files/private-file.js";
import { type KeytabEntry, parseKeytabFile, type SkippedKeytabEntry } from "../formats/keytab.js";
import type { Key } from "../protocol/keys.js";
import { type Principal, realmOf } from "../protocol/principal.js";
import { CommandError } from "./command.js";
import { parsePrincipalArgument } from "./principal-argument.js";
import { notice } from "./screen/output.js";
import { etypeName } from "./screen/ticket-facts.js";

/** Reads a keytab. Throws PrivateFileError, and KeytabError for a file that is none. */
export async function readKeytab(path: string): Promise<KeytabEntry[]> {
  const bytes = await readPrivateFile(path);
  try {
    return parseKeytabFile(path, bytes, noticeSkipped(path));
  } finally {
    bytes.fill(0);
  }
}

/** Says what a keytab holds that can't be used. */
export function noticeSkipped(path: string): (skipped: SkippedKeytabEntry) => void {
  return ({ name, etype, reason }) =>
    notice(
      reason === "cut-short" || reason === "malformed"
        ? `${path}: passed over an entry that is not whole`
        : `${path}: passed over a key of ${name}: ${etypeName(etype)} or its name is not supported here`,
    );
}

/** A key of a keytab without the key. */
export interface ListedKey {
  readonly kvno: number;
  readonly principal: string;
  readonly etype: string;
  /** Milliseconds. */
  readonly written: number;
}

/** What a keytab holds, without the keys. */
export async function keytabEntries(path: string): Promise<ListedKey[]> {
  const entries = await readKeytab(path);
  return entries.map(({ kvno, principal, key, timestamp }) => ({
    kvno,
    principal,
    etype: key.etype.name,
    written: timestamp,
  }));
}

/**
 * The newest keys of a principal, one for each encryption type.
 * @param name as typed; left out: the keytab's first principal. Without a realm it is that of the keytab.
 * @throws CommandError when there are none; UsageError for a name that is no principal.
 */
export async function keysFor(
  path: string,
  name: string | undefined,
): Promise<{ principal: Principal; keys: Key[] }> {
  const entries = await readKeytab(path);
  const first = entries[0]?.principal;
  if (first === undefined) throw new CommandError(`${path}: holds no key`);
  const principal = name === undefined ? first : parsePrincipalArgument(name, realmOf(first), "principal");
  const own = entries.filter((entry) => entry.principal === principal);
  if (own.length === 0)
    throw new CommandError(
      `${path}: holds no key of ${principal}`,
      `\`tessera klist -k ${path}\` lists its keys`,
    );
  const newest = Math.max(...own.map(({ kvno }) => kvno));
  return { principal, keys: own.filter(({ kvno }) => kvno === newest).map(({ key }) => key) };
}
