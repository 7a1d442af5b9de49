/**
 * The principals of a realm: find, list, modify and delete them. Adding them and changing their keys:
 * principal-keys.ts.
 */
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { krbtgtOf, type Principal, principalInRealm, realmOf } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import type { LoginRecord } from "../store/attempts/login-attempts.js";
import { type NamePattern, namePattern } from "./name-pattern.js";
import type { Realm } from "./realm.js";
import { RealmError } from "./realm-error.js";

/**
 * What a principal may do. A limit that is absent stays as it is; one that is `undefined` is lifted, and the
 * realm's own limit remains. Times are in milliseconds since the epoch, lives in milliseconds; PrincipalEntry
 * explains each.
 */
export interface PrincipalLimits {
  readonly disabled?: boolean;
  readonly expiresAt?: number | undefined;
  readonly passwordExpiresAt?: number | undefined;
  readonly maxLife?: number | undefined;
  readonly maxRenewableLife?: number | undefined;
}

/** The names of those. */
export const LIMIT_NAMES: OptionNames<PrincipalLimits> = {
  disabled: true,
  expiresAt: true,
  passwordExpiresAt: true,
  maxLife: true,
  maxRenewableLife: true,
};

/**
 * The principal that a name stands for; a name without a realm is in this one.
 * @throws KrbError as `parsePrincipal`; RealmError `foreign` for a principal of another realm.
 */
export function localPrincipal({ settings }: Realm, name: string): Principal {
  const principal = principalInRealm(name, settings.realm);
  if (realmOf(principal) !== settings.realm)
    throw new RealmError("foreign", `${principal} is not of this realm, ${settings.realm}`);
  return principal;
}

/** Whether a name is that of the realm's TGS. Throws as `localPrincipal`. */
export function isTgs(realm: Realm, name: string): boolean {
  return localPrincipal(realm, name) === krbtgtOf(realm.settings.realm);
}

/**
 * The entry of a principal.
 * @throws RealmError `missing` if there is none; StoreError for a record that can't be opened; as
 *   `localPrincipal`.
 */
export async function existingPrincipal(realm: Realm, name: string): Promise<PrincipalEntry> {
  const principal = localPrincipal(realm, name);
  return (await realm.principals.get(principal)) ?? missing(principal);
}

/**
 * The realm's entries, or those whose names match a pattern, in order of their names; never more of them in
 * memory than the store reads at a time.
 * @param pattern a principal's name in which `*`, `?` and `[a-z]` stand for other text, as `namePattern`
 *   says; the realm may be left out.
 * @throws StoreError at the first record that can't be opened.
 */
export async function* listPrincipals(realm: Realm, pattern = "*"): AsyncGenerator<PrincipalEntry> {
  const { prefix, matches } = patternIn(realm, pattern);
  for await (const entry of realm.principals.list(prefix)) if (matches(entry.principal)) yield entry;
}

/** The names alone, also of records that can't be opened; otherwise as `listPrincipals`. */
export async function* listPrincipalNames(realm: Realm, pattern = "*"): AsyncGenerator<Principal> {
  const { prefix, matches } = patternIn(realm, pattern);
  for await (const principal of realm.principals.names(prefix)) if (matches(principal)) yield principal;
}

function patternIn({ settings }: Realm, pattern: string): NamePattern {
  return namePattern(pattern.includes("@") ? pattern : `${pattern}@${settings.realm}`);
}

/**
 * Changes what a principal may do, from its next ticket on; tickets already issued stay valid.
 * @param now milliseconds since the epoch.
 * @returns the entry that was written.
 * @throws RealmError `protected` if the realm's TGS would be disabled or would expire; as
 *   `existingPrincipal`.
 */
export async function modifyPrincipal(
  realm: Realm,
  name: string,
  limits: PrincipalLimits,
  now: number,
): Promise<PrincipalEntry> {
  checkOptionNames("modifyPrincipal", limits, LIMIT_NAMES);
  if (limits.disabled || limits.expiresAt !== undefined) protectTgs(realm, name);
  const { principal } = await existingPrincipal(realm, name);
  return realm.principals.change(principal, (old) => ({ ...old, ...limits, modifiedAt: now }));
}

/**
 * Lets a principal try to log in again after too many failures, from everywhere, and forgets these.
 * @param now milliseconds since the epoch.
 * @throws as `existingPrincipal`, and as `LoginAttempts.open`.
 */
export async function unlockPrincipal(realm: Realm, name: string, now: number): Promise<void> {
  const { principal } = await existingPrincipal(realm, name);
  (await realm.attempts()).unlock(principal, now);
}

/**
 * The failures of a principal since its last login, and when that was, as far as the realm's servers on this
 * machine saw it.
 * @throws as `localPrincipal`, and as `LoginAttempts.open`.
 */
export async function loginRecord(realm: Realm, name: string): Promise<LoginRecord> {
  return (await realm.attempts()).of(localPrincipal(realm, name));
}

/**
 * Deletes a principal and its keys, even if its record can no longer be opened.
 * @returns the principal that was deleted.
 * @throws RealmError `protected` for the realm's TGS, `missing` if there is no such principal; as
 *   `localPrincipal`.
 */
export async function deletePrincipal(realm: Realm, name: string): Promise<Principal> {
  protectTgs(realm, name);
  const principal = localPrincipal(realm, name);
  return (await realm.principals.delete(principal)) ? principal : missing(principal);
}

function protectTgs(realm: Realm, name: string): void {
  if (!isTgs(realm, name)) return;
  const tgs = localPrincipal(realm, name);
  throw new RealmError("protected", `${tgs} is the realm's TGS: without it nobody logs in`);
}

function missing(principal: Principal): never {
  const hint = "`tessera kadmin listprincs` lists them";
  throw new RealmError("missing", `there is no principal ${principal}`, hint);
}
