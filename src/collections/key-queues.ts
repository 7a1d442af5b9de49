/**
 * Work that waits its turn: what concerns one key runs one after the other, what concerns different keys side
 * by side.
 *
 * Invariants. Work begins in the order it came, and only when all before it on its key has ended, well or
 * badly. A key with nothing left to do takes no memory.
 */

/** A queue for each key. */
export class KeyQueues<K> {
  /** The end of the last piece of work on each key; it never rejects. */
  readonly #ends = new Map<K, Promise<void>>();

  /** Runs `work` when all work on `key` that came before it has ended. Settles as `work` does. */
  run<T>(key: K, work: () => T | Promise<T>): Promise<T> {
    const result = (this.#ends.get(key) ?? Promise.resolve()).then(work);
    const leave = () => {
      if (this.#ends.get(key) === end) this.#ends.delete(key);
    };
    const end: Promise<void> = result.then(leave, leave);
    this.#ends.set(key, end);
    return result;
  }

  /** Resolves when all work that has come by now has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#ends.values());
  }

  /** How many keys have work that has not ended. */
  get size(): number {
    return this.#ends.size;
  }
}
