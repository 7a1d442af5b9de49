/**
 * The replay cache in a key-value store: on LMDB it survives the process and the machine, and several
 * processes may share it (rules: replay-rules.ts).
 *
 * Keys: `r/BUCKET/TAG`, where the bucket is ctime in whole minutes, 12 digits, and the tag is in hexadecimal;
 * a sweep is therefore a range. Value, 24 bytes: ctime, the time until which it is kept and the time it was
 * stored, each a big-endian double of milliseconds since the epoch. `mark`, 16 bytes: the high-water mark at
 * the last sweep and the forgotten mark.
 *
 * Invariants:
 * - The same authenticator has the same ctime, which lies inside its ciphertext, and so the same key. The one
 *   atomic step is `update`: of any number of copies, in any number of processes, one wins, and it has won
 *   once it is on disk.
 * - Marks are on disk before the records they cover are dropped. `store` reads them again after writing its
 *   own record, so a record dropped in between is noticed.
 * - The high-water mark of a store is the later of the one in `mark` and the latest storing time in any
 *   record, so it needs no write of its own for each authenticator.
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
  /** Permitted difference between clocks, either way. */
  readonly skew: number;
  /** The most records held, counted by each process; 1,000,000 by default. */
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

// The same for all processes and for ever, since it is part of the keys.
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
   * @throws RangeError if a setting is out of range.
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

  /** The number of records held, as far as this process knows. */
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

  /** Drops every expired record. `store` starts this about once a minute. */
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
    // A sweep that fails only leaves records behind; the next one finds them again.
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
      // Rule 1: no record in this bucket or a later one can have expired.
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

/**
 * Reads a record. A value that its bucket rules out was damaged: the record is then kept as long as any in
 * that bucket can be.
 */
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
