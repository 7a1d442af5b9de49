/**
 * The table of encryption types, as the protocol asks it: by number, by name, or for the strongest in common.
 */
import type { EncryptionType } from "../crypto/encryption-type.js";
import { ENCRYPTION_TYPES, encryptionType } from "../crypto/etypes.js";
import { KrbError } from "./krb-error.js";

export type { EncryptionType };

/** The row of an encryption type number, or undefined if this project does not have it. */
export function knownEtype(etype: number): EncryptionType | undefined {
  return encryptionType(etype);
}

/**
 * The row of an encryption type number.
 * @throws KrbError KDC_ERR_ETYPE_NOSUPP for a number this project does not have.
 */
export function etypeOf(etype: number): EncryptionType {
  const row = encryptionType(etype);
  if (row === undefined)
    throw new KrbError("KDC_ERR_ETYPE_NOSUPP", `encryption type ${etype} is not supported`, {
      etype: String(etype),
    });
  return row;
}

/** The name of an encryption type number, or `etype 17` if this project does not have it. */
export function etypeName(etype: number): string {
  return knownEtype(etype)?.name ?? `etype ${etype}`;
}

/** An encryption type for a person who may have to name it: `des-cbc-md5 (3)`. */
export function etypeText(etype: number): string {
  const row = knownEtype(etype);
  return row === undefined ? `type ${etype}` : `${row.name} (${etype})`;
}

/** The encryption type that a person means by an IANA name, a short name or a number; undefined: none. */
export function etypeByName(text: string): EncryptionType | undefined {
  for (const row of ENCRYPTION_TYPES.values())
    if (row.name === text || row.alias === text || String(row.etype) === text) return row;
  return undefined;
}

/**
 * The encryption types that notice when what they sealed was changed, strongest first: all but the lessons in
 * ECB.
 */
export function etypesWithIntegrity(): EncryptionType[] {
  return [...ENCRYPTION_TYPES.values()].filter(({ integrity }) => integrity);
}

/**
 * The strongest encryption type that is in every list, or undefined. The order within the lists does not
 * matter.
 */
export function strongestCommon(...lists: readonly (readonly number[])[]): EncryptionType | undefined {
  for (const row of ENCRYPTION_TYPES.values())
    if (lists.every((list) => list.includes(row.etype))) return row;
  return undefined;
}

/** The weak ones among some encryption types (RFC 6649, RFC 8429): they must not leave loopback unasked. */
export function weakEtypes(etypes: readonly number[]): EncryptionType[] {
  return etypes.map(etypeOf).filter(({ weak }) => weak);
}

/**
 * How many iterations of PBKDF2 a realm may choose: no fewer than the default of any type, which clients of
 * ours refuse, and no more than every type accepts.
 */
export const ITERATIONS = Object.freeze(iterationLimits());

function iterationLimits(): { readonly least: number; readonly most: number } {
  const counts = [...ENCRYPTION_TYPES.values()].flatMap(({ iterations }) => iterations ?? []);
  return {
    least: Math.max(...counts.map((count) => count.default)),
    most: Math.min(...counts.map(({ most }) => most)),
  };
}

/** Whether a realm may choose this number of iterations. */
export function isIterationCount(value: unknown): value is number {
  const { least, most } = ITERATIONS;
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}
