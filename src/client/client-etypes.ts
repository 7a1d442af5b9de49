/** Which encryption types a client accepts, which it tries first, and how it follows the KDC's advice. */
import type { EtypeInfo2, EtypeInfo2_Entry } from "../gen/kerberos/v1/kdc_pb.js";
import { etypeOf, ITERATIONS } from "../protocol/etypes.js";
import type { StringToKey } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { type ProfileName, profile } from "../protocol/profile.js";

/** A client's encryption types. */
export interface ClientEtypes {
  /** All that the client accepts, best first: its floor. */
  readonly permitted: readonly number[];
  /** The one its first request uses: where the guess is right, a login takes one round trip. */
  readonly first: number;
}

/** A guess of how the client's long-term key is made. */
export interface KeyGuess {
  readonly etype: number;
  readonly stringToKey: StringToKey;
}

/**
 * The fewest PBKDF2 iterations our client accepts, the default of RFC 8009 §4: no KDC can have it make a
 * cheaper key.
 */
export const MIN_ITERATIONS = ITERATIONS.least;

/**
 * The encryption types of a profile, without those that have no integrity: they are asked for by name or not
 * at all.
 */
export function profileEtypes(name: ProfileName): ClientEtypes {
  const { permitted, keyEtypes } = profile(name);
  return { permitted: permitted.filter((etype) => etypeOf(etype).integrity), first: keyEtypes[0]! };
}

/** What a client insists on, whatever a KDC advises. */
export interface AdviceLimits {
  /** The encryption types accepted, best first. */
  readonly permitted: readonly number[];
  /** The client's realm. A salt begins with it, so that no table made for another realm fits. */
  readonly realm: string;
}

/**
 * What to try next, from the KDC's advice: the first of the client's own encryption types that the KDC names.
 * The advice is not authenticated, so it is followed only within the client's limits.
 * @returns undefined when the advice holds nothing new.
 * @throws KrbError KDC_ERR_ETYPE_NOSUPP when the KDC offers only what the client does not accept.
 */
export function followAdvice(
  info: EtypeInfo2,
  tried: KeyGuess,
  { permitted, realm }: AdviceLimits,
): KeyGuess | undefined {
  const entry = permitted.flatMap((etype) => info.entries.filter((offered) => offered.etype === etype))[0];
  if (entry === undefined)
    throw new KrbError("KDC_ERR_ETYPE_NOSUPP", "the KDC offers no encryption type this client accepts", {
      offered: info.entries.map(({ etype }) => etype).join(" "),
      accepted: permitted.join(" "),
    });
  checkIterations(entry);
  checkSalt(entry, realm);
  const next = { etype: entry.etype, stringToKey: { salt: entry.salt, params: entry.s2kparams } };
  return sameGuess(next, tried) ? undefined : next;
}

/**
 * Whether a remembered guess may stand in for the client's first one: an encryption type no worse than that,
 * a salt of the client's realm, iterations enough. That a login succeeded with a worse type proves nothing:
 * false advice may have left out the better one that the KDC has as well.
 */
export function isAcceptable(guess: KeyGuess, { permitted, first }: ClientEtypes, realm: string): boolean {
  const rank = permitted.indexOf(guess.etype);
  const { salt } = guess.stringToKey;
  const isOfRealm = salt.startsWith(realm) && salt.length > realm.length;
  if (rank < 0 || rank > permitted.indexOf(first) || !isOfRealm) return false;
  return (iterationsOf(guess) ?? MIN_ITERATIONS) >= MIN_ITERATIONS;
}

/**
 * The iterations of PBKDF2 that a guess takes; undefined where its type takes none, or its parameters do not
 * fit.
 */
export function iterationsOf({ etype, stringToKey: { params } }: KeyGuess): number | undefined {
  const { iterations } = etypeOf(etype);
  return params.length === 0 ? iterations?.default : iterations?.inParams(params);
}

function checkSalt({ salt }: EtypeInfo2_Entry, realm: string): void {
  if (salt.startsWith(realm) && salt.length > realm.length) return;
  throw new KrbError("KDC_ERR_ETYPE_NOSUPP", "the KDC asks for a salt that is not of the client's realm", {
    salt,
    realm,
  });
}

function checkIterations({ etype, s2kparams }: EtypeInfo2_Entry): void {
  // Parameters that do not fit the type are left to string-to-key to refuse.
  const count = etypeOf(etype).iterations?.inParams(s2kparams);
  if (count !== undefined && count < MIN_ITERATIONS)
    throw new KrbError("KDC_ERR_ETYPE_NOSUPP", "the KDC asks for too few iterations of the password's hash", {
      asked: String(count),
      least: String(MIN_ITERATIONS),
    });
}

function sameGuess(a: KeyGuess, b: KeyGuess): boolean {
  const sameParams = Buffer.compare(a.stringToKey.params, b.stringToKey.params) === 0;
  return a.etype === b.etype && a.stringToKey.salt === b.stringToKey.salt && sameParams;
}
