/** The realm's folder as the commands use it: its option, opened for one command, and the realm of names typed without one. */
import { openRealm } from "../../realm/open-realm.js";
import type { Realm } from "../../realm/realm.js";
import { openRealmDirectory, type RealmDirectory } from "../../realm/realm-directory.js";
import { DEFAULT_REALM } from "../../realm/realm-settings.js";
import { StoreError } from "../../store/store-error.js";
import type { OptionSpecs } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";

/** The option of every command that works on a realm's folder. */
export const REALM_OPTIONS = {
  dir: { value: "DIR", help: "the realm's folder; TESSERA_REALM_DIR" },
} as const satisfies OptionSpecs;

/** Opens the realm of the folder for one command, and closes it. Throws as `openRealm`. */
export async function withRealm<T>(
  dir: string | undefined,
  work: (realm: Realm, directory: RealmDirectory) => Promise<T>,
): Promise<T> {
  const directory = await openRealmDirectory(realmDir(dir));
  await using realm = await openRealm(directory);
  return await work(realm, directory);
}

/** The realm of names typed without one: that of the realm's folder, if there is one on this machine. */
export async function defaultRealm(): Promise<string> {
  try {
    return (await openRealmDirectory(realmDir())).settings.realm;
  } catch (error) {
    if (error instanceof StoreError) return DEFAULT_REALM;
    throw error;
  }
}
