/**
 * A realm's policy while its servers run: a profile set by `tessera realm set-profile` takes effect within a
 * second or two; other settings take effect at the next start.
 */
import { unwatchFile, watchFile } from "node:fs";
import type { RealmPolicy } from "../protocol/policy.js";
import { type ProfileName, profile } from "../protocol/profile.js";
import { openRealmDirectory, settingsFileOf } from "./realm-directory.js";

/** How often the settings file is checked for a change, in milliseconds. */
const INTERVAL_MS = 1_000;

/** What it takes to follow a realm. */
export interface LivePolicyOptions {
  /** The realm's folder. */
  readonly dir: string;
  /** The profile at the start. */
  readonly profile: ProfileName;
  /** The policy at the start. */
  readonly policy: RealmPolicy;
  /** Throws if the servers must not run with these encryption types; then the old profile stays. */
  readonly check: (permittedEtypes: readonly number[]) => void;
  /** Told of each change, and of each that was refused. */
  readonly onChange: (text: string, failed: boolean) => void;
}

/** The current policy of a realm's folder, followed until `close`. */
export class LivePolicy {
  readonly #options: LivePolicyOptions;
  readonly #file: string;
  readonly #look = () => void this.refresh();
  #profile: ProfileName;
  #current: RealmPolicy;

  constructor(options: LivePolicyOptions) {
    this.#options = options;
    this.#profile = options.profile;
    this.#current = options.policy;
    this.#file = settingsFileOf(options.dir);
    watchFile(this.#file, { interval: INTERVAL_MS, persistent: false }, this.#look);
  }

  /** The current policy; the same object until the profile changes. */
  get current(): RealmPolicy {
    return this.#current;
  }

  /**
   * Reads the settings file and takes over its profile. Does not throw; `onChange` hears of what goes wrong.
   */
  async refresh(): Promise<void> {
    const { dir, check, onChange } = this.#options;
    try {
      const { settings } = await openRealmDirectory(dir);
      if (settings.profile === this.#profile) return;
      const { permitted, keyEtypes } = profile(settings.profile);
      check(permitted);
      this.#profile = settings.profile;
      this.#current = { ...this.#current, permittedEtypes: permitted, keyEtypes };
      onChange(`profile ${settings.profile} from now on`, false);
    } catch (error) {
      onChange(`the profile stays ${this.#profile}: ${(error as Error).message}`, true);
    }
  }

  /** Stops following. */
  close(): void {
    unwatchFile(this.#file, this.#look);
  }
}
