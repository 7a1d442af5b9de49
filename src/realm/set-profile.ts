/** Moves a realm to another profile. */
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { currentKeys } from "../protocol/principal-entry.js";
import { type ProfileName, profile } from "../protocol/profile.js";
import { listPrincipals } from "./principals.js";
import type { Realm } from "./realm.js";
import { writeProfile } from "./realm-directory.js";

/** The outcome of a change of profile. */
export interface ProfileChange {
  readonly from: ProfileName;
  readonly to: ProfileName;
  /**
   * Principals without a key that the new profile permits: they can't log in or be served until they have
   * one.
   */
  readonly lacking: readonly PrincipalEntry[];
}

/**
 * Moves a realm to another profile. Servers that run take it up within seconds; the open `realm` itself does
 * not change.
 * @throws TypeError for a realm in memory; StoreError and PrivateFileError as `writeProfile`.
 */
export async function setProfile(realm: Realm, to: ProfileName): Promise<ProfileChange> {
  if (realm.directory === undefined)
    throw new TypeError("realm: expected one with a folder, got one in memory");
  const { permitted } = profile(to);
  const lacking: PrincipalEntry[] = [];
  for await (const entry of listPrincipals(realm))
    if (!currentKeys(entry).some(({ key }) => permitted.includes(key.etype.etype))) lacking.push(entry);
  await writeProfile(realm.directory, to);
  return { from: realm.settings.profile, to, lacking };
}
