/**
 * A key-value store on a disk that can lose what was not synced. A change is made at its own moment, is seen
 * at once by everybody who has the disk open, is synced a little later, and only then acknowledged. When the
 * machine loses its power, each change that was not synced yet is kept or lost by itself.
 */

export class Disk {
  #scheduler;
  #random;
  /** What everybody sees. */
  #seen = new Map();
  /** What is on the disk: by key, the bytes. */
  #synced = new Map();
  /** Changes that were made and are not synced, in their order. */
  #unsynced = new Set();
  /** The longest that a change takes, and its sync after it, in milliseconds. */
  slowness = 2;
  /** Whether the system refuses changes. */
  refuses = false;
  /** Told of each change as it is made: key, bytes or undefined. */
  onChange = () => {};

  /** @param StoreError the product's error for a store that can't be used. */
  constructor(scheduler, random, StoreError) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.StoreError = StoreError;
  }

  /** Opens it for one process. */
  open() {
    return new Opened(this);
  }

  /** The power fails: what was not synced is lost, or a part of it. Whoever had it open is gone. */
  losePower() {
    for (const change of this.#unsynced) {
      change.isOver = true;
      if (this.#random.chance(0.5)) put(this.#synced, change.key, change.bytes);
    }
    this.#unsynced.clear();
    this.#seen = new Map(this.#synced);
  }

  get(key) {
    return this.#seen.get(key);
  }

  keys() {
    return [...this.#seen.keys()];
  }

  /** A moment later, as slow as the disk is. */
  pause() {
    return this.#scheduler.sleep(this.#random.between(0, this.slowness));
  }

  /** Makes a change; resolves when it is synced. */
  async change(key, change) {
    const current = this.#seen.get(key);
    const next = change(current === undefined ? undefined : Uint8Array.from(current));
    const bytes = next === undefined ? undefined : Uint8Array.from(next);
    put(this.#seen, key, bytes);
    this.onChange(key, bytes);
    const made = { key, bytes, isOver: false };
    this.#unsynced.add(made);
    await this.pause();
    // In order: an earlier change of the key is not synced after a later one.
    for (const earlier of this.#unsynced) {
      if (earlier.key === key && !earlier.isOver) {
        put(this.#synced, key, earlier.bytes);
        earlier.isOver = true;
        this.#unsynced.delete(earlier);
      }
      if (earlier === made) break;
    }
  }
}

function put(map, key, bytes) {
  if (bytes === undefined) map.delete(key);
  else map.set(key, bytes);
}

/**
 * A disk as one process has it open: a `KeyValueStore`. Once the process is gone, nothing it waits for comes.
 */
class Opened {
  #disk;
  #isGone = false;
  #isClosed = false;

  constructor(disk) {
    this.#disk = disk;
  }

  /** The process was killed. */
  abandon() {
    this.#isGone = true;
  }

  async get(key) {
    await this.#check();
    return this.#disk.get(key);
  }

  async update(key, change) {
    await this.#check();
    if (this.#disk.refuses) throw new this.#disk.StoreError("unavailable", "sim: the disk refuses changes");
    await this.#disk.pause();
    await this.#check();
    await this.#disk.change(key, change);
    await this.#check();
  }

  async *scan(prefix) {
    await this.#check();
    const keys = this.#disk.keys().filter((key) => key.startsWith(prefix));
    for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      const value = this.#disk.get(key);
      if (value !== undefined) yield [key, Uint8Array.from(value)];
    }
  }

  async close() {
    this.#isClosed = true;
  }

  #check() {
    if (this.#isGone) return new Promise(() => {});
    if (this.#isClosed) throw new this.#disk.StoreError("unavailable", "sim: closed");
    return undefined;
  }
}
