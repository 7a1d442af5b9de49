/**
 * Who has waited for too long. One timer serves all who wait: they began in the order in which they stand, so
 * that the first is the first to be late.
 */
import { Chain, type Link } from "../collections/chain.js";

/** A wait: whose it is, since when, and whether it goes on. */
interface Waiting<Waiter> {
  readonly waiter: Waiter;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly began: number;
}

/** What ends a wait. */
export type Wait<Waiter> = Link<Waiting<Waiter>>;

/** Those who wait, all for the same time at most. */
export class Timeouts<Waiter> {
  readonly #limitMs: number;
  readonly #onLate: (waiter: Waiter) => void;
  readonly #waiting = new Chain<Waiting<Waiter>>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onLate told of each who is late, who then does not wait any more. It must not throw. */
  constructor(limitMs: number, onLate: (waiter: Waiter) => void) {
    this.#limitMs = limitMs;
    this.#onLate = onLate;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Begins a wait, which goes on (`isIn`) until it is late or ends. */
  add(waiter: Waiter): Wait<Waiter> {
    this.#timer ??= this.#lookIn(this.#limitMs);
    return this.#waiting.add({ waiter, began: performance.now() });
  }

  /** Ends a wait; nothing happens where there is none. */
  end(wait: Wait<Waiter> | undefined): void {
    this.#waiting.remove(wait);
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#timer = undefined;
    for (let wait = this.#waiting.first; wait !== undefined; wait = this.#waiting.first) {
      const left = wait.member.began + this.#limitMs - performance.now();
      if (left > 0) {
        this.#timer = this.#lookIn(left);
        return;
      }
      this.#waiting.remove(wait);
      this.#onLate(wait.member.waiter);
    }
  }
}
