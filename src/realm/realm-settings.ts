/**
 * The settings of a realm: their ranges, their text in `realm.json`, and the policy that follows from them.
 */
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import {
  ATTEMPT_LIMIT_FORM,
  ATTEMPT_LIMIT_NAMES,
  type AttemptLimits,
  DEFAULT_ATTEMPT_LIMITS,
  formatAttemptLimit,
  isAttemptLimit,
  parseAttemptLimit,
} from "../protocol/attempt-limits.js";
import { formatDuration, parseDuration } from "../protocol/duration.js";
import { ITERATIONS, isIterationCount } from "../protocol/etypes.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { isRealm } from "../protocol/principal.js";
import { isProfileName, type ProfileName, profile } from "../protocol/profile.js";
import { postgresNameOf } from "../store/postgres/place.js";
import { StoreError } from "../store/store-error.js";

/** The settings of a realm. Durations are in milliseconds. */
export interface RealmSettings {
  readonly realm: string;
  readonly profile: ProfileName;
  /** The longest life of a ticket. */
  readonly maxLife: number;
  /** The longest a ticket can be renewed for; 0: tickets are not renewable. */
  readonly maxRenewableLife: number;
  /** How far a client's clock may be off, either way. */
  readonly clockSkew: number;
  /** PBKDF2 iterations for keys made from passwords from now on; RFC 8009's default if absent. */
  readonly iterations?: number | undefined;
  /** How many failed logins the AS takes before it makes whoever tries wait; the defaults where absent. */
  readonly attempts?: Partial<AttemptLimits> | undefined;
  /**
   * Where the principals are, `postgres://…` without `realm`, as `openStore` takes it; in the folder if
   * absent.
   */
  readonly database?: string | undefined;
}

/** The name of a realm unless another is given. */
export const DEFAULT_REALM = "EXAMPLE.TEST";

/**
 * Settings for whatever is not given: tickets for ten hours, renewable for a week, five minutes of clock
 * skew.
 */
export const DEFAULT_SETTINGS: RealmSettings = Object.freeze({
  realm: DEFAULT_REALM,
  profile: "textbook",
  maxLife: 10 * 3_600_000,
  maxRenewableLife: 7 * 86_400_000,
  clockSkew: 5 * 60_000,
});

/** The names of all settings. */
export const SETTING_NAMES: OptionNames<RealmSettings> = {
  realm: true,
  profile: true,
  maxLife: true,
  maxRenewableLife: true,
  clockSkew: true,
  iterations: true,
  attempts: true,
  database: true,
};

const ATTEMPT_LIMITS: OptionNames<AttemptLimits> = { nameAndPeer: true, name: true, peer: true };

const FORMAT = 1;
const YEAR = 366 * 86_400_000;

const DURATIONS = {
  maxLife: { min: 1000, max: 10 * YEAR },
  maxRenewableLife: { min: 0, max: 10 * YEAR },
  clockSkew: { min: 1000, max: 3_600_000 },
} as const;
type DurationName = keyof typeof DURATIONS;
const DURATION_NAMES = Object.keys(DURATIONS) as DurationName[];
const ITERATION_RANGE = `a whole number from ${ITERATIONS.least} to ${ITERATIONS.most}`;

/** The policy that a realm's settings make. */
export function policyOf(settings: RealmSettings): RealmPolicy {
  const { realm, maxLife, maxRenewableLife, clockSkew, iterations } = settings;
  const { permitted, keyEtypes } = profile(settings.profile);
  const attempts = attemptLimitsOf(settings);
  return {
    realm,
    permittedEtypes: permitted,
    keyEtypes,
    maxLife,
    maxRenewableLife,
    clockSkew,
    iterations,
    attempts,
  };
}

/** The limits of failed logins that the settings make. */
export function attemptLimitsOf({ attempts }: Pick<RealmSettings, "attempts">): AttemptLimits {
  return { ...DEFAULT_ATTEMPT_LIMITS, ...attempts };
}

/** Those limits as `realm.json` has them, and as people are shown them. */
export function attemptLimitTexts(limits: Partial<AttemptLimits>): Record<string, string> {
  return Object.fromEntries(
    ATTEMPT_LIMIT_NAMES.flatMap((name) => (limits[name] ? [[name, formatAttemptLimit(limits[name])]] : [])),
  );
}

/**
 * Checks settings that a program made. Throws TypeError naming one that is unknown, RangeError one that is
 * out of range.
 */
export function checkSettings(settings: RealmSettings): void {
  checkOptionNames("settings", settings, SETTING_NAMES);
  if (!isRealm(settings.realm)) throw new RangeError(`realm: not a realm name: ${shown(settings.realm)}`);
  if (!isProfileName(settings.profile)) throw new RangeError(`profile: unknown: ${shown(settings.profile)}`);
  if (settings.iterations !== undefined && !isIterationCount(settings.iterations))
    throw new RangeError(`iterations: expected ${ITERATION_RANGE}, got ${shown(settings.iterations)}`);
  if (settings.database !== undefined) postgresNameOf(settings.database, settings.realm);
  const { attempts = {} } = settings;
  checkOptionNames("attempts", attempts, ATTEMPT_LIMITS);
  for (const name of ATTEMPT_LIMIT_NAMES) {
    const limit = attempts[name];
    if (limit !== undefined && !isAttemptLimit(limit))
      throw new RangeError(`attempts.${name}: expected ${ATTEMPT_LIMIT_FORM}, got ${shown(limit)}`);
  }
  for (const name of DURATION_NAMES) {
    const { min, max } = DURATIONS[name];
    if (!(settings[name] >= min && settings[name] <= max))
      throw new RangeError(
        `${name}: expected ${formatDuration(min)} to ${formatDuration(max)}, got ${settings[name]} ms`,
      );
  }
}

/** The text of `realm.json`. */
export function formatSettings(settings: RealmSettings): string {
  const { realm, profile, iterations, attempts: limits, database, ...durations } = settings;
  const attempts = limits && attemptLimitTexts(limits);
  const readable = Object.fromEntries(DURATION_NAMES.map((name) => [name, formatDuration(durations[name])]));
  const values = { format: FORMAT, realm, profile, ...readable, iterations, attempts, database };
  return `${JSON.stringify(values, undefined, 2)}\n`;
}

/**
 * Reads the text of `realm.json`.
 * @param file its path, for the error.
 * @throws StoreError `corrupt`, naming the file and the key; `version` for a file written by a newer release.
 */
export function parseSettings(text: string, file: string): RealmSettings {
  const values = parseObject(text, file);
  const known = ["format", "realm", "profile", ...DURATION_NAMES, "iterations", "attempts", "database"];
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
    ...(values.attempts === undefined ? {} : { attempts: parseAttempts(values.attempts, file) }),
    ...(values.database === undefined ? {} : { database: parseDatabase(values.database, realm, file) }),
  };
}

/** It may hold a password, which no message shows. */
function parseDatabase(value: unknown, realm: string, file: string): string {
  try {
    if (typeof value !== "string") throw new RangeError("expected text");
    postgresNameOf(value, realm);
    return value;
  } catch (error) {
    throw new StoreError("corrupt", `${file}: "database": ${(error as Error).message}`, { cause: error });
  }
}

function parseAttempts(value: unknown, file: string): Partial<AttemptLimits> {
  const names: readonly string[] = ATTEMPT_LIMIT_NAMES;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(file, "attempts", `an object of ${names.join(", ")}`, shown(value));
  const limits = Object.entries(value).map(([name, text]) => {
    if (!names.includes(name))
      throw invalid(file, `attempts.${name}`, `one of ${names.join(", ")}`, "an unknown key");
    const limit = typeof text === "string" ? parseAttemptLimit(text) : undefined;
    if (limit === undefined) throw invalid(file, `attempts.${name}`, ATTEMPT_LIMIT_FORM, shown(text));
    return [name, limit];
  });
  return Object.fromEntries(limits);
}

function durationOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined; // its RangeError knows neither file nor key; the caller names both
  }
}

/**
 * Reads a JSON object.
 * @throws StoreError `corrupt`, naming the file.
 */
export function parseObject(text: string, file: string): Record<string, unknown> {
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
