/**
 * The replay cache in a key-value store: on LMDB it survives the process and the machine, and several
 * processes share it (rules: replay-rules.ts; bytes: replay-log.ts).
 *
 * The store holds a log that all processes append to; each holds in memory what the log says, as
 * `RememberedTags`. All calls that came while a write was under way are one write.
 *
 * Invariants:
 * - A slot is changed by one atomic `update`, and only by who has read it to its end, and all before it. So a
 *   process that appends knows every record before its own: of any number of copies, in any number of
 *   processes, one wins; and it has won when it is on disk.
 * - Times are closed in the state on disk before the slots that held their records are deleted, and
 *   `first` is past those slots by then. Who appends reads the state afterwards: a slot before `first` was
 *   written too late, by a process that was idle for long, and counts for nothing.
 */
import { randomBytes } from "node:crypto";
import { KrbError } from "../../protocol/krb-error.js";
import type { KeyValueStore } from "../key-value-store.js";
import { StoreError } from "../store-error.js";
import { type ClosedTime, ClosedTimes } from "./closed-times.js";
import { newTagSet, type Remembered, RememberedTags } from "./remembered-tags.js";
import type { ReplayCache } from "./replay-cache.js";
import {
  decodeRecords,
  decodeState,
  encodeRecords,
  encodeState,
  FULL_SLOT,
  type LogState,
  SLOTS,
  STATE,
  slotKey,
  slotOf,
} from "./replay-log.js";
import {
  bucketWidth,
  checkReplayArguments,
  type ReplayCacheSettings,
  repeated,
  unreachable,
} from "./replay-rules.js";

/** A call that waits for the next write. */
interface Waiting extends Remembered {
  readonly now: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Remembers authenticators in a key-value store. */
export class StoreReplayCache implements ReplayCache {
  readonly #store: KeyValueStore;
  readonly #settings: ReplayCacheSettings;
  #state: LogState;
  #tags: RememberedTags;
  /** The slot to append to, and how far it was read. */
  #slot = 0;
  #read = 0;
  /** The first slot that was not deleted yet, as far as is known. */
  #undeleted = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #closing = false;

  private constructor(store: KeyValueStore, settings: ReplayCacheSettings, state: LogState) {
    this.#store = store;
    this.#settings = settings;
    this.#state = state;
    this.#tags = new RememberedTags(settings, state.width);
  }

  /**
   * Opens the cache kept in `store`, which it takes over: `close` closes it.
   * @throws RangeError if a setting is out of range; StoreError `corrupt` for a damaged log.
   */
  static async open(store: KeyValueStore, settings: ReplayCacheSettings): Promise<StoreReplayCache> {
    const cache = new StoreReplayCache(store, settings, await beginState(store, settings.skew));
    await cache.#readAll();
    return cache;
  }

  /** The number of records held, by all processes, as this one last saw it. */
  get size(): number {
    return this.#tags.size;
  }

  store(tag: Uint8Array, ctime: number, expiry: number, now: number): Promise<void> {
    return new Promise((resolve, reject) => {
      checkReplayArguments(tag, ctime, expiry, now);
      if (this.#closing) throw unreachable(new Error("closed"));
      this.#waiting.push({ tag: Uint8Array.from(tag), ctime, expiry, now, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#writing;
    await this.#store.close();
  }

  async #writeAll(): Promise<void> {
    // All calls of this turn come along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#write(batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(unreachable(error));
      });
    }
    this.#writing = undefined;
  }

  /** Decides each call of a batch. */
  async #write(batch: readonly Waiting[]): Promise<void> {
    const now = batch.reduce((latest, call) => Math.max(latest, call.now), 0);
    for (let left = batch; left.length > 0; ) {
      await this.#readNew();
      const ended = this.#tags.end(now);
      left = this.#refuse(left);
      if (left.length > 0 && (await this.#append(left))) {
        for (const call of left) call.resolve();
        left = [];
      }
      if (ended) await this.#tidy();
    }
    await this.#deleteSlots();
  }

  /** Refuses those that are known or have no room; returns the others. */
  #refuse(batch: readonly Waiting[]): Waiting[] {
    const inBatch = newTagSet();
    return batch.filter((call) => {
      try {
        this.#tags.check(call, call.now, inBatch.size);
        if (!inBatch.add(call.tag)) throw repeated(call.ctime, call.now);
        return true;
      } catch (error) {
        call.reject(error instanceof KrbError ? error : unreachable(error));
        return false;
      }
    });
  }

  /** Appends to the log. Returns false if another process was faster, or the slot no longer counts. */
  async #append(records: readonly Remembered[]): Promise<boolean> {
    const [slot, read] = [this.#slot, this.#read];
    const added = encodeRecords(records);
    try {
      await this.#store.update(slotKey(slot), (current) => {
        if ((current?.length ?? 0) !== read) throw FASTER;
        return current === undefined ? added : Buffer.concat([current, added]);
      });
    } catch (error) {
      if (error === FASTER) return false;
      throw error;
    }
    const state = await this.#readState();
    if (state.generation !== this.#state.generation || state.first > slot) {
      await this.#readAll(state);
      return false;
    }
    this.#adopt(state);
    for (const record of records) this.#tags.add(record, slot);
    this.#moveTo(slot, read + added.length);
    return true;
  }

  /** Reads what other processes have appended. */
  async #readNew(): Promise<void> {
    for (;;) {
      const value = await this.#store.get(slotKey(this.#slot));
      if (value === undefined && this.#read > 0) await this.#readAll();
      else if (value === undefined || value.length <= this.#read) return;
      else this.#take(this.#slot, value);
    }
  }

  #take(slot: number, value: Uint8Array): void {
    const from = slot === this.#slot ? this.#read : 0;
    for (const record of decodeRecords(slot, value.subarray(from)))
      if (!this.#tags.isClosed(record.ctime)) this.#tags.add(record, slot);
    this.#moveTo(slot, value.length);
  }

  #moveTo(slot: number, length: number): void {
    this.#slot = length >= FULL_SLOT ? slot + 1 : slot;
    this.#read = length >= FULL_SLOT ? 0 : length;
  }

  /** Forgets everything, and reads the whole log. */
  async #readAll(known?: LogState): Promise<void> {
    const state = known ?? (await this.#readState());
    this.#state = state;
    this.#tags = new RememberedTags(this.#settings, state.width);
    this.#adopt(state);
    this.#slot = state.first;
    this.#read = 0;
    this.#undeleted = state.first;
    for await (const [key, value] of this.#store.scan(SLOTS)) {
      const slot = slotOf(key);
      if (slot >= state.first) this.#take(slot, value);
      else this.#undeleted = Math.min(this.#undeleted, slot);
    }
  }

  async #readState(): Promise<LogState> {
    const value = await this.#store.get(STATE);
    if (value === undefined) throw new StoreError("corrupt", "replay cache: its state is gone");
    return decodeState(value);
  }

  #adopt(state: LogState): void {
    this.#state = state;
    for (const time of state.closed) this.#tags.close(time);
  }

  /** Writes down which times are closed, and which slots no longer count. */
  async #tidy(): Promise<void> {
    const first = this.#tags.oldestPlace ?? this.#slot;
    const { closed } = this.#tags;
    await this.#store.update(STATE, (current) => {
      if (current === undefined) return current;
      const state = decodeState(current);
      if (state.generation !== this.#state.generation) return current;
      this.#state = {
        ...state,
        first: Math.max(state.first, first),
        closed: union(state.width, state.closed, closed),
      };
      return encodeState(this.#state);
    });
  }

  /** Deletes a few slots that no longer count, so that no write ever waits for many. */
  async #deleteSlots(): Promise<void> {
    const end = Math.min(this.#state.first, this.#undeleted + SLOTS_DELETED_AT_ONCE);
    const deletions: Promise<void>[] = [];
    for (; this.#undeleted < end; this.#undeleted++)
      deletions.push(this.#store.update(slotKey(this.#undeleted), () => undefined));
    await Promise.all(deletions);
  }
}

const SLOTS_DELETED_AT_ONCE = 8;
/** Another process has appended since this one read. */
const FASTER = new Error("another process was faster");

/** The state of a log, which is begun if there is none. */
async function beginState(store: KeyValueStore, skew: number): Promise<LogState> {
  let state: LogState | undefined;
  const earlier = await closedByEarlierFormat(store);
  await store.update(STATE, (current) => {
    state =
      current === undefined
        ? { generation: randomBytes(6).readUIntBE(0, 6), width: bucketWidth(skew), first: 0, closed: earlier }
        : decodeState(current);
    return encodeState(state);
  });
  return state as LogState;
}

/** Version 0.1 kept a record for each authenticator: nothing from before the last of them is accepted. */
async function closedByEarlierFormat(store: KeyValueStore): Promise<ClosedTime[]> {
  let through: number | undefined;
  for await (const [key] of store.scan("r/")) through = (Number(key.slice(2, 14)) + 1) * 60_000;
  const mark = await store.get("mark");
  if (mark?.length === 16) through = Math.max(through ?? 0, Buffer.from(mark).readDoubleBE(8));
  return through === undefined ? [] : [{ from: Number.NEGATIVE_INFINITY, through }];
}

function union(width: number, a: readonly ClosedTime[], b: readonly ClosedTime[]): readonly ClosedTime[] {
  const times = new ClosedTimes(width);
  for (const time of [...a, ...b]) times.close(time);
  return times.all;
}
