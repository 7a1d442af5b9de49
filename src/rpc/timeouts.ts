/**
 * Who has waited for too long. One timer serves all who wait: they began in the order in which they stand, so
 * that the first is the first to be late.
 */

/** Those who wait, all for the same time at most. */
export class Timeouts<Waiter> {
  readonly #limitMs: number;
  readonly #onLate: (waiter: Waiter) => void;
  readonly #began = new Map<Waiter, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onLate told of each who is late, who then does not wait any more. It must not throw. */
  constructor(limitMs: number, onLate: (waiter: Waiter) => void) {
    this.#limitMs = limitMs;
    this.#onLate = onLate;
  }

  /** Begins a wait. */
  add(waiter: Waiter): void {
    this.#began.set(waiter, performance.now());
    this.#timer ??= this.#lookIn(this.#limitMs);
  }

  /** Whether it waits: it was not late, nor ended. */
  has(waiter: Waiter): boolean {
    return this.#began.has(waiter);
  }

  /** Ends a wait; nothing happens where there is none. */
  end(waiter: Waiter): void {
    this.#began.delete(waiter);
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#timer = undefined;
    for (const [waiter, began] of this.#began) {
      const left = began + this.#limitMs - performance.now();
      if (left > 0) {
        this.#timer = this.#lookIn(left);
        return;
      }
      this.#began.delete(waiter);
      this.#onLate(waiter);
    }
  }
}
