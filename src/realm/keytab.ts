/**
 * The keys of services, written into keytabs (MIT's ktadd).
 *
 * Invariant: no key changes before it is in the keytab (keytab-change.ts), since a new key that is in no
 * keytab locks its service out; and everything is checked before the first of several changes.
 */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { filePathOf } from "../files/file-name.js";
import { PrivateFileError } from "../files/private-file-error.js";
import { readSecret } from "../files/secret-file.js";
import { type KeytabEntry, parseKeytabFile, type SkippedKeytabEntry } from "../formats/keytab.js";
import type { LongTermKey } from "../protocol/keys.js";
import { keyRetention } from "../protocol/policy.js";
import type { Principal } from "../protocol/principal.js";
import { type PrincipalEntry, usableKeys } from "../protocol/principal-entry.js";
import { putIntoKeytab } from "./keytab-change.js";
import { newKeyEtypes } from "./principal-keys.js";
import { existingPrincipal, isTgs, localPrincipal } from "./principals.js";
import {
  RANDOM_KEY_NAMES,
  type RandomKeyChoice,
  requireRandomKeys,
  withRandomKeysPrepared,
} from "./random-keys.js";
import type { Realm } from "./realm.js";
import { RealmError } from "./realm-error.js";

/** Told of each entry of a keytab that is of no use here. */
export type OnSkipped = (skipped: SkippedKeytabEntry) => void;

/** The keytab that keys are written into. */
export interface KeytabTarget {
  /** Its path; `FILE:` may stand before it. A new file gets mode 0600. */
  readonly path: string;
  /** Told of each principal as soon as its keys are in the file. */
  readonly onWritten?: ((entry: PrincipalEntry) => void) | undefined;
  readonly onSkipped?: OnSkipped | undefined;
}

const TARGET_NAMES: OptionNames<KeytabTarget> = { path: true, onWritten: true, onSkipped: true };

/**
 * Makes new keys for services and writes them into a keytab, along with the old versions that the realm still
 * keeps.
 * @param names of the principals.
 * @param etypes of the new keys, as `newKeyEtypes` takes them.
 * @param now milliseconds since the epoch.
 * @returns the new entries, in the order of the names.
 * @throws RealmError as `existingPrincipal`, `newKeyEtypes` and `changeToRandomKeys`, `protected` for the
 *   TGS, `keytab` if the folder can't be written; PrivateFileError and KeytabError if the file exists and is
 *   not a keytab.
 */
export async function exportNewKeys(
  realm: Realm,
  names: readonly string[],
  target: KeytabTarget,
  etypes: readonly number[],
  now: number,
  choice: RandomKeyChoice = {},
): Promise<PrincipalEntry[]> {
  checkOptionNames("exportNewKeys", target, TARGET_NAMES);
  checkOptionNames("exportNewKeys", choice, RANDOM_KEY_NAMES);
  await checkKeytabTarget(target.path, target.onSkipped);
  const entries = await exportable(realm, names);
  for (const entry of entries) {
    newKeyEtypes(realm, etypes, entry);
    if (!choice.endPassword) requireRandomKeys(entry);
  }
  return inOrder(entries, target, ({ principal }) =>
    withRandomKeysPrepared(
      realm,
      principal,
      etypes,
      now,
      async (prepared) => {
        let written = prepared.entry;
        const write = async () => {
          written = await prepared.write();
        };
        await putIntoKeytab(target.path, prepared.entry, now, { ...prepared, write });
        return written;
      },
      choice,
    ),
  );
}

/**
 * Writes the present keys of services into a keytab.
 * @param now milliseconds since the epoch.
 * @returns the entries, in the order of the names.
 * @throws as `exportNewKeys`, and RealmError `password-keyed` for a principal with a password.
 */
export async function exportKeys(
  realm: Realm,
  names: readonly string[],
  target: KeytabTarget,
  now: number,
): Promise<PrincipalEntry[]> {
  checkOptionNames("exportKeys", target, TARGET_NAMES);
  await checkKeytabTarget(target.path, target.onSkipped);
  const entries = await exportable(realm, names);
  for (const { principal, passwordKeyed } of entries)
    if (passwordKeyed)
      throw new RealmError(
        "password-keyed",
        `${principal} has a password: its keys are no service's`,
        "a service needs a principal of its own: tessera kadmin addprinc -randkey NAME",
      );
  const retention = keyRetention(realm.policy);
  return inOrder(entries, target, async (entry) => {
    await putIntoKeytab(target.path, { ...entry, keys: usableKeys(entry, now, retention) }, now);
    return entry;
  });
}

/**
 * Checks that a keytab can be written: the file, or its folder if there is no file yet.
 * @throws RealmError `keytab`; PrivateFileError and KeytabError if the file exists and is not a keytab.
 */
export async function checkKeytabTarget(name: string, onSkipped?: OnSkipped): Promise<void> {
  const path = filePathOf(name, "keytab");
  const exists = (await entriesIn(path, onSkipped)) !== undefined;
  try {
    await access(exists ? path : dirname(path), constants.W_OK);
  } catch {
    const text = exists ? "can't be written" : "its folder does not exist or can't be written";
    throw new RealmError("keytab", `${path}: ${text}`, "no key was changed");
  }
}

/**
 * Writes a principal's keys into a keytab, in place of those of it that are there; keys of other principals
 * stay.
 * @param now milliseconds since the epoch.
 * @throws PrivateFileError if it can't be written; KeytabError if the file exists and is not a keytab.
 */
export async function writeKeytab(
  path: string,
  principal: Principal,
  keys: readonly LongTermKey[],
  now: number,
): Promise<void> {
  await putIntoKeytab(path, { principal, keys }, now);
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

async function inOrder(
  entries: readonly PrincipalEntry[],
  { onWritten }: KeytabTarget,
  write: (entry: PrincipalEntry) => Promise<PrincipalEntry>,
): Promise<PrincipalEntry[]> {
  const written: PrincipalEntry[] = [];
  for (const old of entries) {
    const entry = await write(old);
    written.push(entry);
    onWritten?.(entry);
  }
  return written;
}

/** The entries of a keytab; undefined if there is no such file. */
async function entriesIn(path: string, onSkipped?: OnSkipped): Promise<KeytabEntry[] | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readSecret(path);
  } catch (error) {
    if (error instanceof PrivateFileError && error.code === "missing") return undefined;
    throw error;
  }
  try {
    return parseKeytabFile(path, bytes, onSkipped);
  } finally {
    bytes.fill(0);
  }
}
