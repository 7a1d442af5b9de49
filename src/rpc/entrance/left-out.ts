/**
 * The connections that are not read at all for the while (turns.ts): there is no time for them.
 *
 * They come back one by one, or as many as there is time for; one that has missed much by then is closed
 * instead, and its client begins anew.
 */
import type { Visitor } from "./visitor.js";

/** The least time between two steps in which connections come back, in milliseconds. */
const RETURN_MS = 20;
/** How long a connection may be left out, in milliseconds. */
const LEFT_OUT_MS = 3_000;
/** Every so many steps one of those comes back that have said nothing yet. */
const STEPS_PER_TRY = 5;
/** How many of those that were left out for too long are closed in a step: they will connect again. */
const CLOSED_AT_ONCE = 8;
/**
 * What a connection may have missed to be read again, in milliseconds of the processor. With more its client
 * sends first what it will not wait for, and to do that costs more than a new connection.
 */
const MISSED_MS = 15;

/** Those that are left out, the one for the longest time first. */
export class LeftOut {
  readonly #visitors = new Set<Visitor>();
  /** When some may come back, and how often some could. */
  #returnAt = 0;
  #step = 0;

  /** How many there are. */
  get size(): number {
    return this.#visitors.size;
  }

  add(visitor: Visitor, now: number): void {
    visitor.leftOutAt = now;
    this.#visitors.add(visitor);
  }

  /** Forgets one; nothing happens where it is not left out. */
  delete(visitor: Visitor): void {
    this.#visitors.delete(visitor);
  }

  /** Whether it is time for some to come back. */
  isDue(now: number): boolean {
    return now >= this.#returnAt;
  }

  /**
   * Takes out who comes back: as many as there is room for, whoever has least to say, if that is little, and
   * now and then one of whom nothing is known. Where there is room, those left out for too long are closed.
   */
  comeBack(now: number, room: number, isLight: (visitor: Visitor) => boolean): readonly Visitor[] {
    this.#returnAt = now + RETURN_MS;
    this.#step++;
    // What was left out last has the least that is too late.
    const last = room > 0 ? [...this.#visitors].slice(-room) : [];
    const lightest = this.#lightest(isLight);
    const newest = [...this.#visitors].findLast(({ rate }) => rate === 0);
    if (room > 0) this.#closeSome(now, lightest);
    const back: Visitor[] = [];
    for (const visitor of last) {
      const missed = (visitor.rate * (now - visitor.leftOutAt!)) / 1_000;
      if (missed > MISSED_MS) this.#close(visitor);
      else this.#takeOut(visitor, back);
    }
    if (lightest !== undefined) this.#takeOut(lightest, back);
    if (newest !== undefined && this.#step % STEPS_PER_TRY === 0) this.#takeOut(newest, back);
    return back;
  }

  #lightest(isLight: (visitor: Visitor) => boolean): Visitor | undefined {
    let lightest: Visitor | undefined;
    for (const visitor of this.#visitors)
      if (isLight(visitor) && visitor.rate < (lightest?.rate ?? Number.POSITIVE_INFINITY)) lightest = visitor;
    return lightest;
  }

  #closeSome(now: number, but: Visitor | undefined): void {
    let closing = CLOSED_AT_ONCE;
    for (const visitor of this.#visitors)
      if (now - visitor.leftOutAt! > LEFT_OUT_MS && visitor !== but && closing-- > 0) this.#close(visitor);
  }

  #close(visitor: Visitor): void {
    if (this.#visitors.delete(visitor)) visitor.reader.close();
  }

  #takeOut(visitor: Visitor, back: Visitor[]): void {
    if (!this.#visitors.delete(visitor)) return;
    visitor.leftOutAt = undefined;
    back.push(visitor);
  }
}
