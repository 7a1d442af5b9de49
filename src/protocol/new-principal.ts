/** The entries of new principals, and of old ones with new keys. */
import type { RandomSource } from "../crypto/encryption-type.js";
import { etypeOf } from "./etypes.js";
import { keyFromPassword, type LongTermKey, randomKey, stringToKeyOf } from "./keys.js";
import type { Principal } from "./principal.js";
import { currentKvno, emptyEntry, type PrincipalEntry } from "./principal-entry.js";

/**
 * A principal with keys made from a password, one for each encryption type: a person, never a service.
 * @param now milliseconds since the epoch.
 * @param iterations of PBKDF2, as the realm chose; each encryption type's default when absent.
 */
export async function passwordPrincipal(
  principal: Principal,
  password: string,
  etypes: readonly number[],
  now: number,
  iterations?: number,
): Promise<PrincipalEntry> {
  return withPassword(emptyEntry(principal, now), password, etypes, now, iterations);
}

/**
 * A principal with random keys, one for each encryption type: a service, or a person with a keytab. `now` is
 * in milliseconds.
 */
export function randomKeyPrincipal(
  principal: Principal,
  etypes: readonly number[],
  now: number,
  random?: RandomSource,
): PrincipalEntry {
  return withRandomKeys(emptyEntry(principal, now), etypes, now, 0, random);
}

/**
 * The entry with keys of a new version, made from a password. No old key stays. `now` is in milliseconds
 * since the epoch.
 */
export async function withPassword(
  entry: PrincipalEntry,
  password: string,
  etypes: readonly number[],
  now: number,
  iterations?: number,
): Promise<PrincipalEntry> {
  const kvno = currentKvno(entry) + 1;
  const choice = (etype: number) => stringToKeyOf(entry.principal, etypeOf(etype), iterations);
  const keys = await Promise.all(
    etypes.map(async (etype) => ({
      kvno,
      key: await keyFromPassword(etypeOf(etype), password, choice(etype)),
    })),
  );
  return {
    ...entry,
    keys,
    stringToKey: new Map(etypes.map((etype) => [etype, choice(etype)])),
    passwordKeyed: true,
    modifiedAt: now,
    keysChangedAt: now,
  };
}

/**
 * The entry with random keys of a new version.
 * @param now milliseconds since the epoch.
 * @param keepVersions how many of the newest old versions stay, so that tickets made with them can still be
 *   opened. No key made from a password ever stays.
 */
export function withRandomKeys(
  entry: PrincipalEntry,
  etypes: readonly number[],
  now: number,
  keepVersions: number,
  random?: RandomSource,
): PrincipalEntry {
  const current = currentKvno(entry);
  const made: LongTermKey[] = etypes.map((etype) => ({
    kvno: current + 1,
    key: randomKey(etypeOf(etype), random),
  }));
  const kept = entry.passwordKeyed ? [] : entry.keys.filter(({ kvno }) => kvno > current - keepVersions);
  return {
    ...entry,
    keys: [...made, ...kept],
    stringToKey: new Map(),
    passwordKeyed: false,
    modifiedAt: now,
    keysChangedAt: now,
  };
}
