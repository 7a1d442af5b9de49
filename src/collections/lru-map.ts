/**
 * A map of what was used last: where it is full, what has not been used for longest makes room.
 *
 * Invariants. The entries stand in a chain in the order of their last use, so that each step, making room
 * included, takes the same time however many there are. The total of the sizes, each as it was at its entry's
 * last use, never exceeds the limit.
 */

interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
  size: number;
  older: Entry<K, V> | undefined;
  newer: Entry<K, V> | undefined;
}

/** A map bounded by what its values add up to. */
export class LruMap<K, V> {
  readonly #limit: number;
  readonly #sizeOf: (value: V) => number;
  readonly #onDelete: (key: K, value: V) => void;
  readonly #entries = new Map<K, Entry<K, V>>();
  #oldest: Entry<K, V> | undefined;
  #newest: Entry<K, V> | undefined;
  #total = 0;

  /**
   * @param limit the most that is kept, as `sizeOf` counts it.
   * @param sizeOf the size of a value, from 0 up, asked for at each use: it may change. 1 for each by
   *   default, so that `limit` is a number of entries.
   * @param onDelete told of each entry that is forgotten to make room, or by `delete`.
   * @throws RangeError for a limit that is no whole number from 1 up.
   */
  constructor(
    limit: number,
    sizeOf: (value: V) => number = () => 1,
    onDelete: (key: K, value: V) => void = () => {},
  ) {
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new RangeError(`limit: expected a whole number from 1 up, got ${limit}`);
    this.#limit = limit;
    this.#sizeOf = sizeOf;
    this.#onDelete = onDelete;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** What all entries add up to, as `sizeOf` counted them last. */
  get total(): number {
    return this.#total;
  }

  /** The most that is kept. */
  get limit(): number {
    return this.#limit;
  }

  /** The value of a key, which is thereby used. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#append(entry);
    }
    const size = this.#sizeOf(entry.value);
    if (size !== entry.size) {
      this.#total += size - entry.size;
      entry.size = size;
      this.#makeRoom();
    }
    return entry.value;
  }

  /** Keeps a value, in place of any other of its key. One that alone is larger than the limit is not kept. */
  set(key: K, value: V): void {
    this.delete(key);
    const size = this.#sizeOf(value);
    if (size > this.#limit) return;
    const entry: Entry<K, V> = { key, value, size, older: undefined, newer: undefined };
    this.#entries.set(key, entry);
    this.#append(entry);
    this.#total += size;
    this.#makeRoom();
  }

  /** Forgets a key; false when it was not there. */
  delete(key: K): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#unlink(entry);
    this.#total -= entry.size;
    this.#onDelete(key, entry.value);
    return true;
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
    this.#total = 0;
  }

  /** All entries, the one longest unused first; using none of them. The one at hand may be deleted. */
  *[Symbol.iterator](): Generator<readonly [K, V], void, undefined> {
    let entry = this.#oldest;
    while (entry !== undefined) {
      const { key, value, newer } = entry;
      yield [key, value];
      entry = newer;
    }
  }

  #makeRoom(): void {
    while (this.#total > this.#limit && this.#oldest !== undefined) this.delete(this.#oldest.key);
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry<K, V>): void {
    const { older, newer } = entry;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    // What is dead and old leads to nothing that lives: it would keep it from being collected.
    entry.older = undefined;
    entry.newer = undefined;
  }
}
