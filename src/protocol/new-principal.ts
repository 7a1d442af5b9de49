/** The entries of new principals, and of old ones with new keys. */
import type { RandomSource } from "../crypto/encryption-type.js";
import { etypeOf } from "./etypes.js";
import { keyFromPassword, type LongTermKey, randomKey, stringToKeyOf } from "./keys.js";
import { passwordForms, preparedPassword } from "./passwords.js";
import type { Principal } from "./principal.js";
import { currentKeys, currentKvno, emptyEntry, keyEnd, type PrincipalEntry } from "./principal-entry.js";

/**
 * A principal with keys made from a password, one for each encryption type: a person, never a service.
 * @param password prepared here (`preparedPassword`, which says what it throws).
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
 * The entry with keys of a new version from a password. Old keys go: whoever had the old password opens
 * nothing new. TGTs of before end, unless it is the password that the entry has already (`cpw -e` adds an
 * encryption type). The password is prepared as for `passwordPrincipal`.
 */
export async function withPassword(
  entry: PrincipalEntry,
  password: string,
  etypes: readonly number[],
  now: number,
  iterations?: number,
): Promise<PrincipalEntry> {
  const kvno = currentKvno(entry) + 1;
  const text = preparedPassword(password);
  const isNew = !(await hasPassword(entry, password));
  const choice = (etype: number) => stringToKeyOf(entry.principal, etypeOf(etype), iterations);
  const keys = await Promise.all(
    etypes.map(async (etype) => ({
      kvno,
      key: await keyFromPassword(etypeOf(etype), text, choice(etype)),
    })),
  );
  return {
    ...entry,
    keys,
    stringToKey: new Map(etypes.map((etype) => [etype, choice(etype)])),
    passwordKeyed: true,
    modifiedAt: now,
    keysChangedAt: now,
    ...(isNew && { tgtsFrom: now }),
  };
}

/** Whether a password is the one that the entry's keys were made from, in whichever of its forms. */
async function hasPassword(entry: PrincipalEntry, password: string): Promise<boolean> {
  const [current] = currentKeys(entry);
  const choice = current && entry.stringToKey.get(current.key.etype.etype);
  if (!entry.passwordKeyed || current === undefined || choice === undefined) return false;
  for (const form of passwordForms(password)) {
    const made = await keyFromPassword(current.key.etype, form, choice);
    const isSame = made.equals(current.key);
    made.wipe();
    if (isSame) return true;
  }
  return false;
}

/**
 * The entry with random keys of a new version. Older versions stay as long as a ticket under them may live;
 * of a password nothing stays, and TGTs of before end with it.
 * @param retention how long a replaced key stays good, in milliseconds (`keyRetention`); 0 keeps no old key.
 */
export function withRandomKeys(
  entry: PrincipalEntry,
  etypes: readonly number[],
  now: number,
  retention: number,
  random?: RandomSource,
): PrincipalEntry {
  const current = currentKvno(entry);
  const made: LongTermKey[] = etypes.map((etype) => ({
    kvno: current + 1,
    key: randomKey(etypeOf(etype), random),
  }));
  const replaced = entry.passwordKeyed ? [] : entry.keys;
  const kept = replaced
    .map((key) => ({ ...key, goodUntil: keyEnd(entry, key, retention) ?? now + retention }))
    .filter(({ goodUntil }) => now < goodUntil);
  return {
    ...entry,
    keys: [...made, ...kept],
    stringToKey: new Map(),
    passwordKeyed: false,
    modifiedAt: now,
    keysChangedAt: now,
    ...(entry.passwordKeyed && { tgtsFrom: now }),
  };
}
