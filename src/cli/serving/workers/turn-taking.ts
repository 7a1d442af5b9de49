/**
 * Connections go to the workers in turn.
 *
 * node:cluster gives a connection to whichever worker was the first to say that it has taken the one before.
 * Of many that come at once, most go to the worker that happens to have the processor, and connections stay
 * for up to an hour: one worker had 23 of 32. So here a worker that has had its turn refuses the next, in
 * cluster's own words, as one does that is about to end; cluster then gives it to another.
 *
 * Invariants. A connection waits for the worker whose turn it is for `SLOW_MS` at most: one that is busy, or
 * stuck, misses its turn. All else is cluster's; where a later version of Node words its messages otherwise,
 * so is the choice.
 */
import type { ChildProcess } from "node:child_process";

/** How long a worker may take to take a connection before others take its turn, in milliseconds. */
const SLOW_MS = 250;
/** The pause before a connection is offered once more, in milliseconds. */
const PAUSE_MS = 1;

/** A worker that takes connections. */
export interface Taker {
  /** Whether it listens. */
  readonly isReady: boolean;
}

/** The process of one. */
type Process = Pick<ChildProcess, "send" | "on" | "emit">;

/** What cluster tells a worker to whom it gives a connection. */
interface Offer {
  readonly cmd: "NODE_CLUSTER";
  readonly act: "newconn";
  /** What the connection came to: a listener has the same with all workers. */
  readonly key: string;
  readonly seq: number;
}

/** How one worker stands at one listener. */
interface Standing {
  readonly taker: Taker;
  readonly process: Process;
  /** How many turns it has had, those included that it missed. */
  turns: number;
  /** The offer that it has not answered, and since when. */
  offered: { readonly seq: number; readonly since: number } | undefined;
  /** Since when it waits for others to have their turn. */
  waitsSince: number | undefined;
}

/** Workers that take connections in turn. */
export class TurnTaking {
  readonly #now: () => number;
  readonly #takers = new Map<Taker, Process>();
  readonly #byKey = new Map<string, Map<Taker, Standing>>();

  /** @param now milliseconds of a clock that is never set. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** Has a worker take its turns, from its start on. */
  join(taker: Taker, process: Process): void {
    this.#takers.set(taker, process);
    const send = process.send as (...message: unknown[]) => boolean;
    process.send = (...message: unknown[]) => {
      const go = () => send.apply(process, message);
      return isOffer(message[0]) ? this.#offer(taker, message[0], go) : go();
    };
    process.on("internalMessage", ({ ack }: { readonly ack?: number }) => {
      if (ack !== undefined) this.#answered(taker, ack);
    });
  }

  /** Forgets one that has ended. */
  leave(taker: Taker): void {
    this.#takers.delete(taker);
    for (const standings of this.#byKey.values()) standings.delete(taker);
  }

  #offer(taker: Taker, offer: Offer, go: () => boolean): boolean {
    const own = this.#standingOf(offer.key, taker);
    const now = this.#now();
    const hasWaited = own.waitsSince !== undefined && now - own.waitsSince >= SLOW_MS;
    const before = hasWaited ? [] : this.#before(own, offer.key, now);
    if (before.length === 0) {
      own.turns++;
      // A turn that was missed is not made up for: there may be many.
      for (const one of this.#all(offer.key)) one.turns = Math.max(one.turns, own.turns - 1);
      own.waitsSince = undefined;
      own.offered = { seq: offer.seq, since: now };
      return go();
    }
    own.waitsSince ??= now;
    // At once where another is free to take it; otherwise not before it can be.
    const refuse = () =>
      void own.process.emit("internalMessage", { cmd: "NODE_CLUSTER", ack: offer.seq, accepted: false });
    if (before.some(({ offered }) => offered === undefined)) setImmediate(refuse);
    else setTimeout(refuse, PAUSE_MS);
    return true;
  }

  /** Those whose turn is before a worker's. */
  #before(own: Standing, key: string, now: number): Standing[] {
    return this.#all(key).filter(
      ({ taker, turns, offered }) =>
        turns < own.turns && taker.isReady && (offered === undefined || now - offered.since < SLOW_MS),
    );
  }

  #answered(taker: Taker, seq: number): void {
    for (const standings of this.#byKey.values()) {
      const own = standings.get(taker);
      if (own?.offered?.seq === seq) own.offered = undefined;
    }
  }

  #all(key: string): Standing[] {
    const standings = this.#byKey.get(key);
    return standings === undefined ? [] : [...standings.values()];
  }

  #standingOf(key: string, taker: Taker): Standing {
    let standings = this.#byKey.get(key);
    if (standings === undefined) {
      standings = new Map();
      this.#byKey.set(key, standings);
    }
    for (const [one, process] of this.#takers)
      if (!standings.has(one)) {
        const turns = Math.max(0, ...this.#all(key).map((other) => other.turns));
        standings.set(one, { taker: one, process, turns, offered: undefined, waitsSince: undefined });
      }
    return standings.get(taker)!;
  }
}

function isOffer(message: unknown): message is Offer {
  const { cmd, act, key, seq } = (message ?? {}) as Partial<Offer>;
  return cmd === "NODE_CLUSTER" && act === "newconn" && typeof key === "string" && typeof seq === "number";
}
