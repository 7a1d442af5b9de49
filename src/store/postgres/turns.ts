/**
 * Turns at a bounded number of connections. Whoever waits does so for as long as the others get on; where
 * nothing has come to an end for a while, nothing will.
 */

interface Waiting {
  readonly begin: () => void;
  readonly giveUp: () => void;
}

/** Turns, given in the order in which they were asked for. */
export class Turns {
  readonly #patience: number;
  readonly #waiting = new Set<Waiting>();
  #free: number;
  #lastEnd = performance.now();

  /** @param patience how long nothing may come to an end, in milliseconds. */
  constructor(count: number, patience: number) {
    this.#free = count;
    this.#patience = patience;
  }

  /** Waits for a turn, which `end` ends. Throws an Error whose code is `BUSY`. */
  async begin(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      let timer: NodeJS.Timeout;
      const waiting = {
        begin: () => {
          clearTimeout(timer);
          resolve();
        },
        giveUp: () => {
          const left = this.#lastEnd + this.#patience - performance.now();
          if (left > 0) {
            timer = setTimeout(waiting.giveUp, left);
            return;
          }
          this.#waiting.delete(waiting);
          reject(Object.assign(new Error(`nothing ended in ${this.#patience} ms`), { code: "BUSY" }));
        },
      };
      timer = setTimeout(waiting.giveUp, this.#patience);
      this.#waiting.add(waiting);
    });
  }

  /** Ends a turn. */
  end(): void {
    this.#lastEnd = performance.now();
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next.begin();
      return;
    }
    this.#free++;
  }
}
