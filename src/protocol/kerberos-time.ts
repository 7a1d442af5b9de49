/**
 * Time in the protocol: whole milliseconds since the epoch, always a parameter. Edges are exact to the millisecond.
 */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { KrbError, malformed } from "./krb-error.js";

/** Seconds of 0001-01-01 and 9999-12-31, the range of google.protobuf.Timestamp. */
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;

/** Turns milliseconds since the epoch into a Timestamp. */
export function toTimestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  const nanos = (ms - seconds * 1000) * 1_000_000;
  // What `create` would make, without its walk over the fields: a ticket and its reply have eight times.
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos };
}

/**
 * Turns a Timestamp into milliseconds since the epoch; finer parts are dropped.
 * @throws KrbError KRB_ERR_GENERIC when it is outside the range of google.protobuf.Timestamp.
 */
export function fromTimestamp(time: Timestamp, field: string): number {
  const { seconds, nanos } = time;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos > 999_999_999)
    throw malformed(field, "not a valid time");
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}

/** As `fromTimestamp`, of a field that may be absent. */
export function fromOptionalTimestamp(time: Timestamp | undefined, field: string): number | undefined {
  return time === undefined ? undefined : fromTimestamp(time, field);
}

/** A time as ISO 8601 text, for refusals and logs: what `Date.toISOString` gives, which takes as long as a hash. */
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

/** Texts up to the point before the milliseconds, of seconds that came lately: those of requests, and of their tickets' ends. */
const textsOfSeconds = new Map<number, string>();
const MAX_TEXTS = 64;

/**
 * Compares a peer's time with ours (RFC 4120 §3.2.3): exactly the permitted skew is still accepted.
 * @throws KrbError KRB_AP_ERR_SKEW that names the measured offset, the limit and which side is ahead.
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
 * A KDC's clock minus ours, from one exchange: the smallest offset that explains it, 0 if the time on the wire does.
 * @param measured the KDC's time in its reply minus ours on receipt, in milliseconds.
 * @param elapsed milliseconds from request to receipt.
 */
export function leastOffset(measured: number, elapsed: number): number {
  return measured > 0 ? measured : Math.min(0, measured + elapsed);
}
