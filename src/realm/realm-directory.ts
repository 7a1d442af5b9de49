/**
 * The folder of one realm (TESSERA_REALM_DIR), mode 0700:
 *
 *   realm.json    settings, for people to read and change
 *   master.key    the master key (master-key.ts)
 *   principals/   principals, LMDB; not where realm.json names a database for them
 *   replay/       the replay cache, LMDB
 *   notes/        V's notes, LMDB
 *   attempts      failed logins, and where from principals logged in (login-attempts.ts); made by the first AS
 *   v.keytab      V's keys, in MIT's format; written when the realm is made
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createPrivateFile, syncFolder, writeFileAtomically } from "../files/private-file.js";
import { systemErrorText } from "../files/system-error.js";
import type { ProfileName } from "../protocol/profile.js";
import { createMasterKey } from "../store/master-key.js";
import { postgresNameOf } from "../store/postgres/place.js";
import { StoreError } from "../store/store-error.js";
import {
  checkSettings,
  formatSettings,
  parseObject,
  parseSettings,
  type RealmSettings,
} from "./realm-settings.js";

/** Where a realm keeps its parts. A store is a name, as `openStore` and `openReplayCache` take it. */
export interface RealmDirectory {
  readonly dir: string;
  readonly settings: RealmSettings;
  readonly masterKeyFile: string;
  readonly keytabFile: string;
  /** May hold the password of a database. */
  readonly principals: string;
  readonly notes: string;
  readonly replayCache: string;
  readonly attemptsFile: string;
}

/**
 * Makes a realm's folder with its settings and a new master key. It appears complete or not at all.
 * @param dir must not exist, or must be empty.
 * @param fill adds what else must be there from the start, such as the first principals. It works on the
 *   folder under a temporary name and must close what it opens; if it throws, nothing is left behind.
 * @param makeMasterKey writes the master key; by default a new one.
 * @throws StoreError `exists` if something is there already; `missing` if the parent folder is not there;
 *   RangeError for settings out of range.
 */
export async function createRealmDirectory(
  dir: string,
  settings: RealmSettings,
  fill: (realm: RealmDirectory) => Promise<void> = async () => {},
  makeMasterKey = async (file: string) => (await createMasterKey(file)).wipe(),
): Promise<RealmDirectory> {
  checkSettings(settings);
  const target = resolve(dir);
  await checkVacant(target);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(temporary, { mode: 0o700 });
    const parts = settings.database === undefined ? ["principals", "notes", "replay"] : ["notes", "replay"];
    for (const part of parts) await mkdir(join(temporary, part), { mode: 0o700 });
    await createPrivateFile(settingsFileOf(temporary), Buffer.from(formatSettings(settings)));
    await makeMasterKey(join(temporary, "master.key"));
    await fill(layout(temporary, settings));
    await syncFolder(temporary);
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw await creationError(error, target);
  }
  return layout(target, settings);
}

/**
 * Reads a realm's folder.
 * @throws StoreError `missing` if there is no realm; `unsafe` if others can enter the folder; `corrupt` for
 *   bad settings, naming the file and the key; `version` for settings written by a newer release.
 */
export async function openRealmDirectory(dir: string): Promise<RealmDirectory> {
  const target = resolve(dir);
  const file = settingsFileOf(target);
  let text: string;
  try {
    // Settings first: a folder without them is not a realm, so its mode does not matter.
    text = await readFile(file, "utf8");
    const { mode } = await stat(target);
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new StoreError(
        "unsafe",
        `${target}: open to others (mode ${(mode & 0o777).toString(8).padStart(4, "0")}); run \`chmod 700 ${target}\``,
      );
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new StoreError("missing", `${target}: there is no realm here`, {
        hint: "check the path, or make the realm first: tessera realm create",
        cause: error,
      });
    throw new StoreError("unavailable", `${file}: ${systemErrorText(error)}`, { cause: error });
  }
  return layout(target, parseSettings(text, file));
}

/**
 * Writes another profile into a realm's settings file; the rest stays as the operator wrote it.
 * @throws StoreError `corrupt` for a file that is not a JSON object; PrivateFileError if it can't be written.
 */
export async function writeProfile({ dir }: RealmDirectory, profile: ProfileName): Promise<void> {
  const file = settingsFileOf(dir);
  const settings = { ...parseObject(await readFile(file, "utf8"), file), profile };
  await writeFileAtomically(file, Buffer.from(`${JSON.stringify(settings, undefined, 2)}\n`));
}

/** The settings file of a realm's folder. */
export function settingsFileOf(dir: string): string {
  return join(dir, SETTINGS_FILE);
}

const SETTINGS_FILE = "realm.json";

function layout(dir: string, settings: RealmSettings): RealmDirectory {
  return Object.freeze({
    dir,
    settings: Object.freeze({ ...settings }),
    masterKeyFile: join(dir, "master.key"),
    keytabFile: join(dir, "v.keytab"),
    principals:
      settings.database === undefined
        ? `lmdb:${join(dir, "principals")}`
        : postgresNameOf(settings.database, settings.realm),
    notes: `lmdb:${join(dir, "notes")}`,
    replayCache: `lmdb:${join(dir, "replay")}`,
    attemptsFile: join(dir, "attempts"),
  });
}

async function checkVacant(target: string): Promise<void> {
  try {
    const entries = await readdir(target);
    if (entries.includes(SETTINGS_FILE))
      throw new StoreError("exists", `${target}: there is a realm here already`);
    if (entries.length > 0)
      throw new StoreError("exists", `${target}: is not empty; give a new or an empty folder`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR") throw new StoreError("exists", `${target}: is not a folder`, { cause: error });
    if (code !== "ENOENT") throw error instanceof StoreError ? error : await creationError(error, target);
  }
}

async function creationError(error: unknown, target: string): Promise<unknown> {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const above = dirname(target);
  const isThere = await stat(above).catch(() => undefined);
  if (code === "ENOTEMPTY" || code === "EEXIST")
    return new StoreError("exists", `${target}: was made by somebody else in the meantime`, { cause: error });
  if (code === "ENOENT" && isThere === undefined)
    return new StoreError("missing", `${above}: does not exist; make it first`, {
      hint: "check the path",
      cause: error,
    });
  if (code === "ENOSPC") return new StoreError("full", `${target}: no room on the disk`, { cause: error });
  if (syscall === undefined) return error;
  return new StoreError("unavailable", `${target}: can't be made: ${systemErrorText(error)}`, {
    hint: "check the path",
    cause: error,
  });
}
