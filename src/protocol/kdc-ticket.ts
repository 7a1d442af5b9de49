/**
 * Issuing a ticket (RFC 4120 §3.1.3, §3.3.3): what AS and TGS have in common. Which key seals it, which encryption type its
 * session key has, how long it lives.
 */
import type { EncryptionType } from "../crypto/encryption-type.js";
import { KdcOption } from "../gen/kerberos/v1/kdc_pb.js";
import { strongestCommon } from "./etypes.js";
import type { KdcTimes } from "./kdc-request.js";
import type { LongTermKey } from "./keys.js";
import { KrbError } from "./krb-error.js";
import type { RealmPolicy } from "./policy.js";
import { currentKeys, type PrincipalEntry } from "./principal-entry.js";
import type { TicketContents } from "./ticket.js";

/** A ticket that was issued: the reply that carries it, and what the log says of it. */
export interface IssuedTicket<Response> {
  readonly response: Response;
  /** Its session key is the caller's to wipe. */
  readonly ticket: TicketContents;
  /** Numbers of the encryption types of the key that seals the reply, of the ticket's key, and of the session key. */
  readonly etypes: { readonly reply: number; readonly ticket: number; readonly session: number };
}

/**
 * The key a service's tickets are sealed under: its strongest, whatever the client asked for.
 * @throws KrbError KDC_ERR_ETYPE_NOSUPP when the realm permits none of its keys.
 */
export function ticketKey(service: PrincipalEntry, policy: RealmPolicy): LongTermKey {
  const keys = currentKeys(service);
  const held = keys.map(({ key }) => key.etype.etype);
  const etype = strongestCommon(held, policy.permittedEtypes);
  const found = keys.find(({ key }) => key.etype === etype);
  if (found === undefined) throw noCommonEtype(policy.permittedEtypes, held);
  return found;
}

/**
 * The encryption type of a session key: the strongest that client, service and realm permit.
 * @throws KrbError KDC_ERR_ETYPE_NOSUPP when there is none.
 */
export function sessionKeyEtype(
  asked: readonly number[],
  service: PrincipalEntry,
  policy: RealmPolicy,
): EncryptionType {
  const held = currentKeys(service).map(({ key }) => key.etype.etype);
  const etype = strongestCommon(asked, held, policy.permittedEtypes);
  if (etype === undefined) throw noCommonEtype(asked, held);
  return etype;
}

/** The refusal where nothing is left to choose from. */
export function noCommonEtype(asked: readonly number[], held: readonly number[]): KrbError {
  return new KrbError(
    "KDC_ERR_ETYPE_NOSUPP",
    "no encryption type that client, service and realm all permit",
    {
      asked: asked.join(" "),
      held: held.join(" "),
    },
  );
}

/** The earliest of some times; undefined ones do not count. */
export function earliest(first: number, ...others: readonly (number | undefined)[]): number {
  let least = first;
  for (const time of others) if (time !== undefined && time < least) least = time;
  return least;
}

/** The earliest end of a ticket that begins now: `first`, or one of the lives permitted from now on. */
function earliestEnd(first: number, now: number, lives: readonly (number | undefined)[]): number {
  let least = first;
  for (const life of lives) if (life !== undefined && now + life < least) least = now + life;
  return least;
}

/**
 * The life a ticket gets, and how long it may be renewed: the smallest of all limits and wishes. Times are milliseconds since
 * the epoch, lives milliseconds.
 */
export function ticketLife(wanted: {
  readonly times: KdcTimes;
  readonly options: readonly KdcOption[];
  readonly now: number;
  /** Longest life, of the realm and of the principals concerned. */
  readonly maxLives: readonly (number | undefined)[];
  /** Longest renewable life, likewise; empty: not renewable. */
  readonly maxRenewableLives: readonly (number | undefined)[];
  /** The end of the ticket it is made from, if any. */
  readonly endLimit?: number | undefined;
}): { endtime: number; renewTill: number | undefined } {
  const { times, options, now } = wanted;
  const longest = earliestEnd(wanted.endLimit ?? Number.POSITIVE_INFINITY, now, wanted.maxLives);
  const endtime = earliest(longest, times.till);
  const renewableOk =
    options.includes(KdcOption.RENEWABLE_OK) && times.till !== undefined && times.till > longest;
  const renewable = options.includes(KdcOption.RENEWABLE) || renewableOk;
  if (!renewable || wanted.maxRenewableLives.length === 0) return { endtime, renewTill: undefined };
  const wish = times.renewTill ?? (renewableOk ? times.till : undefined);
  const renewTill = earliestEnd(wish ?? Number.POSITIVE_INFINITY, now, wanted.maxRenewableLives);
  return { endtime, renewTill: renewTill > endtime ? renewTill : undefined };
}
