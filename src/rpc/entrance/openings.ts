/**
 * Connections that begin, a few in each turn of the event loop: to begin HTTP/2, and TLS before it, costs
 * more than a call, and hundreds that come at once would stop all others.
 */

/** How long connections may take to begin in one turn, in milliseconds. */
const TURN_MS = 5;

/** Begins connections in the order in which they come. */
export class Openings {
  #waiting: (() => void)[] = [];
  /** How long those of this turn took. */
  #tookMs = 0;
  #isUnderWay = false;
  readonly #endTurn = () => this.#onTurn();

  /** Begins one: now, or in a later turn. */
  run(begin: () => void): void {
    if (this.#tookMs < TURN_MS && this.#waiting.length === 0) this.#begin(begin);
    else this.#waiting.push(begin);
    if (!this.#isUnderWay) setImmediate(this.#endTurn);
    this.#isUnderWay = true;
  }

  #begin(begin: () => void): void {
    const began = performance.now();
    begin();
    this.#tookMs += performance.now() - began;
  }

  #onTurn(): void {
    this.#isUnderWay = false;
    this.#tookMs = 0;
    let begun = 0;
    for (; begun < this.#waiting.length && this.#tookMs < TURN_MS; begun++)
      this.#begin(this.#waiting[begun]!);
    this.#waiting.splice(0, begun);
    if (begun === 0) return;
    this.#isUnderWay = true;
    setImmediate(this.#endTurn);
  }
}
