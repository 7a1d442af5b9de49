/**
 * How many calls each connection may have under way while there is more to do than can be done: what its
 * client is told (told-streams.ts), and keeps to.
 *
 * Reading a call to refuse it costs a fifth of doing it, and whoever is refused sends the next. So clients
 * are told to have no more under way than can be done in a quarter of a second: the rest waits with them,
 * where it costs the server nothing and ends by itself when nobody wants it any more. The peers have equal
 * parts of it, and so have a peer's connections, each one call at least. Connections with little to say are
 * told nothing.
 *
 * What a client sends before it has taken note, HTTP/2 refuses with REFUSED_STREAM, which says that nothing
 * was done: gRPC's clients send it again by themselves.
 */
import type { Peer } from "./connection.js";
import type { Visitor } from "./visitor.js";

/** How long it should take to do what is under way, in milliseconds. */
const UNDER_WAY_MS = 250;
/** The least time between two words to the clients, in milliseconds: one needs some time to show. */
const INTERVAL_MS = 250;
/** How much of what a step of learning says is believed. */
const RATE = 1 / 8;
/** More than so many calls a client may have as many as ever. */
const MOST = 32;

/** The limits of a process's connections. */
export class StreamLimits {
  #allotAt = 0;
  /** Calls that are done, a second. */
  #perSecond = 0;
  /** Those that were told a limit. */
  readonly #limited = new Set<Visitor>();
  #lifting: NodeJS.Timeout | undefined;

  /** There is more to do than can be done, from now on. */
  begin(now: number): void {
    clearTimeout(this.#lifting);
    this.#allotAt = now + INTERVAL_MS;
    this.#perSecond = 0;
  }

  /** Learns how many calls a second were done. */
  learn(perSecond: number): void {
    this.#perSecond += (perSecond - this.#perSecond) * (this.#perSecond === 0 ? 1 : RATE);
  }

  /** Whether it is time to say something. */
  isDue(now: number): boolean {
    return now >= this.#allotAt;
  }

  /** Tells clients how many calls they may have under way. @param speaking those who have something to say. */
  allot(speaking: readonly Visitor[], isLight: (visitor: Visitor) => boolean, now: number): void {
    this.#allotAt = now + INTERVAL_MS;
    const byPeer = new Map<Peer, Visitor[]>();
    for (const visitor of speaking) {
      if (isLight(visitor)) continue;
      const all = byPeer.get(visitor.peer);
      if (all === undefined) byPeer.set(visitor.peer, [visitor]);
      else all.push(visitor);
    }
    const ofPeer = (this.#perSecond * UNDER_WAY_MS) / 1_000 / Math.max(byPeer.size, 1);
    for (const visitors of byPeer.values()) {
      const calls = Math.max(1, Math.round(ofPeer / visitors.length));
      for (const visitor of visitors) this.#limit(visitor, calls > MOST ? undefined : calls);
    }
  }

  /** Forgets a connection; nothing happens where it is not known. */
  leave(visitor: Visitor): void {
    this.#limited.delete(visitor);
  }

  /** Lets clients have as many calls as ever, unless there is too much again within a second. */
  liftSoon(): void {
    clearTimeout(this.#lifting);
    if (this.#limited.size > 0) this.#lifting = setTimeout(() => this.#lift(), 1_000).unref();
  }

  #lift(): void {
    for (const visitor of this.#limited) this.#limit(visitor, undefined);
    // Those that had not taken note of the last word are told later.
    this.liftSoon();
  }

  #limit(visitor: Visitor, calls: number | undefined): void {
    if (calls !== undefined) this.#limited.add(visitor);
    if (visitor.reader.limit(calls) && calls === undefined) this.#limited.delete(visitor);
  }
}
