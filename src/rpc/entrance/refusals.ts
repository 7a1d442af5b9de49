/** What the entrance refused, told now and then: an attack must not fill the log. */

/** Told of refusals in one sentence. */
export type TellRefusals = (text: string) => void;

/** How much was refused, by why. */
export interface RefusalTotals {
  /** Connections beyond their limits. */
  connections: number;
  /** Calls beyond their limits. */
  calls: number;
  /** Calls for whose bytes there was no room. */
  bytes: number;
  /** Calls that waited for too long, because there was more to do than could be done. */
  overload: number;
}

/** The least time between two sentences, in milliseconds. */
const INTERVAL_MS = 10_000;

/** Counts refusals, and tells of them every ten seconds at most. */
export class Refusals {
  readonly #tell: TellRefusals | undefined;
  #connections = 0;
  #calls = 0;
  readonly #totals: RefusalTotals = { connections: 0, calls: 0, bytes: 0, overload: 0 };
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(tell: TellRefusals | undefined) {
    this.#tell = tell;
  }

  /** How much was refused since the start. */
  get totals(): Readonly<RefusalTotals> {
    return this.#totals;
  }

  /** A connection was refused. */
  connection(address: string | undefined): void {
    this.#connections++;
    this.#totals.connections++;
    this.#tellOf(address);
  }

  /** A call was refused: there are too many, they hold too much, or it waited for too long. */
  call(address: string | undefined, cause: "calls" | "bytes" | "overload"): void {
    this.#calls++;
    this.#totals[cause]++;
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
