/**
 * The numbers of the attempts made under one session: each is taken once (session.proto,
 * `SessionCall.number`).
 *
 * Numbers rise, but calls overtake each other: so those that have not come yet are remembered one by one, and
 * not as a window below the highest, which a slow upload beside many fast calls would fall out of.
 *
 * Invariants. Every number up to the highest was taken, is missing, or is not waited for any more. `#missing`
 * is ascending, for numbers are added in that order alone.
 */

/** The most missing numbers that are waited for; the lowest are given up first. */
const MAX_MISSING = 1024;
/** The most numbers that were taken without their call having run. */
const MAX_UNUSED = 1024;

/** The numbers of a session's attempts. */
export class AttemptNumbers {
  #highest = 0;
  readonly #missing = new Set<number>();
  /** Taken, yet the call was not run: a repeat may name one of them, once. */
  readonly #unused = new Set<number>();

  /** Takes a number. False where it came before, or is not waited for any more. */
  take(number: number): boolean {
    if (number <= this.#highest) return this.#missing.delete(number);
    for (let n = Math.max(this.#highest + 1, number - MAX_MISSING); n < number; n++) this.#missing.add(n);
    this.#highest = number;
    dropFirst(this.#missing, MAX_MISSING);
    return true;
  }

  /** Says of a number just taken that its call is not run: it came too late. */
  leaveUnused(number: number): void {
    this.#unused.add(number);
    dropFirst(this.#unused, MAX_UNUSED);
  }

  /**
   * Takes the number of an attempt that another repeats. False where that attempt may have run: the repeat
   * must not.
   */
  takeRepeated(number: number): boolean {
    return this.#unused.delete(number) || this.take(number);
  }
}

function dropFirst(numbers: Set<number>, limit: number): void {
  if (numbers.size <= limit) return;
  for (const first of numbers) {
    numbers.delete(first);
    if (numbers.size <= limit) return;
  }
}
