/**
 * Profiles: which encryption types a realm permits, and which keys it makes for new principals.
 */
import type { EncryptionType } from "../crypto/encryption-type.js";
import { ENCRYPTION_TYPES } from "../crypto/etypes.js";
import { etypeOf } from "./keys.js";

/** The name of a profile. */
export type ProfileName = keyof typeof PROFILES;

/** What a profile permits, strongest first, and the keys a new principal gets. */
export interface Profile {
  readonly name: ProfileName;
  readonly permitted: readonly number[];
  readonly keyEtypes: readonly number[];
}

/** All encryption types, strongest first: the order in which the KDC chooses. */
const STRONGEST_FIRST = [20, 19, 16, 3, -2, -1] as const;

/** The rows. `textbook` also permits the strong types, so that a realm can move principal by principal. */
export const PROFILES = {
  textbook: { name: "textbook", permitted: STRONGEST_FIRST, keyEtypes: [3] },
  standard: { name: "standard", permitted: [20, 19], keyEtypes: [20, 19] },
} as const satisfies Record<
  string,
  { name: string; permitted: readonly number[]; keyEtypes: readonly number[] }
>;

/** Whether `text` names a profile. */
export function isProfileName(text: string): text is ProfileName {
  return Object.hasOwn(PROFILES, text);
}

/** The profile of that name. */
export function profile(name: ProfileName): Profile {
  return PROFILES[name];
}

/** The weak encryption types a profile permits (RFC 6649, RFC 8429): they must not leave loopback unasked. */
export function weakEtypes(permitted: readonly number[]): readonly EncryptionType[] {
  return permitted.map(etypeOf).filter((etype) => etype.weak);
}

/** The strongest encryption type that every list has, or undefined. Order within the lists does not matter. */
export function strongestCommon(...lists: readonly (readonly number[])[]): EncryptionType | undefined {
  const etype = STRONGEST_FIRST.find((candidate) => lists.every((list) => list.includes(candidate)));
  return etype === undefined ? undefined : ENCRYPTION_TYPES.get(etype);
}

/** The encryption type of that IANA name or number, as a person types it, or undefined. */
export function etypeByName(text: string): EncryptionType | undefined {
  for (const row of ENCRYPTION_TYPES.values())
    if (row.name === text || String(row.etype) === text) return row;
  return undefined;
}
