/**
 * What a realm permits, and the KDC's rules as rows of two tables: a new rule is one row.
 *
 * A rule looks at facts, all of them fetched beforehand, and refuses or does not. Rules apply in the order of
 * their table.
 */
import { TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";
import type { AttemptLimits } from "./attempt-limits.js";
import type { KdcTimes } from "./kdc-request.js";
import { isoTime } from "./kerberos-time.js";
import { KrbError } from "./krb-error.js";
import { krbtgtOf, type Principal, realmOf } from "./principal.js";
import type { PrincipalEntry } from "./principal-entry.js";
import type { TicketContents } from "./ticket.js";

/** What a realm permits. Lives and the clock skew are milliseconds. */
export interface RealmPolicy {
  readonly realm: string;
  /** The encryption types permitted for keys, tickets and session keys, by their numbers. */
  readonly permittedEtypes: readonly number[];
  /** The encryption types of a new principal's keys. */
  readonly keyEtypes: readonly number[];
  readonly maxLife: number;
  readonly maxRenewableLife: number;
  /** How far clocks may be apart, either way. */
  readonly clockSkew: number;
  /** The iterations of PBKDF2 for keys made from passwords; each encryption type's default when absent. */
  readonly iterations?: number | undefined;
  /** How many failed logins the AS takes before it makes whoever tries wait. */
  readonly attempts: AttemptLimits;
}

/**
 * How long a key that was replaced still opens tickets: the longest ticket, and the difference of clocks.
 * Milliseconds.
 */
export function keyRetention({ maxLife, clockSkew }: RealmPolicy): number {
  return maxLife + clockSkew;
}

/** What is known when the AS decides: the client has proved its key. */
export interface AsFacts {
  readonly client: PrincipalEntry;
  readonly server: Principal;
  readonly times: KdcTimes;
  readonly policy: RealmPolicy;
  readonly now: number;
}

/** What is known when the TGS decides: the TGT and its authenticator have passed every check. */
export interface TgsFacts {
  readonly tgt: TicketContents;
  /** The present entry of the TGT's client; undefined: deleted since its login. */
  readonly client: PrincipalEntry | undefined;
  readonly server: Principal;
  /** The entry of the service asked for; undefined: there is none. */
  readonly service: PrincipalEntry | undefined;
  readonly renew: boolean;
  readonly times: KdcTimes;
  readonly policy: RealmPolicy;
  readonly now: number;
}

/** A rule: its name, and the function that refuses or gives undefined. */
export interface Rule<Facts> {
  readonly name: string;
  readonly refuse: (facts: Facts) => KrbError | undefined;
}

/** The rules of the AS (RFC 4120 §3.1.3). */
export const AS_RULES: readonly Rule<AsFacts>[] = [
  {
    name: "a disabled client gets no ticket",
    refuse: ({ client }) =>
      client.disabled
        ? new KrbError("KDC_ERR_CLIENT_REVOKED", `${client.principal} is disabled; ask the realm's operator`)
        : undefined,
  },
  {
    name: "an expired client gets no ticket",
    refuse: ({ client, now }) =>
      client.expiresAt !== undefined && now >= client.expiresAt
        ? new KrbError("KDC_ERR_NAME_EXP", `${client.principal} expired at ${isoTime(client.expiresAt)}`)
        : undefined,
  },
  {
    name: "an expired password must be changed first",
    refuse: ({ client, now }) =>
      client.passwordExpiresAt !== undefined && now >= client.passwordExpiresAt
        ? new KrbError(
            "KDC_ERR_KEY_EXPIRED",
            `the password expired at ${isoTime(client.passwordExpiresAt)}; change it`,
          )
        : undefined,
  },
  {
    name: "the AS issues tickets for the TGS only",
    refuse: ({ server, policy }) =>
      server === krbtgtOf(policy.realm)
        ? undefined
        : new KrbError(
            "KDC_ERR_POLICY",
            "the AS issues tickets for the TGS only; ask the TGS for other services",
            {
              rule: "as-serves-tgs-only",
              server,
            },
          ),
  },
  { name: "no postdated tickets, no tickets that end before they begin", refuse: refuseTimes },
];

/** The rules of the TGS (RFC 4120 §3.3.3). */
export const TGS_RULES: readonly Rule<TgsFacts>[] = [
  {
    name: "a TGT that lives longer than the realm permits was not made here",
    refuse: ({ tgt, policy }) =>
      tgt.endtime - tgt.starttime > policy.maxLife
        ? new KrbError("KDC_ERR_POLICY", "the TGT lives longer than this realm permits; log in again", {
            rule: "tgt-max-life",
            life_ms: String(tgt.endtime - tgt.starttime),
            limit_ms: String(policy.maxLife),
          })
        : undefined,
  },
  {
    name: "a client deleted, disabled or expired since its login gets no more tickets",
    refuse: ({ client, tgt, now }) =>
      client === undefined || client.disabled || (client.expiresAt !== undefined && now >= client.expiresAt)
        ? new KrbError(
            "KDC_ERR_CLIENT_REVOKED",
            `${tgt.client} is no longer active; ask the realm's operator`,
          )
        : undefined,
  },
  {
    name: "a TGT ends with its principal, and with the password or keys that it was issued for",
    refuse: ({ client, tgt }) =>
      client !== undefined && tgt.authtime < client.tgtsFrom
        ? new KrbError(
            "KDC_ERR_TGT_REVOKED",
            `${tgt.client} got another password or other keys; log in again`,
            {
              authtime: isoTime(tgt.authtime),
              tgts_from: isoTime(client.tgtsFrom),
            },
          )
        : undefined,
  },
  {
    name: "no tickets for other realms",
    refuse: ({ server, policy }) =>
      realmOf(server) === policy.realm
        ? undefined
        : new KrbError("KDC_ERR_WRONG_REALM", `${server} is not in realm ${policy.realm}`, {
            asked: realmOf(server),
            realm: policy.realm,
          }),
  },
  {
    name: "no TGT from a TGT, except by renewal",
    refuse: ({ server, renew, policy }) =>
      server === krbtgtOf(policy.realm) && !renew
        ? new KrbError("KDC_ERR_POLICY", "the TGS issues no TGT; log in again, or renew this one", {
            rule: "tgs-issues-no-tgt",
          })
        : undefined,
  },
  {
    name: "only a renewable TGT is renewed, and only while it may be",
    refuse: ({ server, renew, tgt, now, policy }) =>
      renew &&
      (server !== krbtgtOf(policy.realm) ||
        !tgt.flags.includes(TicketFlag.RENEWABLE) ||
        tgt.renewTill === undefined ||
        now >= tgt.renewTill)
        ? new KrbError("KDC_ERR_BADOPTION", "this ticket can't be renewed; log in again", { option: "renew" })
        : undefined,
  },
  {
    name: "the service must exist",
    refuse: ({ service, server }) =>
      service === undefined
        ? new KrbError("KDC_ERR_S_PRINCIPAL_UNKNOWN", `no service ${server} in this realm`, { server })
        : undefined,
  },
  {
    name: "a principal with a password is not a service: passwords could be guessed with its tickets",
    refuse: ({ service }) =>
      service?.passwordKeyed
        ? new KrbError(
            "KDC_ERR_MUST_USE_USER2USER",
            `${service.principal} has a password, so it is not a service`,
            {
              server: service.principal,
            },
          )
        : undefined,
  },
  {
    name: "no tickets for a disabled service",
    refuse: ({ service }) =>
      service?.disabled
        ? new KrbError(
            "KDC_ERR_SERVICE_REVOKED",
            `${service.principal} is disabled; ask the realm's operator`,
          )
        : undefined,
  },
  {
    name: "no tickets for an expired service",
    refuse: ({ service, now }) =>
      service?.expiresAt !== undefined && now >= service.expiresAt
        ? new KrbError("KDC_ERR_SERVICE_EXP", `${service.principal} expired at ${isoTime(service.expiresAt)}`)
        : undefined,
  },
  { name: "no postdated tickets, no tickets that end before they begin", refuse: refuseTimes },
];

/**
 * Applies the rules in order.
 * @throws KrbError of the first rule that refuses.
 */
export function applyRules<Facts>(rules: readonly Rule<Facts>[], facts: Facts): void {
  for (const rule of rules) {
    const refusal = rule.refuse(facts);
    if (refusal !== undefined) throw refusal;
  }
}

function refuseTimes(facts: { times: KdcTimes; policy: RealmPolicy; now: number }): KrbError | undefined {
  const { times, policy, now } = facts;
  if (times.from !== undefined && times.from - now > policy.clockSkew)
    return new KrbError("KDC_ERR_CANNOT_POSTDATE", "this realm issues no postdated tickets", {
      from: isoTime(times.from),
      server_time: isoTime(now),
    });
  if (times.till !== undefined && times.till <= now)
    return new KrbError(
      "KDC_ERR_NEVER_VALID",
      `the ticket asked for would already have ended, at ${isoTime(times.till)}`,
      {
        till: isoTime(times.till),
        server_time: isoTime(now),
      },
    );
  return undefined;
}
