/** Clocks that can't be right, in a plain sentence: a machine without a battery, a wrong date typed in. */

/** Before the first release of this program, and after all that its tickets and caches are made for. */
const EARLIEST = Date.UTC(2025, 0, 1);
const LATEST = Date.UTC(2090, 0, 1);

/**
 * Says so where the clock of this machine can't be right; undefined where it may be.
 * @param now what it shows, in milliseconds since the epoch.
 */
export function clockFault(now: number): string | undefined {
  if (now >= EARLIEST && now < LATEST) return undefined;
  const shown = new Date(now).toISOString().slice(0, 10);
  return `the clock of this machine is at fault: it shows ${shown}; set it (NTP)`;
}
