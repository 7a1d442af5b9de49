/** What is weak about a profile, and what is wrong with a keytab under it, in words. */
import { etypeName, weakEtypes } from "../../protocol/etypes.js";
import { type ProfileName, profile } from "../../protocol/profile.js";
import type { ServiceKeys } from "../../protocol/ticket.js";

/** The names of a profile's weak encryption types; empty if it has none. */
export function weakNames(name: ProfileName): string {
  return weakEtypes(profile(name).permitted)
    .map((etype) => etype.name)
    .join(", ");
}

/** What is said of a keytab if the profile permits none of its keys; undefined if it permits one. */
export function uselessKeytab(
  path: string,
  { principal, keys }: ServiceKeys,
  name: ProfileName,
): string | undefined {
  const { permitted, keyEtypes } = profile(name);
  const held = [...new Set(keys.map(({ key }) => key.etype.etype))];
  if (held.some((etype) => permitted.includes(etype))) return undefined;
  const command = `tessera kadmin ktadd -k ${path} -e ${keyEtypes.map(etypeName).join(",")} ${principal}`;
  return (
    `${path} holds only ${held.map(etypeName).join(", ")}, which the profile ${name} does not permit: ` +
    `V refuses every ticket\nmake keys that it permits: ${command}`
  );
}
