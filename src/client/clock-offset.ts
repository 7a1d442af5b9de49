/**
 * The KDC's clock less ours, as a refusal hints at it. Nobody has signed a refusal: a hint is good for one
 * more try, and what is kept is measured from a sealed reply.
 */
import type { Credentials } from "../protocol/credentials.js";
import { KrbError } from "../protocol/krb-error.js";

/** A difference, in milliseconds, that a message's way over the network may explain. */
const NOISE = 1000;

/**
 * The longest skew that a KDC may permit, in milliseconds: a ticket may begin so much later than our time.
 */
const LONGEST_SKEW = 3_600_000;

/**
 * The offset that KRB_AP_ERR_SKEW hints at, in milliseconds; undefined for any other error, and without a
 * hint that changes anything.
 * @param refused the offset that the refused time was made with, in milliseconds.
 */
export function hintedOffset(error: unknown, refused: number): number | undefined {
  if (!isSkew(error)) return undefined;
  const measured = Number(error.details.offset_ms);
  return Number.isSafeInteger(measured) && measured !== 0 ? refused - measured : undefined;
}

/** Whether two offsets differ by more than the network explains. */
export function offsetsDiffer(one: number, other: number): boolean {
  return Math.abs(one - other) >= NOISE;
}

/**
 * Whether a ticket may be good at a time. No authenticator is made for any other: it would be of use to
 * nobody but whoever asked for it.
 */
export function isInLife({ starttime, endtime }: Credentials, now: number): boolean {
  return now >= starttime - LONGEST_SKEW && now < endtime;
}

/** A refusal as it is thrown on: that of a time says which kept offset, in milliseconds, it was made with. */
export function withKeptOffset(error: unknown, kept: number): unknown {
  if (!isSkew(error) || !offsetsDiffer(kept, 0)) return error;
  return new KrbError(error.reason, error.message, { ...error.details, kept_offset_ms: String(kept) });
}

/**
 * Whether an error says that our time is too far from the server's. Without an offset it is the server's own
 * memory that is at fault, and no other time would do.
 */
export function isTimeRefused(error: unknown): error is KrbError {
  return hintedOffset(error, 0) !== undefined;
}

/** Whether an error says that clocks are too far apart. */
export function isSkew(error: unknown): error is KrbError {
  return error instanceof KrbError && error.reason === "KRB_AP_ERR_SKEW";
}
