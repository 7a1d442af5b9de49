/** What the process has done of late, by method, and what that cost: what is learned from it (costs.ts). */
import { Costs } from "./costs.js";

/** What a refusal goes by, as a method among methods. */
const REFUSED = "";
/** How long it takes to learn what calls cost, in milliseconds: to ask the system for less would cost more. */
const LEARNING_MS = 10;

/** The work that is done, and what it costs. */
export class DoneWork {
  readonly #cpu: () => number;
  readonly #costs = new Costs();
  /** What was done since what it cost was learned last, how often of each method. */
  readonly #done = new Map<string, number>();
  #learnedAt = 0;
  #cpuMs = 0;
  #rate = 0;

  /** @param cpu milliseconds of the processor that this process has used. */
  constructor(cpu: () => number) {
    this.#cpu = cpu;
  }

  /** What is done in a second, refusals apart, by its expected cost in milliseconds. */
  get rate(): number {
    return this.#rate;
  }

  /** What a call of a method is expected to cost, in milliseconds. */
  costOf(method: string): number {
    return this.#costs.of(method);
  }

  /** Begins to look. */
  begin(now: number): void {
    this.#rate = 0;
    this.#cpuMs = this.#cpu();
    this.#done.clear();
    this.#learnedAt = now;
  }

  /** Counts calls that were started, by method, and those that were refused. */
  add(calls: ReadonlyMap<string, number>, refused: number): void {
    for (const [method, times] of calls) this.#count(method, times);
    if (refused > 0) this.#count(REFUSED, refused);
  }

  /** Learns from what was counted, if enough time has passed. */
  learn(now: number): void {
    if (this.#done.size === 0 || now < this.#learnedAt + LEARNING_MS) return;
    const cpu = this.#cpu();
    const usedMs = Math.max(cpu - this.#cpuMs, 0.1);
    this.#cpuMs = cpu;
    let expectedMs = 0;
    for (const [method, times] of this.#done)
      if (method !== REFUSED) expectedMs += times * this.#costs.of(method);
    const perSecond = 1_000 / Math.max(now - this.#learnedAt, 1);
    this.#learnedAt = now;
    this.#rate += (perSecond * expectedMs - this.#rate) / 16;
    this.#costs.learn(this.#done, usedMs);
    this.#done.clear();
  }

  #count(method: string, times: number): void {
    this.#done.set(method, (this.#done.get(method) ?? 0) + times);
  }
}
