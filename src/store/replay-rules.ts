/**
 * The rules of replay detection, independent of where records are kept (RFC 4120 §3.2.3, §3.2.6). With skew
 * S:
 *
 * 1. A record is kept until the time its caller asked for, and at least until ctime + 2S inclusive.
 * 2. The high-water mark is the latest `now` seen. A clock more than S below it was stepped back: everything
 *    is refused, so that old authenticators cannot come back with an old clock.
 * 3. The forgotten mark is the latest ctime of any record dropped. An authenticator no later than that may
 *    have been accepted before, so it is refused.
 *
 * Rule 3 alone ensures, however the clock moves, that nothing is accepted twice: an accepted authenticator is
 * either still remembered, or was dropped and so is no later than the mark. Rule 1 keeps rule 3 from touching
 * honest clients: a record is dropped at `now` > ctime + 2S, by rule 2 nothing is served below `now` - S, and
 * a client within S of that has a ctime above the mark.
 */
import { KrbError } from "../protocol/krb-error.js";

/** The last millisecond at which a record must still be held (rule 1). */
export function keptUntil(ctime: number, expiry: number, skew: number): number {
  return Math.max(expiry, ctime + 2 * skew);
}

/**
 * Checks what a caller passes to `store`.
 * @throws RangeError naming the argument.
 */
export function checkReplayArguments(tag: Uint8Array, ctime: number, expiry: number, now: number): void {
  if (tag.length < MIN_TAG || tag.length > MAX_TAG)
    throw new RangeError(`tag: expected ${MIN_TAG} to ${MAX_TAG} bytes, got ${tag.length}`);
  checkTime("ctime", ctime);
  checkTime("expiry", expiry);
  checkTime("now", now);
}

function checkTime(name: string, time: number): void {
  if (!(time >= 0 && time <= MAX_TIME)) throw new RangeError(`${name}: expected a time in ms, got ${time}`);
}

/**
 * Checks the settings of a replay cache.
 * @throws RangeError naming the setting.
 */
export function checkReplaySettings(skew: number, capacity: number): void {
  if (!(skew >= 0 && skew <= MAX_SKEW))
    throw new RangeError(`skew: expected 0 to ${MAX_SKEW} ms, got ${skew}`);
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= MAX_CAPACITY))
    throw new RangeError(`capacity: expected 1 to ${MAX_CAPACITY}, got ${capacity}`);
}

/** The most authenticators a cache remembers by default. */
export const DEFAULT_CAPACITY = 1_000_000;

/** The refusal of a copy of an accepted authenticator. */
export function repeated(ctime: number, now: number): KrbError {
  return new KrbError(
    "KRB_AP_ERR_REPEAT",
    "this authenticator was used before; make a new one for each request",
    {
      ctime: iso(ctime),
      now: iso(now),
    },
  );
}

/** The refusal of everything after the clock was stepped back (rule 2). */
export function clockSteppedBack(now: number, highWater: number, skew: number): KrbError {
  return new KrbError(
    "KRB_AP_ERR_SKEW",
    "the server's clock was set back by more than the permitted skew; its operator must correct it",
    { now: iso(now), high_water: iso(highWater), limit_ms: String(skew), side: "server" },
  );
}

/**
 * The refusal of an authenticator that the cache may have accepted before: none made up to `through` is
 * accepted.
 */
export function cannotKnow(ctime: number, through: number, now: number, why: string): KrbError {
  return new KrbError("KRB_AP_ERR_SKEW", `${why}; authenticators made up to ${iso(through)} are refused`, {
    ctime: iso(ctime),
    refused_through: iso(through),
    now: iso(now),
    side: "server",
  });
}

/** The reason given under rule 3. */
export const FORGOTTEN = "the record of authenticators from that time was dropped";

/** The refusal when there is no room for another record and none may be dropped yet. */
export function noRoom(capacity: number): KrbError {
  return new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the replay cache is full; try again later", {
    capacity: String(capacity),
  });
}

const MIN_TAG = 8;
const MAX_TAG = 64;
const MAX_TIME = 8.64e15;
const MAX_SKEW = 24 * 60 * 60 * 1000;
const MAX_CAPACITY = 2 ** 24;

function iso(time: number): string {
  return new Date(time).toISOString();
}
