/**
 * A principal's keys put into a keytab in place, so that keytab and database agree whatever happens in
 * between.
 *
 * Order: the entries are written and brought to the disk; then the database changes; then what is out of date
 * becomes holes. A keytab that can't be written changes no key. Where the database does not change, the
 * entries become holes again. Killed in between, the keytab has a version more than the database, which is in
 * nobody's way: services find a key by its version, and a login falls back on the version before
 * (`loginWithKeytab`).
 *
 * All of it under the lock that MIT's library takes. What is not this principal's, or not understood here,
 * stays as it is.
 */

import { filePathOf } from "../files/file-name.js";
import { type LockedFile, withLockedFile } from "../files/locked-file.js";
import { followWithinFolder, requireGiven } from "../files/privacy.js";
import { createPrivateFile } from "../files/private-file.js";
import { asPrivateFileError, PrivateFileError } from "../files/private-file-error.js";
import {
  emptyKeytab,
  isKey,
  type KeytabLayout,
  type KeytabSlot,
  readKeytabFileLayout,
} from "../formats/keytab.js";
import { type KeytabAddition, planAddition, planRemoval } from "../formats/keytab-change.js";
import { KeytabError } from "../formats/keytab-error.js";
import type { LongTermKey } from "../protocol/keys.js";
import type { Principal } from "../protocol/principal.js";
import { RealmError } from "./realm-error.js";

/** The keys that a keytab is to hold of a principal. */
export interface WantedKeys {
  readonly principal: Principal;
  readonly keys: readonly LongTermKey[];
}

/** What changes in the database once the keytab is written. */
export interface DatabaseChange {
  write(): Promise<unknown>;
  /** Whether the database has the keys: asked where `write` failed. */
  isWritten(): Promise<boolean>;
}

/**
 * Puts a principal's keys into a keytab, in place of those it held; makes the file with mode 0600 where there
 * is none.
 * @param name the keytab's path; `FILE:` may stand before it.
 * @param now when the entries were written, in milliseconds since the epoch.
 * @param change of the database, made once the entries are on the disk; without it there is none.
 * @throws PrivateFileError where the file can't be used or written, KeytabError where it is no keytab: the
 *   database was not changed, and the keytab is as it was. RealmError `keytab` where the database did not
 *   change; as `change.write`.
 */
export async function putIntoKeytab(
  name: string,
  wanted: WantedKeys,
  now: number,
  change?: DatabaseChange,
): Promise<void> {
  const path = filePathOf(name, "keytab");
  const target = targetOf(path);
  const put = (file: LockedFile) => putInto(file, path, wanted, now, change);
  try {
    await withLockedFile(target, put, requireGiven);
  } catch (error) {
    if (!(error instanceof PrivateFileError && error.code === "missing")) throw error;
    await createKeytab(target);
    await withLockedFile(target, put, requireGiven);
  }
}

/** The file itself: a link within its folder is followed, as it is when the keytab is read. */
function targetOf(path: string): string {
  try {
    return followWithinFolder(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return path;
    throw asPrivateFileError(error, path);
  }
}

/** Somebody else may make it at the same time: then there is one. */
async function createKeytab(path: string): Promise<void> {
  try {
    await createPrivateFile(path, emptyKeytab());
  } catch (error) {
    if (!(error instanceof PrivateFileError && error.code === "exists")) throw error;
  }
}

async function putInto(
  file: LockedFile,
  path: string,
  wanted: WantedKeys,
  now: number,
  change: DatabaseChange | undefined,
): Promise<void> {
  const layout = await readLayout(file, path);
  const added = wanted.keys.filter(
    (key) => !layout.slots.some((slot) => isSame(slot, wanted.principal, key)),
  );
  const entries = added.map(({ kvno, key }) => ({ principal: wanted.principal, kvno, key, timestamp: now }));
  const addition = planAdditionTo(layout, entries, path);
  const outdated = layout.slots.filter((slot) => isOutdated(slot, wanted));
  // A reader would find these first, in place of the new keys that bear their version.
  const twins = outdated.filter(({ held }) =>
    added.some((key) => held && isKey(held) && held.kvno === key.kvno && held.key.etype === key.key.etype),
  );
  try {
    await file.write(addition.bodies);
    await file.write([...addition.lengths, ...planRemoval(twins)]);
  } catch (error) {
    await takeBack(file, addition);
    const failure = asPrivateFileError(error, path);
    throw new PrivateFileError(failure.code, path, failure.message, {
      cause: error,
      hint: "no key was changed",
    });
  } finally {
    for (const { bytes } of addition.bodies) bytes.fill(0);
  }
  if (change !== undefined) await changeDatabase(file, path, wanted.principal, addition, change);
  await file.write(planRemoval(outdated.filter((slot) => !twins.includes(slot))));
}

async function changeDatabase(
  file: LockedFile,
  path: string,
  principal: Principal,
  addition: KeytabAddition,
  change: DatabaseChange,
): Promise<void> {
  try {
    await change.write();
  } catch (error) {
    const { message } = error as Error;
    const isWritten = await change.isWritten().catch(() => undefined);
    if (isWritten === true) return; // it failed after the change, which is there to stay
    const isAsBefore = isWritten === false && (await takeBack(file, addition));
    if (isAsBefore && error instanceof RealmError) throw error;
    const left = isAsBefore
      ? `${path} is as it was`
      : `${path} holds a version more, which goes with the next ktadd`;
    throw new RealmError(
      "keytab",
      `${principal}: its keys could not be changed: ${message}`,
      `the old keys work, and ${left}`,
      { cause: error },
    );
  }
}

/** Makes holes of entries, or cuts them off again; false where that fails too. */
async function takeBack(file: LockedFile, { undo, undoSize }: KeytabAddition): Promise<boolean> {
  try {
    if (undoSize !== undefined) await file.truncate(undoSize);
    await file.write(undo);
    return true;
  } catch {
    return false;
  }
}

async function readLayout(file: LockedFile, path: string): Promise<KeytabLayout> {
  const bytes = await file.read();
  try {
    // Made by somebody who has not come to write its version yet.
    if (bytes.length === 0) await file.write([{ offset: 0, bytes: emptyKeytab() }]);
    return readKeytabFileLayout(path, bytes.length === 0 ? emptyKeytab() : bytes);
  } finally {
    bytes.fill(0);
  }
}

function planAdditionTo(
  layout: KeytabLayout,
  entries: Parameters<typeof planAddition>[1],
  path: string,
): KeytabAddition {
  if (layout.end === undefined)
    throw new KeytabError(`${path}: its end cuts an entry short, and nothing can be read behind it`, {
      hint: "no key was changed; write to another keytab, or remove this one",
    });
  return planAddition(layout, entries);
}

function isSame({ held }: KeytabSlot, principal: Principal, { kvno, key }: LongTermKey): boolean {
  if (held === undefined || !isKey(held)) return false;
  if (held.principal !== principal || held.kvno !== kvno || held.key.etype !== key.etype) return false;
  const [a, b] = [held.key.exportBytes(), key.exportBytes()];
  const same = Buffer.compare(a, b) === 0;
  a.fill(0);
  b.fill(0);
  return same;
}

/**
 * Whether an entry is this principal's and not to stay: an old key, or one that is not whole. Unknown types
 * stay.
 */
function isOutdated(slot: KeytabSlot, { principal, keys }: WantedKeys): boolean {
  const { held } = slot;
  if (held?.principal !== principal) return false;
  if (!isKey(held)) return held.reason === "malformed";
  return !keys.some((key) => isSame(slot, principal, key));
}
