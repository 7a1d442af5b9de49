/** What the entrance refused, told now and then: an attack must not fill the log. */

/** Told of refusals in one sentence. */
export type TellRefusals = (text: string) => void;

/** The least time between two sentences, in milliseconds. */
const INTERVAL_MS = 10_000;

/** Counts refusals, and tells of them every ten seconds at most. */
export class Refusals {
  readonly #tell: TellRefusals | undefined;
  #connections = 0;
  #calls = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(tell: TellRefusals | undefined) {
    this.#tell = tell;
  }

  /** A connection was refused. */
  connection(address: string | undefined): void {
    this.#connections++;
    this.#tellOf(address);
  }

  /** A call was refused. */
  call(address: string | undefined): void {
    this.#calls++;
    this.#tellOf(address);
  }

  #tellOf(address: string | undefined): void {
    const now = performance.now();
    if (this.#tell === undefined || now < this.#toldAt + INTERVAL_MS) return;
    const refused = `connections refused: ${this.#connections}, calls refused: ${this.#calls}`;
    this.#tell(`too much at once: ${refused}, the last from ${address ?? "a local socket"}`);
    this.#connections = 0;
    this.#calls = 0;
    this.#toldAt = now;
  }
}
