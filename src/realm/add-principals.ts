/** Many new principals at once: each as `principal-keys.ts` adds one, with many on their way at a time. */
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { preparedPassword } from "../protocol/passwords.js";
import type { Principal } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { StoreError } from "../store/store-error.js";
import {
  addPasswordPrincipal,
  addRandomKeyPrincipal,
  type NewPrincipalChoice,
  newKeyEtypes,
} from "./principal-keys.js";
import { localPrincipal } from "./principals.js";
import type { Realm } from "./realm.js";
import { RealmError } from "./realm-error.js";

/** A principal to add. */
export interface NewPrincipal extends NewPrincipalChoice {
  readonly name: string;
  /** Undefined: random keys. */
  readonly password: string | undefined;
}

const NAMES: OptionNames<NewPrincipal> = { name: true, password: true, etypes: true, limits: true };

/** What became of it. */
export interface AddedPrincipal {
  readonly principal: Principal;
  /** Undefined if there was one of that name, which was left as it is. */
  readonly entry: PrincipalEntry | undefined;
}

/**
 * How many are on their way at a time: enough that every thread has a password to hash, and that many records
 * share a write transaction and its sync.
 */
const IN_FLIGHT = 128;

/**
 * Checks all that can be known of a new principal before it is added.
 * @returns its full name, and whether there is one of that name already.
 * @throws RealmError as `localPrincipal` and `newKeyEtypes`; KrbError as `preparedPassword`.
 */
export async function checkNewPrincipal(
  realm: Realm,
  { name, password, etypes = [] }: NewPrincipal,
): Promise<{ principal: Principal; exists: boolean }> {
  const principal = localPrincipal(realm, name);
  newKeyEtypes(realm, etypes);
  if (password !== undefined) preparedPassword(password);
  return { principal, exists: (await realm.principals.get(principal)) !== undefined };
}

/**
 * Adds principals, and tells what became of each, in their order. If one fails, those on their way may have
 * been added; a caller that runs it again leaves them as they are.
 * @param now milliseconds since the epoch.
 * @param onExisting `refuse`: one of that name is an error; `skip`: it is left as it is.
 * @throws as `addPasswordPrincipal`; TypeError for a field that there is not.
 */
export async function* addPrincipals(
  realm: Realm,
  principals: Iterable<NewPrincipal>,
  now: number,
  onExisting: "refuse" | "skip",
): AsyncGenerator<AddedPrincipal> {
  const waiting: Promise<AddedPrincipal>[] = [];
  try {
    for (const principal of principals) {
      const adding = add(realm, principal, now, onExisting);
      // Its failure is met where it is waited for.
      adding.catch(() => {});
      waiting.push(adding);
      if (waiting.length >= IN_FLIGHT) yield await waiting.shift()!;
    }
    while (waiting.length > 0) yield await waiting.shift()!;
  } finally {
    await Promise.allSettled(waiting);
  }
}

async function add(
  realm: Realm,
  added: NewPrincipal,
  now: number,
  onExisting: "refuse" | "skip",
): Promise<AddedPrincipal> {
  checkOptionNames("addPrincipals", added, NAMES);
  const { name, password, etypes, limits } = added;
  const choice = { etypes, limits };
  try {
    const entry =
      password === undefined
        ? await addRandomKeyPrincipal(realm, name, now, choice)
        : await addPasswordPrincipal(realm, name, password, now, choice);
    return { principal: entry.principal, entry };
  } catch (error) {
    const exists =
      (error instanceof RealmError && error.reason === "exists") ||
      (error instanceof StoreError && error.code === "exists");
    if (!exists || onExisting === "refuse") throw error;
    return { principal: localPrincipal(realm, name), entry: undefined };
  }
}
