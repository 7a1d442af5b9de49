/** What is weak about a profile, in words. */
import { type ProfileName, profile, weakEtypes } from "../protocol/profile.js";

/** The names of a profile's weak encryption types; empty where there are none. */
export function weakNames(name: ProfileName): string {
  return weakEtypes(profile(name).permitted)
    .map((etype) => etype.name)
    .join(", ");
}
