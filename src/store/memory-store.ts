/**
 * The key-value store in memory: for tests, demonstrations and anything that may end with the process.
 *
 * Every step is synchronous and therefore atomic.
 */
import type { KeyValueStore, Scan } from "./key-value-store.js";
import { StoreError } from "./store-error.js";
import { checkStoreKey } from "./store-key.js";

/** Opens an empty store whose records end with the process. */
export function openMemoryStore(): KeyValueStore {
  return new MemoryStore();
}

class MemoryStore implements KeyValueStore {
  /** Values are replaced, never changed in place: `get` returns them uncopied. */
  readonly #records = new Map<string, Uint8Array>();
  #closed = false;

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check(key);
    return this.#records.get(key);
  }

  async update(
    key: string,
    change: (current: Uint8Array | undefined) => Uint8Array | undefined,
  ): Promise<void> {
    this.#check(key);
    const current = this.#records.get(key);
    const next = change(current === undefined ? undefined : Uint8Array.from(current));
    if (next === undefined) this.#records.delete(key);
    else this.#records.set(key, Uint8Array.from(next));
  }

  scan(prefix: string): Scan {
    return {
      [Symbol.asyncIterator]: () => this.#scan(prefix),
      count: async () => this.#keys(prefix).length,
    };
  }

  async *#scan(prefix: string): AsyncGenerator<[key: string, value: Uint8Array]> {
    for (const key of this.#keys(prefix).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      const value = this.#records.get(key);
      if (value !== undefined) yield [key, Uint8Array.from(value)];
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#records.clear();
  }

  #keys(prefix: string): string[] {
    this.#check(undefined);
    return [...this.#records.keys()].filter((key) => key.startsWith(prefix));
  }

  #check(key: string | undefined): void {
    if (this.#closed) throw new StoreError("unavailable", "memory store: closed");
    if (key !== undefined) checkStoreKey(key);
  }
}
