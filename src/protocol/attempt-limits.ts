/**
 * How many wrong proofs the AS takes before it makes a guesser wait: three buckets of tokens, for a name at
 * one address, for a name wherever it is tried from, and for an address whatever names it tries.
 *
 * A bucket is one number, the time at which it is full again (the generic cell rate algorithm): pure
 * arithmetic, in milliseconds.
 */
import { formatDuration, parseDuration } from "./duration.js";

/** A bucket: so many failed attempts at once; what was used comes back evenly, all of it within the span. */
export interface AttemptLimit {
  /** Whole, from 1 up. */
  readonly count: number;
  /** Milliseconds. */
  readonly span: number;
}

/** The limits of a realm. */
export interface AttemptLimits {
  /** For one name from one address. */
  readonly nameAndPeer: AttemptLimit;
  /** For one name, from all addresses where it has not logged in before. */
  readonly name: AttemptLimit;
  /** For one address, whatever the names. */
  readonly peer: AttemptLimit;
}

/** The names of the limits, as `realm.json` has them. */
export const ATTEMPT_LIMIT_NAMES = ["nameAndPeer", "name", "peer"] as const;

/** A person's typing mistakes, an office behind one address; a guesser gets one a minute at a name. */
export const DEFAULT_ATTEMPT_LIMITS: AttemptLimits = Object.freeze({
  nameAndPeer: { count: 10, span: 600_000 },
  name: { count: 60, span: 600_000 },
  peer: { count: 300, span: 300_000 },
});

/** What `parseAttemptLimit` takes. */
export const ATTEMPT_LIMIT_FORM =
  'a count and the time in which it comes back, such as "10/10m" (1 to 1000000, within 1s to 1d)';

const LIMIT = /^([1-9]\d{0,6})\/(.+)$/;
const MOST = 1_000_000;
const SPANS = { least: 1_000, most: 86_400_000 } as const;

/** Reads `COUNT/TIME`, such as `10/10m`; undefined for anything else. */
export function parseAttemptLimit(text: string): AttemptLimit | undefined {
  const [, count = "", time = ""] = LIMIT.exec(text) ?? [];
  try {
    const limit = { count: Number(count), span: parseDuration(time) };
    return isAttemptLimit(limit) ? limit : undefined;
  } catch {
    return undefined; // its RangeError knows neither file nor key; the caller names both
  }
}

/** Writes a limit as `parseAttemptLimit` reads it. */
export function formatAttemptLimit({ count, span }: AttemptLimit): string {
  return `${count}/${formatDuration(span)}`;
}

/** Whether a limit is within bounds. */
export function isAttemptLimit({ count, span }: AttemptLimit): boolean {
  return Number.isInteger(count) && count >= 1 && count <= MOST && span >= SPANS.least && span <= SPANS.most;
}

/** How long a bucket that is full at `fullAt` refuses the next attempt, in milliseconds; 0: it takes it. */
export function waitOf({ count, span }: AttemptLimit, fullAt: number, now: number): number {
  return Math.max(0, fullAt - now - span + span / count);
}

/**
 * When the bucket is full again by the present clock: at the latest a span from now, so that a clock that was
 * ahead and was set back leaves nobody locked out until it is there again.
 */
export function asOf({ span }: AttemptLimit, fullAt: number, now: number): number {
  return Math.min(fullAt, now + span);
}

/** When the bucket is full again once an attempt is taken from it. */
export function afterAttempt(limit: AttemptLimit, fullAt: number, now: number): number {
  return Math.max(asOf(limit, fullAt, now), now) + limit.span / limit.count;
}

/** When it is full again once `attempts` are put back. */
export function afterRefund({ count, span }: AttemptLimit, fullAt: number, attempts: number): number {
  return fullAt - (attempts * span) / count;
}
