/** Times and lifetimes as a person types and reads them. */
import { parseDuration } from "../../protocol/duration.js";
import { UsageError } from "../frame/command.js";

const MOST = 100 * 366 * 86_400_000;

/**
 * Reads a lifetime: `10h`, `1d12h`, `10:00`, `10:00:00`, or seconds.
 * @returns milliseconds.
 * @throws UsageError for anything else.
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
 * Reads a point in time: `2027-01-31`, `2027-01-31T12:00`, in local time unless a zone follows (`Z`,
 * `+02:00`); `now`, `never`, or a span from now on.
 * @param now milliseconds since the epoch.
 * @returns milliseconds since the epoch; undefined for `never`.
 * @throws UsageError for anything else.
 */
export function parseExpiry(text: string, option: string, now: number): number | undefined {
  if (text === "never" || text === "none") return undefined;
  if (text === "now") return now;
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const time = parseDate(text);
    if (time !== undefined) return time;
    throw new UsageError(`${option}: expected a date such as 2027-01-31 or 2027-01-31T12:00Z, got ${text}`);
  }
  return now + parseLifetime(text.replace(/^\+/, ""), option);
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Undefined if it is not a date of the calendar: `Date` would take 30 February for 2 March. */
function parseDate(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  if (hour! > 23 || minute! > 59 || second! > 59) return undefined;
  const inUtc = new Date(Date.UTC(year!, month! - 1, day!));
  if (inUtc.getUTCMonth() !== month! - 1 || inUtc.getUTCDate() !== day!) return undefined;
  const zone = match[7];
  if (zone === undefined) return new Date(year!, month! - 1, day!, hour, minute, second).getTime();
  const time = Date.parse(text.replace(" ", "T"));
  return Number.isNaN(time) ? undefined : time;
}

/** A point in time as local time: `2027-01-31 12:00:00`. */
export function localTime(ms: number): string {
  const time = new Date(ms);
  const two = (part: number) => String(part).padStart(2, "0");
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())];
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return `${date.join("-")} ${clock.map(two).join(":")}`;
}
