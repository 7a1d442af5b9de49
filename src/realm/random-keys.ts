/** New random keys for a principal: made first and written when their keytab has them. */
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import type { LongTermKey } from "../protocol/keys.js";
import { withRandomKeys } from "../protocol/new-principal.js";
import { keyRetention } from "../protocol/policy.js";
import { currentKeys, currentKvno, type PrincipalEntry } from "../protocol/principal-entry.js";
import { changedMeanwhile, newKeyEtypes } from "./principal-keys.js";
import { existingPrincipal } from "./principals.js";
import type { Realm } from "./realm.js";
import { RealmError } from "./realm-error.js";

/** New keys that are not in the database yet. */
export interface PreparedKeys {
  /** The entry as it will be. */
  readonly entry: PrincipalEntry;
  /**
   * Writes the keys.
   * @returns the entry that was written; other changes made to the principal in the meantime stay.
   * @throws RealmError `changed` if it was given other keys in the meantime; then nothing was changed.
   */
  write(): Promise<PrincipalEntry>;
  /** Whether the database has these keys. */
  isWritten(): Promise<boolean>;
}

/** How often new keys are made if somebody else's come first. */
const MAX_TRIES = 5;

/** What changes along with new random keys. */
export interface RandomKeyChoice {
  /** Lets a principal that has a password lose it. */
  readonly endPassword?: boolean | undefined;
  /** Refuses the TGTs that were issued for the old keys. */
  readonly endTgts?: boolean | undefined;
}

/** The names of those. */
export const RANDOM_KEY_NAMES: OptionNames<RandomKeyChoice> = { endPassword: true, endTgts: true };

/**
 * Gives a principal random keys of a new version. The versions replaced open tickets until the longest ticket
 * under them has ended, then nothing. Keys made from a password end at once.
 * @param etypes as `newKeyEtypes` takes them.
 * @param now milliseconds since the epoch.
 * @returns the entry that was written.
 * @throws RealmError as `existingPrincipal` and `newKeyEtypes`; `password-keyed` where a password would end
 *   unasked.
 */
export async function changeToRandomKeys(
  realm: Realm,
  name: string,
  etypes: readonly number[],
  now: number,
  choice: RandomKeyChoice = {},
): Promise<PrincipalEntry> {
  checkOptionNames("changeToRandomKeys", choice, RANDOM_KEY_NAMES);
  return withRandomKeysPrepared(realm, name, etypes, now, ({ write }) => write(), choice);
}

/**
 * Makes keys as `changeToRandomKeys` does, and leaves it to `use` to write them; made anew if the principal
 * was given other keys in the meantime.
 * @throws as `changeToRandomKeys`; RealmError `changed` if somebody else was faster five times; as `use`.
 */
export async function withRandomKeysPrepared<T>(
  realm: Realm,
  name: string,
  etypes: readonly number[],
  now: number,
  use: (prepared: PreparedKeys) => Promise<T>,
  choice: RandomKeyChoice = {},
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await use(await prepareRandomKeys(realm, name, etypes, now, choice));
    } catch (error) {
      const again = error instanceof RealmError && error.reason === "changed" && tries < MAX_TRIES;
      if (!again) throw error;
    }
  }
}

async function prepareRandomKeys(
  realm: Realm,
  name: string,
  etypes: readonly number[],
  now: number,
  choice: RandomKeyChoice,
): Promise<PreparedKeys> {
  const old = await existingPrincipal(realm, name);
  if (!choice.endPassword) requireRandomKeys(old);
  const chosen = newKeyEtypes(realm, etypes, old);
  const retention = keyRetention(realm.policy);
  const changed = { ...withRandomKeys(old, chosen, now, retention), passwordExpiresAt: undefined };
  const entry = choice.endTgts ? { ...changed, tgtsFrom: now } : changed;
  const fields = Object.keys(entry) as (keyof PrincipalEntry)[];
  const changes = Object.fromEntries(
    fields.filter((field) => entry[field] !== old[field]).map((field) => [field, entry[field]]),
  );
  return {
    entry,
    write: () =>
      realm.principals.change(old.principal, (latest) => {
        if (currentKvno(latest) !== currentKvno(old) || latest.keysChangedAt !== old.keysChangedAt)
          throw changedMeanwhile(old.principal);
        return { ...latest, ...changes };
      }),
    isWritten: async () => {
      const [made, held] = [currentKeys(entry), currentKeys(await existingPrincipal(realm, name))];
      return made.length === held.length && made.every((key, i) => sameKey(key, held[i]!));
    },
  };
}

function sameKey(a: LongTermKey, b: LongTermKey): boolean {
  return a.kvno === b.kvno && a.key.equals(b.key);
}

/**
 * Makes sure that random keys end no password.
 * @throws RealmError `password-keyed`.
 */
export function requireRandomKeys({ principal, passwordKeyed }: PrincipalEntry): void {
  if (!passwordKeyed) return;
  throw new RealmError(
    "password-keyed",
    `${principal} has a password: it is a person's, and random keys would end it`,
    "a service needs a principal of its own: tessera kadmin addprinc -randkey NAME",
  );
}
