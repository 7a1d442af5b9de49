/**
 * A realm's policy while its servers run: `tessera realm set-profile` reaches them within a second or two. Other settings
 * wait for the next start.
 */
import { unwatchFile, watchFile } from "node:fs";
import type { RealmPolicy } from "../protocol/policy.js";
import { type ProfileName, profile } from "../protocol/profile.js";
import { openRealmDirectory, settingsFileOf } from "./realm-directory.js";

/** How often the realm's file is looked at, in milliseconds. */
const INTERVAL_MS = 1_000;

/** What following a realm needs. */
export interface LivePolicyOptions {
  /** The realm's folder. */
  readonly dir: string;
  /** The profile at the start. */
  readonly profile: ProfileName;
  /** The policy at the start. */
  readonly policy: RealmPolicy;
  /** Throws where the servers may not run under these encryption types; the old profile stays then. */
  readonly check: (permittedEtypes: readonly number[]) => void;
  /** Told of each change, and of each that was not taken. */
  readonly onChange: (text: string, failed: boolean) => void;
}

/** The policy now; `close` ends the looking. */
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

  /** The policy that holds now. The object stays the same until the profile changes. */
  get current(): RealmPolicy {
    return this.#current;
  }

  /** Reads the realm's file and takes its profile. Never throws: what can't be taken is told. */
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

  /** Ends the looking. */
  close(): void {
    unwatchFile(this.#file, this.#look);
  }
}
