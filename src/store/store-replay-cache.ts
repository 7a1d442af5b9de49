/**
 * The replay cache in a key-value store: on LMDB it survives the process and the machine, and several processes may
 * share it (rules: replay-rules.ts).
 *
 * Keys: `r/BUCKET/TAG`, bucket = ctime in whole minutes, 12 digits; tag in hexadecimal; so a sweep is a range. Value, 24
 * bytes: ctime, the time until which it is kept, the `now` of storing, each a big-endian double. `mark`, 16 bytes: the
 * high-water mark at the last sweep and the forgotten mark.
 *
 * Invariants:
 * - The same authenticator has the same ctime, which lies inside its ciphertext, so the same key. Its one atomic step
 *   is `update`: of any number of copies, in any number of processes, one wins, and it wins once it is on the disk.
 * - Marks are on the disk before the records they speak of are dropped. `store` reads them again after its own record
 *   is written, so a record dropped in between is noticed.
 * - The high-water mark of a store is the later of the mark's and the latest `now` in any record, so it needs no
 *   write of its own for each authenticator.
 */

import { KrbError } from "../protocol/krb-error.js";
import type { KeyValueStore } from "./key-value-store.js";
import type { ReplayCache } from "./replay-cache.js";
import {
  cannotKnow,
  checkReplayArguments,
  checkReplaySettings,
  clockSteppedBack,
  DEFAULT_CAPACITY,
  FORGOTTEN,
  keptUntil,
  noRoom,
  repeated,
} from "./replay-rules.js";

/** Settings of a replay cache in a store. Times are milliseconds. */
export interface StoreReplayCacheOptions {
  /** Permitted difference of clocks, either way. */
  readonly skew: number;
  /** Most records held, counted by each process; 1,000,000 unless given. */
  readonly capacity?: number;
}

interface Marks {
  readonly highWater: number;
  readonly forgottenThrough: number;
}

interface ReplayRecord {
  readonly ctime: number;
  readonly keptUntil: number;
  readonly storedAt: number;
}

// The same for all processes and for ever: it is part of the keys.
const BUCKET_WIDTH = 60_000;
const RECORDS = "r/";
const MARK = "mark";
const SWEEP_BATCH = 1000;

/** Remembers authenticators in a key-value store. */
export class StoreReplayCache implements ReplayCache {
  readonly #store: KeyValueStore;
  readonly #skew: number;
  readonly #capacity: number;
  #size = 0;
  #highWater = Number.NEGATIVE_INFINITY;
  #marks: Marks = NO_MARKS;
  #nextSweep = Number.NEGATIVE_INFINITY;
  #sweeping: Promise<void> | undefined;

  private constructor(store: KeyValueStore, skew: number, capacity: number) {
    this.#store = store;
    this.#skew = skew;
    this.#capacity = capacity;
  }

  /**
   * Opens the cache kept in `store`, which it takes over: `close` closes it.
   * @throws RangeError for settings out of range.
   */
  static async open(
    store: KeyValueStore,
    { skew, capacity = DEFAULT_CAPACITY }: StoreReplayCacheOptions,
  ): Promise<StoreReplayCache> {
    checkReplaySettings(skew, capacity);
    const cache = new StoreReplayCache(store, skew, capacity);
    await cache.#load();
    return cache;
  }

  /** How many records are held, as far as this process knows. */
  get size(): number {
    return this.#size;
  }

  async store(tag: Uint8Array, ctime: number, expiry: number, now: number): Promise<void> {
    checkReplayArguments(tag, ctime, expiry, now);
    if (now < this.#highWater - this.#skew) throw clockSteppedBack(now, this.#highWater, this.#skew);
    this.#highWater = Math.max(this.#highWater, now);
    this.#checkForgotten(ctime, now);
    const record = { ctime, keptUntil: keptUntil(ctime, expiry, this.#skew), storedAt: now };
    try {
      await this.#insert(keyOf(tag, ctime), record, now);
      this.#marks = later(this.#marks, decodeMarks(await this.#store.get(MARK)));
    } catch (error) {
      throw error instanceof KrbError ? error : unreachable(error);
    }
    const { highWater } = this.#marks;
    this.#highWater = Math.max(this.#highWater, highWater);
    if (now < highWater - this.#skew) throw clockSteppedBack(now, highWater, this.#skew);
    this.#checkForgotten(ctime, now);
    if (this.#highWater >= this.#nextSweep) this.#startSweep();
  }

  /** Drops every record whose time is past. `store` sees to it about once a minute. */
  async sweep(): Promise<void> {
    const highWater = this.#highWater;
    this.#nextSweep = highWater + BUCKET_WIDTH;
    for (let dropped = SWEEP_BATCH; dropped === SWEEP_BATCH; ) dropped = await this.#sweepBatch(highWater);
  }

  async close(): Promise<void> {
    await this.#sweeping;
    await this.#store.close();
  }

  #checkForgotten(ctime: number, now: number): void {
    const { forgottenThrough } = this.#marks;
    if (ctime <= forgottenThrough) throw cannotKnow(ctime, forgottenThrough, now, FORGOTTEN);
  }

  async #load(): Promise<void> {
    this.#marks = decodeMarks(await this.#store.get(MARK));
    this.#highWater = this.#marks.highWater;
    for await (const [key, value] of this.#store.scan(RECORDS)) {
      this.#size += 1;
      this.#highWater = Math.max(this.#highWater, decodeRecord(key, value, this.#skew).storedAt);
    }
  }

  async #insert(key: string, record: ReplayRecord, now: number): Promise<void> {
    let counted = false;
    try {
      await this.#store.update(key, (current) => {
        if (current !== undefined) throw repeated(record.ctime, now);
        if (!counted && this.#size >= this.#capacity) throw noRoom(this.#capacity);
        if (!counted) this.#size += 1;
        counted = true;
        return encodeRecord(record);
      });
    } catch (error) {
      if (counted) this.#size -= 1;
      throw error;
    }
  }

  #startSweep(): void {
    // A sweep that fails leaves records behind, nothing worse; the next one meets them again.
    this.#sweeping ??= this.sweep()
      .catch(() => {})
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  async #sweepBatch(highWater: number): Promise<number> {
    const keys: string[] = [];
    let forgottenThrough = Number.NEGATIVE_INFINITY;
    for await (const [key, value] of this.#store.scan(RECORDS)) {
      // Rule 1: no record of this bucket or a later one can be past its time.
      if (bucketStart(key) + 2 * this.#skew >= highWater) break;
      const record = decodeRecord(key, value, this.#skew);
      if (record.keptUntil >= highWater) continue;
      forgottenThrough = Math.max(forgottenThrough, record.ctime);
      if (keys.push(key) === SWEEP_BATCH) break;
    }
    if (keys.length === 0) return 0;
    const marks = { highWater, forgottenThrough };
    await this.#store.update(MARK, (current) => encodeMarks(later(decodeMarks(current), marks)));
    this.#marks = later(this.#marks, marks);
    await Promise.all(keys.map((key) => this.#drop(key, highWater)));
    return keys.length;
  }

  async #drop(key: string, highWater: number): Promise<void> {
    let dropped = false;
    await this.#store.update(key, (current) => {
      dropped = current !== undefined && decodeRecord(key, current, this.#skew).keptUntil < highWater;
      return dropped ? undefined : current;
    });
    if (dropped) this.#size -= 1;
  }
}

const NO_MARKS: Marks = { highWater: Number.NEGATIVE_INFINITY, forgottenThrough: Number.NEGATIVE_INFINITY };

function later(a: Marks, b: Marks): Marks {
  return {
    highWater: Math.max(a.highWater, b.highWater),
    forgottenThrough: Math.max(a.forgottenThrough, b.forgottenThrough),
  };
}

function keyOf(tag: Uint8Array, ctime: number): string {
  const bucket = String(Math.floor(ctime / BUCKET_WIDTH)).padStart(12, "0");
  return `${RECORDS}${bucket}/${Buffer.from(tag).toString("hex")}`;
}

function bucketStart(key: string): number {
  return Number(key.slice(RECORDS.length, RECORDS.length + 12)) * BUCKET_WIDTH;
}

function encodeRecord({ ctime, keptUntil, storedAt }: ReplayRecord): Uint8Array {
  const bytes = Buffer.alloc(24);
  bytes.writeDoubleBE(ctime, 0);
  bytes.writeDoubleBE(keptUntil, 8);
  bytes.writeDoubleBE(storedAt, 16);
  return bytes;
}

/** Reads a record. What its bucket says is impossible was damaged: it is then kept as long as any of that bucket. */
function decodeRecord(key: string, value: Uint8Array, skew: number): ReplayRecord {
  const start = bucketStart(key);
  const end = start + BUCKET_WIDTH;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const [ctime, until, storedAt] = [0, 8, 16].map((at) =>
    value.length === 24 ? view.getFloat64(at) : Number.NaN,
  );
  return {
    ctime: ctime !== undefined && ctime >= start && ctime < end ? ctime : end,
    keptUntil: until !== undefined && until >= start ? until : end + 2 * skew,
    // Stored after the caller found ctime within the skew.
    storedAt: storedAt !== undefined && storedAt >= 0 ? Math.min(storedAt, end + skew) : start,
  };
}

function encodeMarks({ highWater, forgottenThrough }: Marks): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeDoubleBE(highWater, 0);
  bytes.writeDoubleBE(forgottenThrough, 8);
  return bytes;
}

function decodeMarks(bytes: Uint8Array | undefined): Marks {
  if (bytes === undefined || bytes.length !== 16) return NO_MARKS;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { highWater: view.getFloat64(0), forgottenThrough: view.getFloat64(8) };
}

function unreachable(cause: unknown): KrbError {
  const refusal = new KrbError(
    "KDC_ERR_SVC_UNAVAILABLE",
    "the replay cache cannot be reached; try again later",
  );
  refusal.cause = cause;
  return refusal;
}
