/** Opens the realm in a folder. */
import { krbtgtOf } from "../protocol/principal.js";
import { LoginAttempts } from "../store/attempts/login-attempts.js";
import { MasterKeys } from "../store/master-keys.js";
import { openStore } from "../store/open-store.js";
import { PrincipalStore } from "../store/principal-store.js";
import { StoreError } from "../store/store-error.js";
import { type Realm, realmOver } from "./realm.js";
import { openRealmDirectory, type RealmDirectory } from "./realm-directory.js";

/**
 * Opens the realm in a folder; the caller closes it.
 * @throws StoreError as `openRealmDirectory`, and `corrupt` if the database lacks the realm's TGS; otherwise
 *   as `openUnchecked`.
 */
export async function openRealm(from: string | RealmDirectory): Promise<Realm> {
  const directory = typeof from === "string" ? await openRealmDirectory(from) : from;
  const realm = await openUnchecked(directory);
  try {
    // Every realm has its TGS. A database without it was emptied: under another master key it would not even
    // open.
    const tgs = krbtgtOf(directory.settings.realm);
    if ((await realm.principals.get(tgs)) !== undefined) return realm;
    const source = await realm.principals.filledFrom();
    if (source !== undefined)
      throw new StoreError("corrupt", `${directory.dir}: the database is only half filled (${source})`, {
        hint: "finish that first: run `tessera realm load` or `realm copy` again",
      });
    throw new StoreError(
      "corrupt",
      `${directory.dir}: the database has no ${tgs}; it was emptied: restore a backup`,
    );
  } catch (error) {
    await realm.close();
    throw error;
  }
}

/**
 * Opens a realm without checking that its TGS is there: to fill a new one, or to examine a damaged one.
 * @param open opens the store of its principals.
 * @throws PrivateFileError and StoreError as `loadMasterKeys` and `openStore`.
 */
export async function openUnchecked(directory: RealmDirectory, open = openStore): Promise<Realm> {
  const masterKeys = await MasterKeys.open(directory.masterKeyFile);
  const principals = new PrincipalStore(await open(directory.principals), masterKeys);
  const attempts = () => LoginAttempts.open(directory.attemptsFile);
  return realmOver({ principals, attempts }, directory.settings, directory);
}
