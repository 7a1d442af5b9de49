/** A connection as its process reads it in turns (turns.ts): how much it says, and where it waits. */
/** What a connection has to say is what it said within this time, in milliseconds. */
const RECENT_MS = 1_000;

/** Whoever has connections; each has its part of a turn. */
export interface ReadPeer {
  /** Whether it has a share. */
  readonly hasShare: boolean;
}

/** How one connection is read. */
export interface Reader {
  stop(): void;
  start(): void;
  /** Closes it. */
  close(): void;
}

/** What is known of a connection's turns. */
export class Visitor {
  readonly peer: ReadPeer;
  readonly reader: Reader;
  /** Whether it waits for its turn. */
  isHeld = false;
  /** Since when it is left out; undefined: it is not. */
  leftOutAt: number | undefined;
  isGone = false;
  /** The last turn in which it was read. */
  readIn = -1;
  /** The last turn in which reading it began again. */
  releasedIn = -1;
  /** The last round in which it was read. */
  round = -1;
  /**
   * Calls in what was last read of it, and what they are expected to cost in milliseconds of the processor.
   */
  count = 0;
  costMs = 0;
  /** What it said of late, by its cost: what it said a second ago does not count any more. */
  #recent = 0;
  /** Since when it has something to say. */
  #since = 0;
  /** What its calls of a second are expected to cost, in milliseconds; 0: it has said nothing yet. */
  rate = 0;
  heldSince = 0;
  /** How long what is read now may have waited, in milliseconds. */
  waited = 0;
  /** When it last said something, or began. */
  lastCall: number;
  /** Whether it had said nothing when it was read last. */
  wasFresh = false;

  constructor(peer: ReadPeer, reader: Reader, now: number) {
    this.peer = peer;
    this.reader = reader;
    this.lastCall = now;
  }

  /** Whether it has had something to say of late. */
  isSpeaking(now: number): boolean {
    return now - this.lastCall < RECENT_MS;
  }

  /** Counts a call, by what it is expected to cost. */
  speak(now: number, costMs: number): void {
    const kept = 1 - (now - this.lastCall) / RECENT_MS;
    if (this.#recent === 0 || kept <= 0) this.#since = now;
    this.#recent = this.#recent * Math.max(0, kept) + costMs;
    this.rate = (this.#recent * 1_000) / Math.min(Math.max(now - this.#since, 50), RECENT_MS);
    this.lastCall = now;
  }
}
