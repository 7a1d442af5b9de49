/** Makes a realm: its settings, a master key, the keys of its TGS, and the service V with its keytab. */
import { randomBytes } from "node:crypto";
import { dirname, resolve } from "node:path";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { makeFolders } from "../files/make-folders.js";
import { randomKeyPrincipal } from "../protocol/new-principal.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { krbtgtOf, type Principal, principalInRealm } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { LoginAttempts } from "../store/attempts/login-attempts.js";
import { MasterKey } from "../store/master-key.js";
import { openMemoryStore } from "../store/memory-store.js";
import { createStore, openStore } from "../store/open-store.js";
import { PrincipalStore } from "../store/principal-store.js";
import { StoreError } from "../store/store-error.js";
import { writeKeytab } from "./keytab.js";
import { openUnchecked } from "./open-realm.js";
import { type Realm, realmOver } from "./realm.js";
import { createRealmDirectory, type RealmDirectory } from "./realm-directory.js";
import { checkSettings, DEFAULT_SETTINGS, type RealmSettings } from "./realm-settings.js";

/** The service that every realm starts with: V. */
export const FIRST_SERVICE = "v/localhost";

const POLICY_NAMES: OptionNames<RealmPolicy> = {
  realm: true,
  permittedEtypes: true,
  keyEtypes: true,
  maxLife: true,
  maxRenewableLife: true,
  clockSkew: true,
  iterations: true,
  attempts: true,
};

/**
 * Makes a realm in a folder. It appears complete or not at all.
 * @param dir must not exist, or must be empty; missing parent folders are made with mode 0700.
 * @param settings override those of `DEFAULT_SETTINGS`.
 * @param now milliseconds since the epoch.
 * @throws StoreError and RangeError as `createRealmDirectory`; PrivateFileError as `makeFolders`.
 */
export async function createRealm(
  dir: string,
  settings: Partial<RealmSettings>,
  now: number,
): Promise<RealmDirectory> {
  await makeFolders(dirname(resolve(dir)));
  const made: Principal[] = [];
  let store = "";
  try {
    return await createRealmDirectory(dir, { ...DEFAULT_SETTINGS, ...settings }, async (directory) => {
      store = directory.principals;
      await using realm = await openUnchecked(directory, createStore);
      await requireEmpty(realm);
      const { principal, keys } = await addFirstPrincipals(realm, now, (name) => made.push(name));
      await writeKeytab(directory.keytabFile, principal, keys, now);
    });
  } catch (error) {
    // What is in the folder is gone with it.
    if (settings.database !== undefined && made.length > 0) await takeBack(store, made);
    throw error;
  }
}

/** Two KDCs of a realm have one master key: whoever makes it anew has another. */
async function requireEmpty({ principals, settings }: Realm): Promise<void> {
  for await (const _ of principals.names())
    throw new StoreError("exists", `the database has the realm ${settings.realm} already`, {
      hint: "for another KDC of that realm, copy the folder of the first",
    });
}

/** Deletes what was added to a database before something failed. Does not throw: the failure itself tells. */
async function takeBack(store: string, made: readonly Principal[]): Promise<void> {
  try {
    // No record is opened, so any key will do.
    const principals = new PrincipalStore(await openStore(store), new MasterKey(randomBytes(32)));
    for (const principal of made) await principals.delete(principal);
    await principals.close();
  } catch {
    // The next attempt says that the realm is there already.
  }
}

/**
 * Makes a realm in memory, for tests and demonstrations: it ends with the process and has no keytab file.
 * @param settings override those of `DEFAULT_SETTINGS`.
 * @param limits override the policy that the settings make.
 * @param now milliseconds since the epoch.
 * @throws RangeError for settings out of range; TypeError for a setting or a limit that there is not.
 */
export async function createMemoryRealm(
  settings: Partial<RealmSettings>,
  limits: Partial<RealmPolicy>,
  now: number,
): Promise<Realm> {
  const whole = { ...DEFAULT_SETTINGS, ...settings };
  checkSettings(whole);
  checkOptionNames("policy", limits, POLICY_NAMES);
  const principals = new PrincipalStore(openMemoryStore(), new MasterKey(randomBytes(32)));
  const attempts = LoginAttempts.inMemory(randomBytes(32).toString("hex"));
  const realm = realmOver({ principals, attempts: async () => attempts }, whole, undefined, limits);
  await addFirstPrincipals(realm, now);
  return realm;
}

/** Adds the TGS and the first service, and returns the service's entry. */
async function addFirstPrincipals(
  { principals, policy }: Realm,
  now: number,
  onMade: (principal: Principal) => void = () => {},
): Promise<PrincipalEntry> {
  const tgs = krbtgtOf(policy.realm);
  await principals.create(randomKeyPrincipal(tgs, policy.keyEtypes, now));
  onMade(tgs);
  const service = principalInRealm(FIRST_SERVICE, policy.realm);
  const entry = randomKeyPrincipal(service, policy.keyEtypes, now);
  await principals.create(entry);
  onMade(service);
  return entry;
}
