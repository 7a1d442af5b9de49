/**
 * The rules of replay detection, independent of where records are kept (RFC 4120 §3.2.3, §3.2.6).
 *
 * 1. Authenticators are remembered in buckets, by their own time (ctime). A bucket ends when the last of its
 *   authenticators can no longer be accepted; and when the clock was set back so far that none of them can be
 *   accepted for a while (more than two skews): that time comes again, and nobody wants to wait for it.
 * 2. When a bucket ends, the time from which its authenticators were is closed: nothing made then is accepted
 *    any more.
 * 3. When there is no room, new authenticators are refused until the oldest bucket ends.
 *
 * However the clock moves, nothing is accepted twice: an accepted authenticator is remembered, or its time is
 * closed. And a clock that was wrong for a while locks nobody out once it is right: what it closed or
 * remembered is the time that it showed, and the times of the authenticators that ended meanwhile, none of
 * which is later than one skew after the last honest one.
 */
import { TAG_BYTES } from "../../collections/tag-set.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { ClosedTime } from "./closed-times.js";

/** The memory that a cache may take by default, in bytes: 14,000 authenticators a second for five minutes. */
export const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/** What an authenticator takes at most, in bytes. */
export const RECORD_BYTES = 64;

/** What every kind of replay cache is told. Times are milliseconds. */
export interface ReplayCacheSettings {
  /** Permitted difference between clocks, either way. */
  readonly skew: number;
  /** The memory that authenticators may take, in bytes, 64 for each; 256 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** Told when there is no more room for new authenticators, and when there is again. */
  readonly report?: ((text: string) => void) | undefined;
}

/**
 * How many authenticators have room.
 * @throws RangeError naming the setting that is out of range.
 */
export function checkReplaySettings({ skew, maxBytes = DEFAULT_MAX_BYTES }: ReplayCacheSettings): number {
  if (!(skew >= 0 && skew <= MAX_SKEW))
    throw new RangeError(`skew: expected 0 to ${MAX_SKEW} ms, got ${skew}`);
  if (!(Number.isInteger(maxBytes) && maxBytes >= RECORD_BYTES && maxBytes <= MAX_BYTES))
    throw new RangeError(`maxBytes: expected ${RECORD_BYTES} to ${MAX_BYTES} bytes, got ${maxBytes}`);
  return Math.floor(maxBytes / RECORD_BYTES);
}

/** The width of a bucket, in milliseconds. */
export function bucketWidth(skew: number): number {
  return Math.max(1, Math.ceil(skew / 16));
}

/**
 * Checks what a caller passes to `store`.
 * @throws RangeError naming the argument.
 */
export function checkReplayArguments(tag: Uint8Array, ctime: number, expiry: number, now: number): void {
  if (tag.length !== TAG_BYTES) throw new RangeError(`tag: expected ${TAG_BYTES} bytes, got ${tag.length}`);
  checkTime("ctime", ctime);
  checkTime("expiry", expiry);
  checkTime("now", now);
}

function checkTime(name: string, time: number): void {
  if (!(time >= 0 && time <= MAX_TIME)) throw new RangeError(`${name}: expected a time in ms, got ${time}`);
}

/** The refusal of a copy of an accepted authenticator. */
export function repeated(ctime: number, now: number): KrbError {
  return new KrbError(
    "KRB_AP_ERR_REPEAT",
    "this authenticator was used before; make a new one for each request",
    { ctime: iso(ctime), now: iso(now) },
  );
}

/** The refusal of an authenticator from a time that is closed, because of what `why` says. */
export function fromClosedTime(
  ctime: number,
  { from, through }: ClosedTime,
  now: number,
  why: string,
): KrbError {
  return new KrbError("KRB_AP_ERR_SKEW", `${why}; authenticators made up to ${iso(through)} are refused`, {
    ctime: iso(ctime),
    ...(from === Number.NEGATIVE_INFINITY ? {} : { refused_from: iso(from) }),
    refused_through: iso(through),
    now: iso(now),
    side: "server",
  });
}

/** Why a time is closed: the clock was set back since the latest time it showed, or time went by. */
export function whyClosed({ through }: ClosedTime, now: number, latest: number, skew: number): string {
  if (through > now + skew)
    return `this server's clock was once ahead, and showed ${iso(through)}, what it accepted then is not remembered`;
  if (now < latest - skew)
    return `this server's clock was set back from ${iso(latest)}, and what it accepted before is no longer remembered`;
  return "this server no longer remembers what it accepted from that time";
}

/** The refusal when there is no room for another record. */
export function noRoom(records: number, until: number): KrbError {
  return new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the replay cache is full; try again later", {
    max_bytes: String(records * RECORD_BYTES),
    until: iso(until),
  });
}

/** The refusal when records can't be read or written. */
export function unreachable(cause: unknown): KrbError {
  const refusal = new KrbError(
    "KDC_ERR_SVC_UNAVAILABLE",
    "the replay cache cannot be reached; try again later",
  );
  refusal.cause = cause;
  return refusal;
}

/** A time as ISO 8601 has it. */
export function iso(time: number): string {
  return new Date(time).toISOString();
}

const MAX_TIME = 8.64e15;
const MAX_SKEW = 24 * 60 * 60 * 1000;
/** The most memory that authenticators may be given, in bytes. */
export const MAX_BYTES = 2 ** 36;
