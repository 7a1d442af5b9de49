/** Writes many records into a database, with many on their way at a time. */
import type { KeyValueStore, OnExisting } from "../../store/key-value-store.js";

/** A record to be written. */
export type NewRecord = readonly [key: string, value: Uint8Array, onExisting: OnExisting];

/** How many are on their way: enough that many share a write transaction and its sync. */
const IN_FLIGHT = 1024;
/** How many go together, where a database takes several in one step. */
const TOGETHER = 512;

/**
 * Writes records; when it resolves, all of them are on the disk.
 * @param onWritten told how many are, from time to time.
 * @returns how many there were.
 * @throws StoreError as the store does; what was written before stays.
 */
export async function fill(
  store: KeyValueStore,
  records: AsyncIterable<NewRecord>,
  onWritten: (count: number) => void = () => {},
): Promise<number> {
  const underway = new Underway(onWritten);
  const batches: Record<OnExisting, [key: string, value: Uint8Array][]> = { keep: [], replace: [] };
  const send = async (onExisting: OnExisting) => {
    const batch = batches[onExisting];
    batches[onExisting] = [];
    if (batch.length > 0) await underway.add(store.writeAll!(batch, onExisting), batch.length);
  };
  try {
    for await (const [key, value, onExisting] of records) {
      if (store.writeAll === undefined) {
        const change = (current: Uint8Array | undefined) =>
          onExisting === "keep" && current !== undefined ? current : value;
        await underway.add(store.update(key, change), 1);
        continue;
      }
      batches[onExisting].push([key, value]);
      if (batches[onExisting].length >= TOGETHER) await send(onExisting);
    }
    await send("keep");
    await send("replace");
    return await underway.end();
  } catch (error) {
    await underway.settle();
    throw error;
  }
}

/** Writes that are on their way, and how many records they are. */
class Underway {
  readonly #onWritten: (count: number) => void;
  readonly #writes: { readonly written: Promise<unknown>; readonly count: number }[] = [];
  #waiting = 0;
  #done = 0;

  constructor(onWritten: (count: number) => void) {
    this.#onWritten = onWritten;
  }

  /** Adds a write, and waits until there is room for another. */
  async add(written: Promise<unknown>, count: number): Promise<void> {
    // Its failure is met where it is waited for.
    written.catch(() => {});
    this.#writes.push({ written, count });
    this.#waiting += count;
    while (this.#waiting >= IN_FLIGHT * 2) await this.#first();
  }

  /** Waits for all, and tells how many records they were. */
  async end(): Promise<number> {
    while (this.#writes.length > 0) await this.#first();
    return this.#done;
  }

  /** Waits until none is on its way, whatever becomes of them. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#writes.map(({ written }) => written));
  }

  async #first(): Promise<void> {
    const { written, count } = this.#writes[0]!;
    await written;
    this.#writes.shift();
    this.#waiting -= count;
    this.#done += count;
    this.#onWritten(this.#done);
  }
}
