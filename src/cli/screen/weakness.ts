/** What is weak about a profile, and about a keytab under it, in words. */
import { etypeName, weakEtypes } from "../../protocol/etypes.js";
import { type ProfileName, profile } from "../../protocol/profile.js";
import type { ServiceKeys } from "../../protocol/ticket.js";

/** The names of a profile's weak encryption types; empty where there are none. */
export function weakNames(name: ProfileName): string {
  return weakEtypes(profile(name).permitted)
    .map((etype) => etype.name)
    .join(", ");
}

/** What is said of a keytab none of whose keys the profile permits; undefined where it permits one. */
export function uselessKeytab(
  path: string,
  { principal, keys }: ServiceKeys,
  name: ProfileName,
): string | undefined {
  const { permitted, keyEtypes } = profile(name);
  const held = [...new Set(keys.map(({ key }) => key.etype.etype))];
  if (held.some((etype) => permitted.includes(etype))) return undefined;
  return (
    `${path} holds only ${held.map(etypeName).join(", ")}, which the profile ${name} does not permit: V refuses every ` +
    `ticket\nmake keys that it permits: tessera kadmin ktadd -k ${path} -e ${keyEtypes.map(etypeName).join(",")} ${principal}`
  );
}
