/**
 * New principals with their keys, new passwords, and the end of old keys: of which encryption types keys are.
 */
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { etypeName } from "../protocol/etypes.js";
import { passwordPrincipal, randomKeyPrincipal, withPassword } from "../protocol/new-principal.js";
import type { Principal } from "../protocol/principal.js";
import { currentKeys, currentKvno, type PrincipalEntry } from "../protocol/principal-entry.js";
import { existingPrincipal, isTgs, LIMIT_NAMES, localPrincipal, type PrincipalLimits } from "./principals.js";
import type { Realm } from "./realm.js";
import { RealmError } from "./realm-error.js";

/**
 * A password, or how to ask for it: asked for once everything else has been checked, so that nobody types one
 * in vain.
 */
export type PasswordSource = string | (() => Promise<string>);

/** What can be chosen for a new principal. */
export interface NewPrincipalChoice {
  /** Encryption types of its keys, as `newKeyEtypes` takes them. */
  readonly etypes?: readonly number[] | undefined;
  readonly limits?: PrincipalLimits | undefined;
}

const CHOICE_NAMES: OptionNames<NewPrincipalChoice> = { etypes: true, limits: true };

/**
 * The encryption types of new keys: those asked for; or else those of the present keys, as far as the policy
 * permits them; or else those that the policy gives to new principals.
 * @param asked their numbers; may be empty.
 * @param present the entry whose keys are replaced; undefined for a new principal.
 * @throws RealmError `etype` if one is asked for that the policy does not permit.
 */
export function newKeyEtypes(
  { settings, policy }: Realm,
  asked: readonly number[],
  present?: PrincipalEntry,
): readonly number[] {
  const { permittedEtypes: permitted, keyEtypes } = policy;
  const distinct = [...new Set(asked)];
  const refused = distinct.filter((etype) => !permitted.includes(etype));
  if (refused.length > 0)
    throw new RealmError(
      "etype",
      `the profile ${settings.profile} does not permit ${refused.map(etypeName).join(", ")}`,
      `it permits ${permitted.map(etypeName).join(", ")}`,
    );
  if (distinct.length > 0) return distinct;
  const held = present === undefined ? [] : currentKeys(present).map(({ key }) => key.etype.etype);
  const kept = held.filter((etype) => permitted.includes(etype));
  return kept.length > 0 ? kept : keyEtypes;
}

/**
 * Adds a person with a password. No ticket is ever issued for such a principal, so a service needs random
 * keys.
 * @param choice its limits, and its encryption types as `newKeyEtypes` takes them.
 * @param now milliseconds since the epoch.
 * @returns the entry that was written.
 * @throws RealmError `exists` if there is one of that name; as `localPrincipal` and `newKeyEtypes`; KrbError
 *   for a password that is empty or too long.
 */
export async function addPasswordPrincipal(
  realm: Realm,
  name: string,
  password: PasswordSource,
  now: number,
  choice: NewPrincipalChoice = {},
): Promise<PrincipalEntry> {
  checkOptionNames("addPasswordPrincipal", choice, CHOICE_NAMES);
  const { etypes = [], limits = {} } = choice;
  checkOptionNames("limits", limits, LIMIT_NAMES);
  const principal = localPrincipal(realm, name);
  const chosen = newKeyEtypes(realm, etypes);
  await requireNew(realm, principal);
  const text = await readPassword(password);
  const made = await passwordPrincipal(principal, text, chosen, now, realm.policy.iterations);
  return create(realm, { ...made, ...limits });
}

/** Adds a service with random keys, or a person with a keytab. Otherwise as `addPasswordPrincipal`. */
export async function addRandomKeyPrincipal(
  realm: Realm,
  name: string,
  now: number,
  choice: NewPrincipalChoice = {},
): Promise<PrincipalEntry> {
  checkOptionNames("addRandomKeyPrincipal", choice, CHOICE_NAMES);
  const { etypes = [], limits = {} } = choice;
  checkOptionNames("limits", limits, LIMIT_NAMES);
  const principal = localPrincipal(realm, name);
  const chosen = newKeyEtypes(realm, etypes);
  await requireNew(realm, principal);
  return create(realm, { ...randomKeyPrincipal(principal, chosen, now), ...limits });
}

/**
 * Gives a principal keys made from a new password. No old key remains, and the password no longer expires.
 * @param etypes as `newKeyEtypes` takes them.
 * @param now milliseconds since the epoch.
 * @returns the entry that was written.
 * @throws RealmError as `existingPrincipal` and `newKeyEtypes`; `protected` for the TGS; `changed` if the
 *   principal was given other keys in the meantime; KrbError for a password that is empty or too long.
 */
export async function changePassword(
  realm: Realm,
  name: string,
  password: PasswordSource,
  etypes: readonly number[],
  now: number,
): Promise<PrincipalEntry> {
  const old = await existingPrincipal(realm, name);
  const chosen = newKeyEtypes(realm, etypes, old);
  if (isTgs(realm, name))
    throw new RealmError("protected", "the realm's TGS has random keys, never a password", "use -randkey");
  const text = await readPassword(password);
  const made = await withPassword(old, text, chosen, now, realm.policy.iterations);
  return realm.principals.change(old.principal, (latest) => {
    if (currentKvno(latest) !== currentKvno(old)) throw changedMeanwhile(old.principal);
    return {
      ...latest,
      keys: made.keys,
      stringToKey: made.stringToKey,
      passwordKeyed: true,
      passwordExpiresAt: undefined,
      modifiedAt: now,
      keysChangedAt: now,
      tgtsFrom: made.tgtsFrom,
    };
  });
}

/** The refusal where somebody else's keys came first. */
export function changedMeanwhile(principal: Principal): RealmError {
  const text = `${principal} was given other keys in the meantime; nothing was changed`;
  return new RealmError("changed", text, "try again");
}

/**
 * Drops the old versions of a principal's keys: tickets under them open no more, whatever is left of their
 * lives.
 * @param keepFrom the oldest version that stays; the current one by default.
 * @param now milliseconds since the epoch.
 * @returns the entry that was written, and the versions that are gone.
 * @throws RealmError as `existingPrincipal`; `version` where nothing would be left.
 */
export async function purgeKeys(
  realm: Realm,
  name: string,
  now: number,
  keepFrom?: number,
): Promise<{ entry: PrincipalEntry; purged: readonly number[] }> {
  const { principal } = await existingPrincipal(realm, name);
  let purged: readonly number[] = [];
  const entry = await realm.principals.change(principal, (old) => {
    const current = currentKvno(old);
    const oldest = keepFrom ?? current;
    if (oldest > current)
      throw new RealmError(
        "version",
        `${principal}: its current keys are version ${current}: none would be left from ${oldest} on`,
      );
    const kept = old.keys.filter(({ kvno }) => kvno >= oldest);
    purged = [...new Set(old.keys.map(({ kvno }) => kvno))].filter((kvno) => kvno < oldest);
    return purged.length === 0 ? old : { ...old, keys: kept, modifiedAt: now };
  });
  return { entry, purged };
}

async function requireNew({ principals }: Realm, principal: Principal): Promise<void> {
  if ((await principals.get(principal)) === undefined) return;
  const hint = "cpw changes its password or keys, modprinc its limits";
  throw new RealmError("exists", `${principal} exists already`, hint);
}

async function create({ principals }: Realm, entry: PrincipalEntry): Promise<PrincipalEntry> {
  await principals.create(entry);
  return entry;
}

async function readPassword(password: PasswordSource): Promise<string> {
  return typeof password === "string" ? password : password();
}
