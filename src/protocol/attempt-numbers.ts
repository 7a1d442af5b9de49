/**
 * The numbers of the attempts made under one session: each is taken once (session.proto,
 * `SessionCall.number`).
 *
 * Numbers rise, but calls overtake each other: so those that have not come yet are remembered one by one, and
 * not as a window below the highest, which a slow upload beside many fast calls would fall out of.
 *
 * Invariants. Every number up to the highest was taken, is missing, or is not waited for any more. `#missing`
 * is ascending. A session holds these for as long as it lasts, and most hold none: so both are made when they
 * are first needed.
 */

/** The most missing numbers that are waited for; the lowest are given up first. */
const MAX_MISSING = 1024;
/** The most numbers that were taken without their call having run; those taken first are given up first. */
const MAX_UNUSED = 1024;
const NONE: number[] = [];

/** The numbers of a session's attempts. */
export class AttemptNumbers {
  #highest = 0;
  #missing = NONE;
  /** Taken, yet the call was not run: a repeat may name one of them, once. */
  #unused = NONE;

  /** How many numbers are remembered one by one. */
  get size(): number {
    return this.#missing.length + this.#unused.length;
  }

  /** Takes a number. False where it came before, or is not waited for any more. */
  take(number: number): boolean {
    if (number <= this.#highest) return this.#takeMissing(number);
    if (number > this.#highest + 1) this.#miss(Math.max(this.#highest + 1, number - MAX_MISSING), number);
    this.#highest = number;
    return true;
  }

  /** Says of a number just taken that its call is not run: it came too late. */
  leaveUnused(number: number): void {
    if (this.#unused.length >= MAX_UNUSED) this.#unused.shift();
    if (this.#unused.length === 0) this.#unused = [number];
    else this.#unused.push(number);
  }

  /**
   * Takes the number of an attempt that another repeats. False where that attempt may have run: the repeat
   * must not.
   */
  takeRepeated(number: number): boolean {
    const at = this.#unused.indexOf(number);
    if (at < 0) return this.take(number);
    this.#unused.splice(at, 1);
    return true;
  }

  /** Waits for the numbers from `first` up to, not including, `end`. */
  #miss(first: number, end: number): void {
    const missing = this.#missing.length === 0 ? [] : this.#missing;
    for (let number = first; number < end; number++) missing.push(number);
    if (missing.length > MAX_MISSING) missing.splice(0, missing.length - MAX_MISSING);
    this.#missing = missing;
  }

  #takeMissing(number: number): boolean {
    const missing = this.#missing;
    let from = 0;
    let to = missing.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (missing[middle]! < number) from = middle + 1;
      else to = middle;
    }
    if (missing[from] !== number) return false;
    missing.splice(from, 1);
    return true;
  }
}
