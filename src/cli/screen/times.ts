/** Times and lifetimes as a person types and reads them. */
import { parseDuration } from "../../protocol/duration.js";
import { UsageError } from "../frame/command.js";

const MOST = 100 * 366 * 86_400_000;

/**
 * Reads a lifetime: `10h`, `1d12h`, `10:00`, `10:00:00`, or seconds.
 * @returns milliseconds. Throws UsageError.
 */
export function parseLifetime(text: string, option: string): number {
  const clock = /^(\d{1,4}):(\d{2})(?::(\d{2}))?$/.exec(text);
  const [, hours, minutes, seconds = "0"] = clock ?? [];
  let ms: number | undefined;
  try {
    ms = parseDuration(clock === null ? text : `${hours}h${minutes}m${seconds}s`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  if (ms === undefined || ms <= 0 || ms > MOST)
    throw new UsageError(`${option}: expected a time such as 10h, 7d, 1d12h or 10:00:00, got ${text}`);
  return ms;
}

/**
 * Reads a point in time: `2027-01-31`, `2027-01-31T12:00Z`, `never`, or a lifetime from now on.
 * @returns milliseconds since the epoch; undefined for `never`. Throws UsageError.
 */
export function parseExpiry(text: string, option: string, now: number): number | undefined {
  if (text === "never" || text === "none") return undefined;
  if (text === "now") return now;
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return time;
    throw new UsageError(`${option}: expected a date such as 2027-01-31 or 2027-01-31T12:00Z, got ${text}`);
  }
  return now + parseLifetime(text.replace(/^\+/, ""), option);
}

/** A point in time by the clock on the wall: `2027-01-31 12:00:00`. */
export function localTime(ms: number): string {
  const d = new Date(ms);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
