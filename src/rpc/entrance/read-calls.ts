/**
 * The calls that were read and wait for the end of the turn: those of connections with little to say first,
 * and then the newest, which can matter for longest. One that would come too late is refused as soon as that
 * can be told: when those before it, and what it has waited already, take longer than its caller waits.
 */
import type { Visitor } from "./visitor.js";

/** A call that was read. */
export interface ReadCall {
  readonly method: string;
  /** How long its caller waits for it in all, in milliseconds; Infinity: it is never refused. */
  readonly patienceMs: number;
  /** Whether its caller has given it up. */
  isOver(): boolean;
  start(): void;
  /** Refuses it. */
  refuse(): void;
}

/** A call that waits. */
interface Unstarted {
  readonly visitor: Visitor;
  readonly call: ReadCall;
  readonly costMs: number;
  /** `call.patienceMs`, which is read from its headers. */
  readonly patienceMs: number;
  /** When it was read. */
  readonly readAt: number;
  /** How many were read of its connection before it, in the same turn. */
  readonly index: number;
}

/** What became of the calls of a turn. */
export interface Started {
  /** How many of each method were started. */
  readonly calls: ReadonlyMap<string, number>;
  readonly refused: number;
}

/** Calls that wait. */
export class ReadCalls {
  #light: Unstarted[] = [];
  #others: Unstarted[] = [];
  #costMs = 0;

  /** How many wait. */
  get total(): number {
    return this.#light.length + this.#others.length;
  }

  /** How many wait whose connections have more to say. */
  get size(): number {
    return this.#others.length;
  }

  /** What those are expected to cost, in milliseconds of the processor. */
  get costMs(): number {
    return this.#costMs;
  }

  /** Adds a call, which is now one of `visitor.count`. */
  add(visitor: Visitor, call: ReadCall, costMs: number, readAt: number, isLight: boolean): void {
    const waiting = { visitor, call, costMs, patienceMs: call.patienceMs, readAt, index: visitor.count - 1 };
    if (isLight) this.#light.push(waiting);
    else this.#others.push(waiting);
    if (!isLight) this.#costMs += costMs;
  }

  /** Starts calls for as long as there is time, and refuses those for which there will be none. */
  start(hasTime: () => boolean, now: number): Started {
    const calls = new Map<string, number>();
    const start = ({ call }: Unstarted) => {
      if (call.isOver()) return;
      calls.set(call.method, (calls.get(call.method) ?? 0) + 1);
      call.start();
    };
    const light = this.#light;
    this.#light = [];
    const late = this.#takeLate(now, sum(light));
    for (const one of light) start(one);
    while (this.#others.length > 0 && hasTime()) start(this.#others.pop()!);
    for (const { call } of late) call.refuse();
    // It is what is left, not what was added and taken away: that would gather errors.
    this.#costMs = sum(this.#others);
    return { calls, refused: late.length };
  }

  /** Takes out what would come too late. @param before what comes before all of them, in milliseconds. */
  #takeLate(now: number, before: number): readonly Unstarted[] {
    const late: Unstarted[] = [];
    let untilThen = before;
    const inTime = this.#others.toReversed().filter((one) => {
      const isInTime = ageOf(one, now) + untilThen + one.costMs <= one.patienceMs;
      if (isInTime) untilThen += one.costMs;
      else late.push(one);
      return isInTime;
    });
    if (late.length > 0) this.#others = inTime.reverse();
    return late.filter(({ call }) => !call.isOver());
  }
}

/** How long a call has waited, as if those of its connection had come evenly while that was not read. */
function ageOf({ visitor, index, readAt }: Unstarted, now: number): number {
  return visitor.waited * (1 - (index + 0.5) / visitor.count) + (now - readAt);
}

function sum(all: readonly Unstarted[]): number {
  return all.reduce((total, { costMs }) => total + costMs, 0);
}
