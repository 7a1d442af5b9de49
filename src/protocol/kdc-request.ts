/**
 * What AS-REQ and TGS-REQ have in common (RFC 4120 §5.4.1): reading the fields a client chose, and the life a ticket gets.
 */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { EncryptionType as EtypeNumber } from "../gen/kerberos/v1/encryption_pb.js";
import { KdcOption, KdcOptionSchema } from "../gen/kerberos/v1/kdc_pb.js";
import { fromOptionalTimestamp } from "./kerberos-time.js";
import { KrbError } from "./krb-error.js";

/** Length in bytes of the nonce of a request. */
export const NONCE_SIZE = 16;
/** Most encryption types a request may list. */
export const MAX_ETYPES = 32;

/** The times a client asks for, in milliseconds since the epoch; undefined: as policy allows. */
export interface KdcTimes {
  readonly from: number | undefined;
  readonly till: number | undefined;
  readonly renewTill: number | undefined;
}

/** The fields a client chose, read and bounded. */
export interface KdcRequest {
  readonly times: KdcTimes;
  readonly options: readonly KdcOption[];
  readonly nonce: Uint8Array;
  readonly etypes: readonly EtypeNumber[];
}

/**
 * Reads the common fields of a request.
 * @throws KrbError KRB_ERR_GENERIC for a missing or malformed field, KRB_ERR_FIELD_TOOLONG for too many encryption
 *   types, KDC_ERR_BADOPTION for an option this KDC does not have.
 */
export function readKdcRequest(
  message: {
    from?: Timestamp | undefined;
    till?: Timestamp | undefined;
    renewTill?: Timestamp | undefined;
    options: KdcOption[];
    nonce: Uint8Array;
    etypes: EtypeNumber[];
  },
  name: string,
): KdcRequest {
  const { nonce, etypes, options } = message;
  if (nonce.length !== NONCE_SIZE)
    throw malformed(`${name}.nonce`, `expected ${NONCE_SIZE} bytes, got ${nonce.length}`);
  if (etypes.length === 0) throw malformed(`${name}.etypes`, "at least one is required");
  if (etypes.length > MAX_ETYPES)
    throw new KrbError("KRB_ERR_FIELD_TOOLONG", `${name}.etypes: at most ${MAX_ETYPES} are accepted`, {
      field: `${name}.etypes`,
      length: String(etypes.length),
      limit: String(MAX_ETYPES),
    });
  const unknown = options.find((option) => option === KdcOption.UNSPECIFIED || !isOption(option));
  if (unknown !== undefined)
    throw new KrbError("KDC_ERR_BADOPTION", `option ${unknown} is not supported`, {
      option: String(unknown),
    });
  if (options.length > 1 && new Set(options).size !== options.length)
    throw malformed(`${name}.options`, "an option stands there twice");
  return {
    times: {
      from: fromOptionalTimestamp(message.from, `${name}.from`),
      till: fromOptionalTimestamp(message.till, `${name}.till`),
      renewTill: fromOptionalTimestamp(message.renewTill, `${name}.renew_till`),
    },
    options,
    nonce,
    etypes,
  };
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

/** The life and renewal a ticket gets: all limits and wishes, the smallest wins. */
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

/** A malformed field. */
export function malformed(field: string, what: string): KrbError {
  return new KrbError("KRB_ERR_GENERIC", `${field}: ${what}`, { field });
}

function isOption(option: number): boolean {
  return KdcOptionSchema.values.some(({ number }) => number === option);
}
