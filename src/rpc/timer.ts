/** Waking up later, as a parameter: a test turns its clock instead of waiting. */

/**
 * Wakes once.
 * @param ms how long from now, in milliseconds. Whoever is woken looks at the clock: it may be too early.
 * @returns what calls it off; nothing happens where it has woken already.
 */
export type Timer = (ms: number, wake: () => void) => () => void;

/** The longest time that Node's timers take; longer ones would wake at once. */
const MAX_MS = 2 ** 31 - 1;

/** Node's own timer; it keeps no process alive. */
export const systemTimer: Timer = (ms, wake) => {
  const timeout = setTimeout(wake, Math.min(ms, MAX_MS)).unref();
  return () => clearTimeout(timeout);
};
