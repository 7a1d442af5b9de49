/**
 * The folder of one realm (TESSERA_REALM_DIR), mode 0700:
 *
 *   realm.json    settings, for people to read and change
 *   master.key    the master key (master-key.ts)
 *   principals/   principals, LMDB
 *   replay/       the replay cache, LMDB
 *   notes/        V's notes, LMDB
 *   v.keytab      V's keys, in MIT's format; written by the command
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createPrivateFile, syncFolder } from "../files/private-file.js";
import { formatDuration, parseDuration } from "../protocol/duration.js";
import { ITERATIONS, isIterationCount } from "../protocol/policy.js";
import { isRealm } from "../protocol/principal.js";
import { isProfileName, type ProfileName } from "../protocol/profile.js";
import { createMasterKey, loadMasterKey } from "../store/master-key.js";
import { openStore } from "../store/open-store.js";
import { PrincipalStore } from "../store/principal-store.js";
import { StoreError } from "../store/store-error.js";

/** The settings of a realm. Times are milliseconds. */
export interface RealmSettings {
  readonly realm: string;
  readonly profile: ProfileName;
  /** Longest ticket. */
  readonly maxLife: number;
  /** Longest renewable life; 0: no renewal. */
  readonly maxRenewableLife: number;
  /** Permitted difference of clocks, either way. */
  readonly clockSkew: number;
  /** Iterations of PBKDF2 for keys made from passwords from now on; the default of RFC 8009 when absent. */
  readonly iterations?: number | undefined;
}

/** Where a realm keeps its parts. Stores are names for `openStore` and `openReplayCache`. */
export interface RealmDirectory {
  readonly dir: string;
  readonly settings: RealmSettings;
  readonly masterKeyFile: string;
  readonly keytabFile: string;
  readonly principals: string;
  readonly notes: string;
  readonly replayCache: string;
}

/**
 * Makes a realm's folder with its settings and a new master key. It appears whole or not at all.
 * @param dir must not exist, or be empty.
 * @param fill puts into the folder what else must be there from the start, such as the first principals. It gets the
 *   folder under a passing name and closes what it opened; if it throws, nothing is left.
 * @throws StoreError `exists` where there is something already; `missing` where its parent is not there; RangeError
 *   for settings out of range.
 */
export async function createRealmDirectory(
  dir: string,
  settings: RealmSettings,
  fill: (realm: RealmDirectory) => Promise<void> = async () => {},
): Promise<RealmDirectory> {
  checkSettings(settings);
  const target = resolve(dir);
  await checkVacant(target);
  const passing = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(passing, { mode: 0o700 });
    for (const part of ["principals", "notes", "replay"]) await mkdir(join(passing, part), { mode: 0o700 });
    await createPrivateFile(join(passing, SETTINGS_FILE), Buffer.from(formatSettings(settings)));
    (await createMasterKey(join(passing, "master.key"))).wipe();
    await fill(layout(passing, settings));
    await syncFolder(passing);
    await rename(passing, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(passing, { recursive: true, force: true });
    throw creationError(error, target);
  }
  return layout(target, settings);
}

/**
 * Reads a realm's folder.
 * @throws StoreError `missing` where there is no realm; `unsafe` for a folder open to others; `corrupt` for settings
 *   that are not as they should be, naming file and key; `version` for those of a newer release.
 */
export async function openRealmDirectory(dir: string): Promise<RealmDirectory> {
  const target = resolve(dir);
  const file = join(target, SETTINGS_FILE);
  let text: string;
  try {
    // Settings first: a folder without them is no realm, whoever may look into it.
    text = await readFile(file, "utf8");
    const { mode } = await stat(target);
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new StoreError(
        "unsafe",
        `${target}: open to others (mode ${(mode & 0o777).toString(8).padStart(4, "0")}); run \`chmod 700 ${target}\``,
      );
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new StoreError("missing", `${target}: there is no realm here`, {
        hint: "check the path, or make the realm first: tessera realm create",
        cause: error,
      });
    throw new StoreError("unavailable", `${file}: ${message}`, { cause: error });
  }
  return layout(target, parseSettings(text, file));
}

/**
 * Opens the principals of a realm; the caller closes them.
 * @throws PrivateFileError and StoreError as `loadMasterKey` and `openStore`.
 */
export async function openPrincipals(realm: RealmDirectory): Promise<PrincipalStore> {
  const masterKey = await loadMasterKey(realm.masterKeyFile);
  return new PrincipalStore(await openStore(realm.principals), masterKey);
}

const SETTINGS_FILE = "realm.json";
const FORMAT = 1;
const YEAR = 366 * 86_400_000;

const DURATIONS = {
  maxLife: { min: 1000, max: 10 * YEAR },
  maxRenewableLife: { min: 0, max: 10 * YEAR },
  clockSkew: { min: 1000, max: 3_600_000 },
} as const;
type DurationName = keyof typeof DURATIONS;
const DURATION_NAMES = Object.keys(DURATIONS) as DurationName[];

function layout(dir: string, settings: RealmSettings): RealmDirectory {
  return Object.freeze({
    dir,
    settings: Object.freeze({ ...settings }),
    masterKeyFile: join(dir, "master.key"),
    keytabFile: join(dir, "v.keytab"),
    principals: `lmdb:${join(dir, "principals")}`,
    notes: `lmdb:${join(dir, "notes")}`,
    replayCache: `lmdb:${join(dir, "replay")}`,
  });
}

function durationOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined; // parseDuration throws a RangeError alone; the caller names the file and the key
  }
}

function formatSettings({ realm, profile, iterations, ...durations }: RealmSettings): string {
  const readable = Object.fromEntries(DURATION_NAMES.map((name) => [name, formatDuration(durations[name])]));
  return `${JSON.stringify({ format: FORMAT, realm, profile, ...readable, iterations }, undefined, 2)}\n`;
}

function parseSettings(text: string, file: string): RealmSettings {
  const values = parseObject(text, file);
  const known = ["format", "realm", "profile", ...DURATION_NAMES, "iterations"];
  for (const key of Object.keys(values))
    if (!known.includes(key)) throw invalid(file, key, `one of ${known.join(", ")}`, "an unknown key");
  const { format, realm, profile, iterations } = values;
  if (typeof format === "number" && Number.isInteger(format) && format > FORMAT)
    throw new StoreError("version", `${file}: format ${format} is of a newer release; use that release`);
  if (format !== FORMAT) throw invalid(file, "format", String(FORMAT), shown(format));
  if (typeof realm !== "string" || !isRealm(realm))
    throw invalid(file, "realm", 'a name such as "EXAMPLE.TEST"', shown(realm));
  if (typeof profile !== "string" || !isProfileName(profile))
    throw invalid(file, "profile", '"textbook" or "standard"', shown(profile));
  if (iterations !== undefined && !isIterationCount(iterations))
    throw invalid(file, "iterations", ITERATION_RANGE, shown(iterations));
  const duration = (name: DurationName) => {
    const value = values[name];
    const parsed = typeof value === "string" ? durationOf(value) : undefined;
    const { min, max } = DURATIONS[name];
    if (parsed === undefined || parsed < min || parsed > max)
      throw invalid(
        file,
        name,
        `a duration from ${formatDuration(min)} to ${formatDuration(max)}`,
        shown(value),
      );
    return parsed;
  };
  return {
    realm,
    profile,
    maxLife: duration("maxLife"),
    maxRenewableLife: duration("maxRenewableLife"),
    clockSkew: duration("clockSkew"),
    ...(iterations === undefined ? {} : { iterations }),
  };
}

const ITERATION_RANGE = `a whole number from ${ITERATIONS.least} to ${ITERATIONS.most}`;

function parseObject(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StoreError("corrupt", `${file}: not JSON (${(error as Error).message})`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new StoreError("corrupt", `${file}: expected a JSON object`);
  return value as Record<string, unknown>;
}

function invalid(file: string, key: string, expected: string, got: string): StoreError {
  return new StoreError("corrupt", `${file}: "${key}": expected ${expected}, got ${got}`);
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 80);
}

function checkSettings(settings: RealmSettings): void {
  if (!isRealm(settings.realm)) throw new RangeError(`realm: not a realm name: ${shown(settings.realm)}`);
  if (!isProfileName(settings.profile)) throw new RangeError(`profile: unknown: ${shown(settings.profile)}`);
  if (settings.iterations !== undefined && !isIterationCount(settings.iterations))
    throw new RangeError(`iterations: expected ${ITERATION_RANGE}, got ${shown(settings.iterations)}`);
  for (const name of DURATION_NAMES) {
    const { min, max } = DURATIONS[name];
    if (!(settings[name] >= min && settings[name] <= max))
      throw new RangeError(
        `${name}: expected ${formatDuration(min)} to ${formatDuration(max)}, got ${settings[name]} ms`,
      );
  }
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
    if (code !== "ENOENT") throw error instanceof StoreError ? error : creationError(error, target);
  }
}

function creationError(error: unknown, target: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOTEMPTY" || code === "EEXIST")
    return new StoreError("exists", `${target}: was made by somebody else meanwhile`, { cause: error });
  if (code === "ENOENT")
    return new StoreError("missing", `${dirname(target)}: does not exist; make it first`, {
      hint: "check the path",
      cause: error,
    });
  if (code === "ENOSPC") return new StoreError("full", `${target}: no room on the disk`, { cause: error });
  if (code === "EACCES" || code === "EROFS" || code === "EPERM")
    return new StoreError("unavailable", `${target}: ${message}`, { cause: error });
  return error;
}
