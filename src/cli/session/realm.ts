/** The realm in a folder, opened for one command; and the realm of names that are typed without one. */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { visible } from "../../errors/visible-text.js";
import { isRealm } from "../../protocol/principal.js";
import { openRealm } from "../../realm/open-realm.js";
import type { Realm } from "../../realm/realm.js";
import { openRealmDirectory, type RealmDirectory } from "../../realm/realm-directory.js";
import { DEFAULT_REALM, type RealmSettings } from "../../realm/realm-settings.js";
import { StoreError } from "../../store/store-error.js";
import { CommandError, type CommandSurroundings, UsageError } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import type { Environment } from "../frame/surroundings.js";

/**
 * Opens the realm in a folder for one command, and closes it; a command of a batch uses the batch's realm.
 * @param given the folder as it was typed; undefined: the one that the environment names.
 * @throws as `openRealm`.
 */
export async function withRealm<T>(
  { env, openedRealm }: Pick<CommandSurroundings, "env" | "openedRealm">,
  given: string | undefined,
  work: (realm: Realm, directory: RealmDirectory) => Promise<T>,
): Promise<T> {
  const dir = realmDir(env, given);
  if (openedRealm !== undefined && resolve(openedRealm.directory.dir) === resolve(dir))
    return work(openedRealm.realm, openedRealm.directory);
  const directory = await openRealmDirectory(dir);
  await using realm = await openRealm(directory);
  return await work(realm, directory);
}

/**
 * The realm of names that are typed without one: that of `TESSERA_REALM`, or of the realm's folder, if this
 * machine has one. Throws UsageError for a name that is none.
 */
export async function defaultRealm(env: Environment, home = homedir): Promise<string> {
  const named = env.TESSERA_REALM;
  if (named === undefined || named === "") return (await realmSettings(env, home))?.realm ?? DEFAULT_REALM;
  if (!isRealm(named)) throw new UsageError(`TESSERA_REALM: no name of a realm: ${visible(named)}`);
  return named;
}

/**
 * The settings of the realm whose folder is on this machine; undefined: there is none that is ours to read.
 * @throws StoreError `corrupt` or `version` for settings that say nothing: what was meant must not be
 *   guessed.
 */
export async function realmSettings(env: Environment, home = homedir): Promise<RealmSettings | undefined> {
  try {
    return (await openRealmDirectory(realmDir(env, undefined, home))).settings;
  } catch (error) {
    // No realm there, one of somebody else's, or no home to look in: nothing needs any of them.
    const isBroken = error instanceof StoreError && ["corrupt", "version"].includes(error.code);
    if (!isBroken && (error instanceof StoreError || error instanceof CommandError)) return undefined;
    throw error;
  }
}
