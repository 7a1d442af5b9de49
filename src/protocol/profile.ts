/** Profiles: which encryption types a realm permits, and which keys it makes for new principals. */
import type { ProfileName, ProfileUse } from "../crypto/encryption-type.js";
import { ENCRYPTION_TYPES } from "../crypto/etypes.js";

export type { ProfileName };

/**
 * A profile: the encryption types it permits, and those of a new principal's keys, by their numbers,
 * strongest first.
 */
export interface Profile {
  readonly name: ProfileName;
  readonly permitted: readonly number[];
  readonly keyEtypes: readonly number[];
}

/**
 * The profiles. `textbook` permits the strong types too, so that a realm can move to `standard` principal by
 * principal.
 */
export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  textbook: makeProfile("textbook"),
  standard: makeProfile("standard"),
};

function makeProfile(name: ProfileName): Profile {
  const used = (...uses: readonly ProfileUse[]) =>
    [...ENCRYPTION_TYPES.values()]
      .filter(({ profiles }) => uses.includes(profiles[name]))
      .map(({ etype }) => etype);
  return { name, permitted: used("permitted", "new-keys"), keyEtypes: used("new-keys") };
}

/** Whether `text` names a profile. */
export function isProfileName(text: string): text is ProfileName {
  return Object.hasOwn(PROFILES, text);
}

/** The profile of that name. */
export function profile(name: ProfileName): Profile {
  return PROFILES[name];
}
