/**
 * What calls cost the processor, learned by method. Calls of one event loop run through one another, so that
 * none can be timed by itself: what a turn of all of them took is shared out by what each was expected to
 * cost, and since turns differ in what they are made of, each method comes to its own.
 */

/** What a call of an unknown method is expected to cost at first, in milliseconds. */
const FIRST_MS = 0.2;
/** How many methods are known: paths are whatever callers write. Those seen last are kept. */
const MOST_METHODS = 256;
/** How fast is learned: the part of a difference that one turn mends. */
const RATE = 1 / 8;

/** Costs in milliseconds of the processor. */
export class Costs {
  /** The method that was seen longest ago first. */
  readonly #byMethod = new Map<string, number>();
  /** What a call costs on average. */
  #usual = FIRST_MS;

  /** What a call of a method is expected to cost. */
  of(method: string): number {
    return this.#byMethod.get(method) ?? this.#usual;
  }

  /** Learns from a turn: how many calls of each method it was made of, and what it took. */
  learn(calls: ReadonlyMap<string, number>, tookMs: number): void {
    let count = 0;
    let expected = 0;
    for (const [method, times] of calls) {
      count += times;
      expected += times * this.of(method);
    }
    if (count === 0) return;
    // A turn may have been held up by something else: no single one changes much.
    const off = Math.min(Math.max(tookMs / expected, 0.5), 2) - 1;
    for (const [method, times] of calls) {
      const cost = this.of(method);
      this.#byMethod.delete(method);
      this.#byMethod.set(method, cost * (1 + RATE * off * ((times * cost) / expected)));
    }
    this.#usual += RATE * (((1 + off) * expected) / count - this.#usual);
    for (const method of this.#byMethod.keys()) {
      if (this.#byMethod.size <= MOST_METHODS) break;
      this.#byMethod.delete(method);
    }
  }
}
