/**
 * Time in the protocol: whole milliseconds since the epoch, and always a parameter. Limits are exact to the
 * millisecond.
 */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { KrbError, malformed } from "./krb-error.js";

/** The range of google.protobuf.Timestamp in seconds: the years 1 to 9999. */
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;

/** Turns milliseconds since the epoch into a Timestamp. */
export function toTimestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  const nanos = (ms - seconds * 1000) * 1_000_000;
  // As `create` would make it, without walking over the fields: a ticket and its reply hold eight times.
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos };
}

/**
 * Turns a Timestamp into milliseconds since the epoch; anything finer is dropped.
 * @throws KrbError KRB_ERR_GENERIC if it is outside the range of google.protobuf.Timestamp.
 */
export function fromTimestamp(time: Timestamp, field: string): number {
  const { seconds, nanos } = time;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos > 999_999_999)
    throw malformed(field, "not a valid time");
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}

/** As `fromTimestamp`, for a field that may be absent. */
export function fromOptionalTimestamp(time: Timestamp | undefined, field: string): number | undefined {
  return time === undefined ? undefined : fromTimestamp(time, field);
}

/**
 * A time, in milliseconds since the epoch, as ISO 8601 text: what `Date.toISOString` gives, though that takes
 * as long as a hash.
 */
export function isoTime(ms: number): string {
  const time = Math.trunc(ms);
  const second = Math.floor(time / 1000);
  let text = textsOfSeconds.get(second);
  if (text === undefined) {
    text = new Date(time).toISOString().slice(0, -4);
    if (textsOfSeconds.size >= MAX_TEXTS) textsOfSeconds.clear();
    textsOfSeconds.set(second, text);
  }
  return `${text}${String(time - second * 1000).padStart(3, "0")}Z`;
}

/**
 * The texts of recent seconds, up to the milliseconds: those of requests, and of the ends of their tickets.
 */
const textsOfSeconds = new Map<number, string>();
const MAX_TEXTS = 64;

/**
 * Compares a peer's time with ours (RFC 4120 §3.2.3); exactly the permitted skew is still accepted. All three
 * are milliseconds.
 * @throws KrbError KRB_AP_ERR_SKEW, which names the offset measured, the limit and the side that is ahead.
 */
export function checkSkew(peerTime: number, now: number, skew: number): void {
  const offset = peerTime - now;
  if (Math.abs(offset) <= skew) return;
  const side = offset > 0 ? "client is ahead" : "client is behind";
  const seconds = (Math.abs(offset) / 1000).toFixed(3);
  throw new KrbError(
    "KRB_AP_ERR_SKEW",
    `clock skew too great: the ${side} of the server by ${seconds} s, at most ${skew / 1000} s is permitted`,
    { offset_ms: String(offset), limit_ms: String(skew), side, server_time: isoTime(now) },
  );
}

/**
 * The KDC's clock minus ours, in milliseconds, from one exchange: the smallest offset that explains it; 0 if
 * the time on the wire does.
 * @param measured the KDC's time in its reply minus ours on receipt, in milliseconds.
 * @param elapsed the time from request to receipt, in milliseconds.
 */
export function leastOffset(measured: number, elapsed: number): number {
  return measured > 0 ? measured : Math.min(0, measured + elapsed);
}
