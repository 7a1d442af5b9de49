/** What a check of `tessera doctor` comes to. */

/** The result of a check. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "note" | "bad";
  readonly text: string;
  readonly hint?: string | undefined;
}

/** How much is left until something ends: whole days, or hours on the last of them; `ended` once it has. */
export function timeLeft(end: number, now: number): string {
  const hours = Math.floor((end - now) / HOUR_MS);
  if (hours < 0) return "ended";
  return hours < 48 ? `${hours} hours left` : `${Math.floor(hours / 24)} days left`;
}

/** `bad` in the last three days and after them, `note` in the last two weeks, `ok` before. */
export function stateUntil(end: number, now: number): Finding["state"] {
  const days = (end - now) / DAY_MS;
  return days < 3 ? "bad" : days < 14 ? "note" : "ok";
}

const HOUR_MS = 3_600_000;
/** A day, in milliseconds. */
export const DAY_MS = 24 * HOUR_MS;
