/**
 * The times from which no authenticator is accepted any more: what was accepted from them is no longer
 * remembered. In a service that runs, this is everything up to about one skew ago. A clock that was wrong for
 * a while leaves a time of its own, so that it closes no other.
 */

/** A closed time, both ends included, in milliseconds since the epoch. */
export interface ClosedTime {
  readonly from: number;
  readonly through: number;
}

/** The most that are kept apart; the two oldest become one. */
const MAX_APART = 64;

/** Closed times, in order and apart. */
export class ClosedTimes {
  #times: readonly ClosedTime[] = [];
  readonly #gap: number;

  /** @param gap times no further apart than this, in milliseconds, become one. */
  constructor(gap: number) {
    this.#gap = gap;
  }

  /** In order, oldest first. */
  get all(): readonly ClosedTime[] {
    return this.#times;
  }

  /** The closed time that an authenticator of `ctime` falls into. */
  at(ctime: number): ClosedTime | undefined {
    for (let at = this.#times.length - 1; at >= 0; at--) {
      const { from, through } = this.#times[at] as ClosedTime;
      if (ctime > through) return undefined;
      if (ctime >= from) return this.#times[at];
    }
    return undefined;
  }

  /** Closes a time. */
  close(time: ClosedTime): void {
    // Who shares a log reads the same times with each write.
    if (this.#times.some(({ from, through }) => from <= time.from && time.through <= through)) return;
    const sorted = [...this.#times, time].sort((a, b) => a.from - b.from);
    const apart: ClosedTime[] = [];
    for (const next of sorted) {
      const last = apart.at(-1);
      if (last !== undefined && next.from - last.through <= this.#gap) apart.push(both(apart.pop()!, next));
      else apart.push(next);
    }
    while (apart.length > MAX_APART) apart.splice(0, 2, both(apart[0]!, apart[1]!));
    this.#times = apart;
  }
}

function both(a: ClosedTime, b: ClosedTime): ClosedTime {
  return { from: Math.min(a.from, b.from), through: Math.max(a.through, b.through) };
}
