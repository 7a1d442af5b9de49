/**
 * What stands in for principals that do not exist, so that the AS does the same for an unknown name as for a
 * known one, in the same time.
 */
import type { RandomSource } from "../crypto/encryption-type.js";
import { systemRandom } from "../crypto/random.js";
import { etypeOf } from "./etypes.js";
import { randomKey, type StringToKey, stringToKeyOf } from "./keys.js";
import type { RealmPolicy } from "./policy.js";
import { type Principal, principalInRealm } from "./principal.js";
import { emptyEntry, type PrincipalEntry } from "./principal-entry.js";

/** A stand-in: to the AS just like a principal made today with a password. */
export interface Decoy {
  /** Its entry; nobody has its keys, one for each encryption type that new principals get. */
  readonly entry: PrincipalEntry;
  /** How a principal's password would become its keys, by their encryption types. */
  readonly stringToKeyOf: (principal: Principal) => ReadonlyMap<number, StringToKey>;
}

/** The client of an AS-REQ. */
export interface AsClient {
  /** Its entry, or that of a stand-in under its name. */
  readonly entry: PrincipalEntry;
  /** Whether there is such a principal, which the client must not learn. */
  readonly exists: boolean;
}

/** Some time or other, as long in a record as any of today. */
const MADE_AT = 1_767_225_600_000;

/** Makes a stand-in. */
export function makeDecoy(policy: RealmPolicy, random: RandomSource = systemRandom): Decoy {
  const { keyEtypes, realm, iterations } = policy;
  const rows = keyEtypes.map(etypeOf);
  const stringToKeys = (principal: Principal) =>
    new Map(rows.map((row) => [row.etype as number, stringToKeyOf(principal, row, iterations)]));
  const principal = principalInRealm("decoy", realm);
  const entry = {
    ...emptyEntry(principal, MADE_AT),
    keys: rows.map((row) => ({ kvno: 1, key: randomKey(row, random) })),
    stringToKey: stringToKeys(principal),
    passwordKeyed: true,
  };
  return { entry, stringToKeyOf: stringToKeys };
}

/** A client as the AS is shown it: the same work, whether the entry is its own or the stand-in's. */
export function asClient(
  decoy: Decoy,
  principal: Principal,
  entry: PrincipalEntry,
  exists: boolean,
): AsClient {
  const usual = decoy.stringToKeyOf(principal);
  const stringToKey = exists ? entry.stringToKey : usual;
  return { entry: { ...entry, principal, stringToKey }, exists };
}
