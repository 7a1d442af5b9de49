/** The realm's folder as the commands use it: made, opened, and what its settings come to. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { randomKeyPrincipal } from "../protocol/new-principal.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { krbtgtOf, principalInRealm } from "../protocol/principal.js";
import { profile } from "../protocol/profile.js";
import {
  createRealmDirectory,
  openPrincipals,
  openRealmDirectory,
  type RealmDirectory,
  type RealmSettings,
} from "../realm/realm-directory.js";
import type { PrincipalStore } from "../store/principal-store.js";
import { StoreError } from "../store/store-error.js";
import type { OptionSpecs } from "./command.js";
import { realmDir } from "./environment.js";
import { writeKeytab } from "./keytab.js";

/** The realm of whoever says nothing else. */
export const DEFAULT_REALM = "EXAMPLE.TEST";

/** The option of every command that works on a realm's folder. */
export const REALM_OPTIONS = {
  dir: { value: "DIR", help: "the realm's folder; TESSERA_REALM_DIR" },
} as const satisfies OptionSpecs;

/** The settings of a realm that says nothing else. */
export const DEFAULT_SETTINGS: RealmSettings = {
  realm: DEFAULT_REALM,
  profile: "textbook",
  maxLife: 10 * 3_600_000,
  maxRenewableLife: 7 * 86_400_000,
  clockSkew: 5 * 60_000,
};

/** The service every realm begins with. */
export const FIRST_SERVICE = "v/localhost";

/** Makes a realm: folder, master key, the TGS's keys, and the service v/localhost with its keytab. */
export async function createRealm(
  dir: string,
  settings: RealmSettings,
  now: number,
): Promise<RealmDirectory> {
  await mkdir(dirname(dir), { recursive: true, mode: 0o700 });
  return createRealmDirectory(dir, settings, async (made) => {
    const principals = await openPrincipals(made);
    try {
      const { keyEtypes } = profile(settings.profile);
      const service = principalInRealm(FIRST_SERVICE, settings.realm);
      for (const principal of [krbtgtOf(settings.realm), service]) {
        const entry = randomKeyPrincipal(principal, keyEtypes, now);
        await principals.create(entry);
        if (principal === service) await writeKeytab(made.keytabFile, principal, entry.keys, now);
      }
    } finally {
      await principals.close();
    }
  });
}

/** Opens the realm's folder. Throws StoreError as `openRealmDirectory`. */
export function openRealm(dir: string | undefined): Promise<RealmDirectory> {
  return openRealmDirectory(realmDir(dir));
}

/** Works on the realm's principals and closes them. */
export async function withPrincipals<T>(
  dir: string | undefined,
  work: (principals: PrincipalStore, realm: RealmDirectory) => Promise<T>,
): Promise<T> {
  const realm = await openRealm(dir);
  const principals = await openPrincipals(realm);
  try {
    // Every realm has its TGS: without it the database was emptied, under another master key it does not open.
    const tgs = krbtgtOf(realm.settings.realm);
    if ((await principals.get(tgs)) === undefined)
      throw new StoreError(
        "corrupt",
        `${realm.dir}: the database has no ${tgs}; it was emptied: restore a backup`,
      );
    return await work(principals, realm);
  } finally {
    await principals.close();
  }
}

/** What the settings of a realm permit. */
export function policyOf(settings: RealmSettings): RealmPolicy {
  const { realm, maxLife, maxRenewableLife, clockSkew, iterations } = settings;
  const { permitted, keyEtypes } = profile(settings.profile);
  return { realm, permittedEtypes: permitted, keyEtypes, maxLife, maxRenewableLife, clockSkew, iterations };
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
