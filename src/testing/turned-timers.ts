/** Timers by a clock that a test turns: whoever waits is woken when the clock has been turned far enough. */
import type { Timer } from "../rpc/timer.js";

interface Waiter {
  /** By the clock, in milliseconds since the epoch. */
  readonly at: number;
  readonly wake: () => void;
}

/** Timers of one clock. */
export class TurnedTimers {
  readonly #clock: () => number;
  readonly #waiting = new Set<Waiter>();

  /** @param clock milliseconds since the epoch. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Waits by this clock. */
  readonly timer: Timer = (ms, wake) => {
    const waiter = { at: this.#clock() + ms, wake };
    this.#waiting.add(waiter);
    return () => void this.#waiting.delete(waiter);
  };

  /** Told that the clock was turned: wakes those whose time has come, the earliest first, each once. */
  turned(): void {
    const now = this.#clock();
    const due = [...this.#waiting].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    for (const waiter of due) if (this.#waiting.delete(waiter)) waiter.wake();
  }
}
