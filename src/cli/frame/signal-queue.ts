/** The signals that a process takes, one after the other, and what one that asks it to end means. */

/** Signals that wait to be taken; none is lost. */
export class SignalQueue {
  readonly #arrived: string[] = [];
  #waiting: ((name: string) => void) | undefined;

  /** Adds a signal that has arrived. */
  add(name: string): void {
    if (this.#waiting === undefined) this.#arrived.push(name);
    else this.#waiting(name);
    this.#waiting = undefined;
  }

  /** Resolves with the name of the next signal. */
  next(): Promise<string> {
    const name = this.#arrived.shift();
    if (name !== undefined) return Promise.resolve(name);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}

/**
 * How long after the first request to end another is the same one, in milliseconds: a terminal gives Ctrl-C
 * to every process, and a program in front, such as npm, passes its own on.
 */
const SAME_REQUEST_MS = 500;

/** Requests to end, of which the second is in earnest. */
export class EndRequests {
  #firstAt: number | undefined;

  /**
   * What a request means that arrives at `now`, in milliseconds of a clock that is never set: to end in
   * order; nothing, as it is the first one again; or to end at once.
   */
  meaningOf(now: number): "in order" | "the same" | "at once" {
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      return "in order";
    }
    return now - this.#firstAt < SAME_REQUEST_MS ? "the same" : "at once";
  }
}
