/**
 * A realm's policy while its servers run: a change of its settings file takes effect within a second or two.
 * The realm's name, the clock skew and the database wait for the next start, because tickets, the memory of
 * authenticators and what is open go by them.
 */
import { unwatchFile, watchFile } from "node:fs";
import type { AttemptLimits } from "../protocol/attempt-limits.js";
import { formatDuration } from "../protocol/duration.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { profile } from "../protocol/profile.js";
import { shownPostgresName } from "../store/postgres/place.js";
import { openRealmDirectory, settingsFileOf } from "./realm-directory.js";
import { attemptLimitsOf, attemptLimitTexts, type RealmSettings } from "./realm-settings.js";

/** How often the settings file is checked for a change, in milliseconds. */
const INTERVAL_MS = 1_000;

/** What it takes to follow a realm. */
export interface LivePolicyOptions {
  /** The realm's folder. */
  readonly dir: string;
  /** The settings at the start. */
  readonly settings: RealmSettings;
  /** The policy at the start. */
  readonly policy: RealmPolicy;
  /** Throws if the servers must not run with these encryption types; then the old profile stays. */
  readonly check: (permittedEtypes: readonly number[]) => void;
  /** Told of each change, and of each that is not made. */
  readonly onChange: (text: string, failed: boolean) => void;
}

/** Settings that change while servers run, and that the policy has under the same name. */
const LIMITS = ["maxLife", "maxRenewableLife", "iterations"] as const;
/** Settings that don't. */
const FIXED = ["realm", "clockSkew", "database"] as const;

/** The current policy of a realm's folder, followed until `close`. */
export class LivePolicy {
  readonly #options: LivePolicyOptions;
  readonly #file: string;
  readonly #look = () => void this.refresh();
  readonly #secondLook: NodeJS.Timeout;
  /** The settings that are in effect. */
  #settings: RealmSettings;
  #current: RealmPolicy;

  constructor(options: LivePolicyOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#current = options.policy;
    this.#file = settingsFileOf(options.dir);
    watchFile(this.#file, { interval: INTERVAL_MS, persistent: false }, this.#look);
    // What changes before the watching has seen the file for the first time is not told of.
    this.#secondLook = setTimeout(this.#look, 2 * INTERVAL_MS).unref();
  }

  /** The current policy; the same object until a setting changes. */
  get current(): RealmPolicy {
    return this.#current;
  }

  /**
   * Reads the settings file and takes over what can change. Does not throw; `onChange` hears of what goes
   * wrong.
   */
  readonly refresh = async (): Promise<void> => {
    const { dir, onChange } = this.#options;
    try {
      const { settings } = await openRealmDirectory(dir);
      this.#takeProfile(settings);
      this.#takeLimits(settings);
      this.#takeAttempts(settings);
      for (const name of FIXED)
        if (settings[name] !== this.#settings[name])
          onChange(`${name} stays ${shown(this.#settings, name)} until the next start`, true);
    } catch (error) {
      onChange(`the settings stay as they are: ${(error as Error).message}`, true);
    }
  };

  #takeProfile({ profile: name }: RealmSettings): void {
    const { check, onChange } = this.#options;
    if (name === this.#settings.profile) return;
    const { permitted, keyEtypes } = profile(name);
    try {
      check(permitted);
    } catch (error) {
      onChange(`the profile stays ${this.#settings.profile}: ${(error as Error).message}`, true);
      return;
    }
    this.#settings = { ...this.#settings, profile: name };
    this.#current = { ...this.#current, permittedEtypes: permitted, keyEtypes };
    onChange(`profile ${name} from now on`, false);
  }

  #takeLimits(settings: RealmSettings): void {
    for (const name of LIMITS) {
      if (settings[name] === this.#settings[name]) continue;
      this.#settings = { ...this.#settings, [name]: settings[name] };
      this.#current = { ...this.#current, [name]: settings[name] };
      this.#options.onChange(`${name} ${shown(settings, name)} from now on`, false);
    }
  }

  #takeAttempts(settings: RealmSettings): void {
    const attempts = attemptLimitsOf(settings);
    const text = limitsText(attempts);
    if (text === limitsText(attemptLimitsOf(this.#settings))) return;
    this.#settings = { ...this.#settings, attempts: settings.attempts };
    this.#current = { ...this.#current, attempts };
    this.#options.onChange(`attempts ${text} from now on`, false);
  }

  /** Stops following. */
  close(): void {
    clearTimeout(this.#secondLook);
    unwatchFile(this.#file, this.#look);
  }
}

function limitsText(limits: AttemptLimits): string {
  return Object.entries(attemptLimitTexts(limits))
    .map(([name, text]) => `${name} ${text}`)
    .join(", ");
}

function shown(settings: RealmSettings, name: (typeof LIMITS)[number] | (typeof FIXED)[number]): string {
  if (name === "realm") return settings.realm;
  if (name === "database")
    return settings.database === undefined ? "the folder's" : shownPostgresName(settings.database);
  if (name === "iterations")
    return settings.iterations === undefined ? "by default" : String(settings.iterations);
  return formatDuration(settings[name]);
}
