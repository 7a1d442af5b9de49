/**
 * Keys of services on their way into keytabs (MIT's ktadd).
 *
 * Invariant: everything is checked before the first key changes. A new key that is in no keytab locks its service out.
 */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { readPrivateFile, writeFileAtomically } from "../files/private-file.js";
import { PrivateFileError } from "../files/private-file-error.js";
import {
  formatKeytab,
  type KeytabEntry,
  parseKeytabFile,
  type SkippedKeytabEntry,
} from "../formats/keytab.js";
import type { LongTermKey } from "../protocol/keys.js";
import type { Principal } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { changeToRandomKeys, newKeyEtypes } from "./principal-keys.js";
import { existingPrincipal, isTgs, localPrincipal } from "./principals.js";
import type { Realm } from "./realm.js";
import { RealmError } from "./realm-error.js";

/** Told of what a keytab holds that can't be used, and that does not stay when it is written. */
export type OnSkipped = (skipped: SkippedKeytabEntry) => void;

/** Where keys are written. */
export interface KeytabTarget {
  /** The keytab's file; made with mode 0600 where it is not there. */
  readonly path: string;
  /** Told of each principal once its keys are in the file. */
  readonly onWritten?: ((entry: PrincipalEntry) => void) | undefined;
  readonly onSkipped?: OnSkipped | undefined;
}

/**
 * Makes new keys for services and writes them into a keytab, with the old versions that the realm still keeps.
 * @param names of services; of a person they end the password.
 * @param etypes of the new keys, as `newKeyEtypes` takes them.
 * @param now milliseconds since the epoch.
 * @returns the entries as they are now, in the order of the names.
 * @throws RealmError as `existingPrincipal` and `newKeyEtypes`, `protected` for the TGS, `keytab` for a folder that can't
 *   be written; PrivateFileError and KeytabError for a file that is there and is no keytab.
 */
export async function exportNewKeys(
  realm: Realm,
  names: readonly string[],
  target: KeytabTarget,
  etypes: readonly number[],
  now: number,
): Promise<PrincipalEntry[]> {
  await checkKeytabTarget(target.path, target.onSkipped);
  const entries = await exportable(realm, names);
  for (const entry of entries) newKeyEtypes(realm, etypes, entry);
  const renew = ({ principal }: PrincipalEntry) => changeToRandomKeys(realm, principal, etypes, now);
  return writeEach(entries, target, renew, now);
}

/**
 * Writes the present keys of services into a keytab.
 * @param now milliseconds since the epoch.
 * @throws as `exportNewKeys`, and RealmError `password-keyed` for a principal with a password.
 */
export async function exportKeys(
  realm: Realm,
  names: readonly string[],
  target: KeytabTarget,
  now: number,
): Promise<PrincipalEntry[]> {
  await checkKeytabTarget(target.path, target.onSkipped);
  const entries = await exportable(realm, names);
  for (const { principal, passwordKeyed } of entries)
    if (passwordKeyed)
      throw new RealmError(
        "password-keyed",
        `${principal} has a password: its keys are no service's`,
        "without -norandkey it gets random keys, and the password ends",
      );
  return writeEach(entries, target, async (entry) => entry, now);
}

/**
 * Makes sure that a keytab can be written: the file as it is, and its folder.
 * @throws RealmError `keytab`; PrivateFileError and KeytabError for a file that is there and is no keytab.
 */
export async function checkKeytabTarget(path: string, onSkipped?: OnSkipped): Promise<void> {
  await entriesIn(path, onSkipped);
  try {
    await access(dirname(path), constants.W_OK);
  } catch {
    const text = `${path}: its folder does not exist or can't be written`;
    throw new RealmError("keytab", text, "no key was changed");
  }
}

/**
 * Writes a principal's keys into a keytab, in place of those it held; keys of other principals stay.
 * @param now milliseconds since the epoch.
 * @throws PrivateFileError where it can't be written; KeytabError for a file that is there and is no keytab.
 */
export async function writeKeytab(
  path: string,
  principal: Principal,
  keys: readonly LongTermKey[],
  now: number,
  onSkipped?: OnSkipped,
): Promise<void> {
  const others = (await entriesIn(path, onSkipped)).filter((entry) => entry.principal !== principal);
  const added = keys.map(({ kvno, key }) => ({ principal, kvno, key, timestamp: now }));
  const bytes = formatKeytab([...others, ...added]);
  try {
    await writeFileAtomically(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

async function exportable(realm: Realm, names: readonly string[]): Promise<PrincipalEntry[]> {
  const entries: PrincipalEntry[] = [];
  for (const name of names) {
    if (isTgs(realm, name))
      throw new RealmError(
        "protected",
        `${localPrincipal(realm, name)}: the TGS's keys stay in the realm's database`,
      );
    entries.push(await existingPrincipal(realm, name));
  }
  return entries;
}

async function writeEach(
  entries: readonly PrincipalEntry[],
  { path, onWritten, onSkipped }: KeytabTarget,
  keysOf: (entry: PrincipalEntry) => Promise<PrincipalEntry>,
  now: number,
): Promise<PrincipalEntry[]> {
  const written: PrincipalEntry[] = [];
  for (const old of entries) {
    const entry = await keysOf(old);
    await writeKeytab(path, entry.principal, entry.keys, now, onSkipped);
    written.push(entry);
    onWritten?.(entry);
  }
  return written;
}

/** What a keytab holds; nothing where it is not there. */
async function entriesIn(path: string, onSkipped?: OnSkipped): Promise<KeytabEntry[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readPrivateFile(path);
  } catch (error) {
    if (error instanceof PrivateFileError && error.code === "missing") return [];
    throw error;
  }
  try {
    return parseKeytabFile(path, bytes, onSkipped);
  } finally {
    bytes.fill(0);
  }
}
