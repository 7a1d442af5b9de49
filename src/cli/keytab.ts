/** Keytabs as the commands use them: read, listed, written. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { PrivateFileError, readPrivateFile, writeFileAtomically } from "../files/private-file.js";
import { FormatError } from "../formats/format-error.js";
import { formatKeytab, type KeytabEntry, parseKeytab } from "../formats/keytab.js";
import type { Key, LongTermKey } from "../protocol/keys.js";
import { type Principal, realmOf } from "../protocol/principal.js";
import { CommandError } from "./command.js";
import { parsePrincipalArgument } from "./principal-argument.js";
import { notice } from "./screen/output.js";
import { etypeName } from "./screen/ticket-facts.js";

/** Reads a keytab. Throws PrivateFileError, and CommandError for a file that is none. */
export async function readKeytab(path: string): Promise<KeytabEntry[]> {
  const bytes = await readPrivateFile(path);
  try {
    return parseKeytab(bytes, ({ name, etype, reason }) =>
      notice(
        reason === "cut-short" || reason === "malformed"
          ? `${path}: passed over an entry that is not whole`
          : `${path}: passed over a key of ${name}: ${etypeName(etype)} or its name is not supported here`,
      ),
    );
  } catch (error) {
    if (error instanceof FormatError) throw new CommandError(`${path}: ${error.message}`);
    throw error;
  } finally {
    bytes.fill(0);
  }
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

/** Makes sure that a keytab can be written, before keys are made for it: the file as it is, and its folder. */
export async function checkKeytabTarget(path: string): Promise<void> {
  await existing(path);
  try {
    await access(dirname(path), constants.W_OK);
  } catch {
    throw new CommandError(`${path}: its folder does not exist or can't be written`, "no key was changed");
  }
}

/** Writes a principal's keys into a keytab; what it holds of other principals stays. */
export async function writeKeytab(
  path: string,
  principal: Principal,
  keys: readonly LongTermKey[],
  now: number,
): Promise<void> {
  const others = (await existing(path)).filter((entry) => entry.principal !== principal);
  const added = keys.map(({ kvno, key }) => ({ principal, kvno, key, timestamp: now }));
  const bytes = formatKeytab([...others, ...added]);
  try {
    await writeFileAtomically(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

async function existing(path: string): Promise<KeytabEntry[]> {
  try {
    return await readKeytab(path);
  } catch (error) {
    if (error instanceof PrivateFileError && error.code === "missing") return [];
    throw error;
  }
}
