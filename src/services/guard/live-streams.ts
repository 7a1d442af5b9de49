/**
 * The streams that a guard has let in and that go on: each is looked at every few seconds, whether its ticket
 * still lets it. One timer serves all of them, and there is none while there are no streams.
 */
import { Chain, type Link } from "../../collections/chain.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import type { Timer } from "../../rpc/timer.js";
import type { Clock } from "../clock.js";
import type { KeySource } from "./keys.js";

/** How often streams are looked at, in milliseconds; beside the clock skew it does not matter. */
const LOOK_MS = 10_000;

/** A stream that goes on. */
export interface LiveStream {
  /**
   * Ends itself if it may not go on; it must not throw.
   * @param service undefined: the keytab can't be read at the moment.
   * @param now milliseconds since the epoch.
   */
  look(service: ServiceKeys | undefined, now: number): void;
}

/** What streams are looked at with. */
export interface LiveStreamsParts {
  readonly keys: KeySource;
  readonly clock: Clock;
  readonly timer: Timer;
}

/** Streams that go on. */
export class LiveStreams {
  readonly #parts: LiveStreamsParts;
  readonly #streams = new Chain<LiveStream>();
  #stopTimer: (() => void) | undefined;

  constructor(parts: LiveStreamsParts) {
    this.#parts = parts;
  }

  /** How many there are. */
  get size(): number {
    return this.#streams.size;
  }

  /** Looks at a stream from now on, until it is taken out by its link. */
  add(stream: LiveStream): Link<LiveStream> {
    this.#stopTimer ??= this.#parts.timer(LOOK_MS, () => this.#wake());
    return this.#streams.add(stream);
  }

  /** Looks at it no more: it has ended. */
  remove(link: Link<LiveStream> | undefined): void {
    this.#streams.remove(link);
    if (this.#streams.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #wake(): void {
    const service = this.#keys();
    const now = this.#parts.clock();
    // Those that end take themselves out.
    for (const stream of this.#streams) stream.look(service, now);
    this.#stopTimer = this.#streams.size > 0 ? this.#parts.timer(LOOK_MS, () => this.#wake()) : undefined;
  }

  #keys(): ServiceKeys | undefined {
    try {
      return this.#parts.keys();
    } catch {
      return undefined; // Calls tell of it.
    }
  }
}
