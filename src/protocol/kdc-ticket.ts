/**
 * What AS and TGS have in common when they issue a ticket (RFC 4120 §3.1.3, §3.3.3): which key seals it, of
 * which encryption type its session key is, and how long it lives.
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

/** A ticket that was issued, with the reply that carries it. */
export interface IssuedTicket<Response> {
  readonly response: Response;
  /** Its session key is the caller's, to wipe. */
  readonly ticket: TicketContents;
  /**
   * The encryption types of the keys that seal the reply and the ticket, and of the session key, by their
   * numbers.
   */
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

/** The refusal where there is no encryption type to choose. */
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

/** The earliest of some times, leaving out those that are undefined. */
export function earliest(first: number, ...others: readonly (number | undefined)[]): number {
  let least = first;
  for (const time of others) if (time !== undefined && time < least) least = time;
  return least;
}

/** The earliest end of a ticket that begins now: `first`, or that of the shortest life. */
function earliestEnd(first: number, now: number, lives: readonly (number | undefined)[]): number {
  let least = first;
  for (const life of lives) if (life !== undefined && now + life < least) least = now + life;
  return least;
}

/**
 * When a ticket ends, and how long it may be renewed: as early as the strictest of all limits and wishes
 * says. Times are milliseconds since the epoch, lives are milliseconds.
 */
export function ticketLife(wanted: {
  readonly times: KdcTimes;
  readonly options: readonly KdcOption[];
  readonly now: number;
  /** The longest lives permitted: the realm's and those of the principals concerned. */
  readonly maxLives: readonly (number | undefined)[];
  /** The longest renewable lives permitted, likewise; none: not renewable. */
  readonly maxRenewableLives: readonly (number | undefined)[];
  /** The end of the ticket it is made from, if there is one. */
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
