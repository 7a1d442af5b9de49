/**
 * The buckets of failed attempts (attempt-limits.ts), for whatever name was tried, whether it exists or not.
 *
 * Row, 32 bytes: tag; when the bucket is full again, its worth; 8 bytes of the bucket's own; when an attempt
 * was last counted. Times are doubles of milliseconds since the epoch.
 *
 * Invariant: nobody is forgotten by making room. The emptiest bucket of a set makes room, and the newcomer
 * begins with what was left in that one, so a bucket that comes back is never fuller than it was: a flood of
 * names makes newcomers wait sooner, and wins no guesses.
 */
import { type AttemptLimit, afterAttempt, afterRefund, asOf } from "../../protocol/attempt-limits.js";
import { type RowKey, SlotSets, WORTH_AT } from "./slot-sets.js";
import type { Slots } from "./slots.js";

const ROW_SIZE = 32;
const NOTE_AT = 16;
const NOTE_SIZE = 8;
const LAST_AT = 24;

/** A bucket. */
export interface Bucket {
  /** When it is full again. */
  readonly fullAt: number;
  /** Its own 8 bytes; zeros at first. */
  readonly note: Buffer;
  /** When an attempt was last counted in it, or in the one that makes room; 0: never. */
  readonly lastAt: number;
  readonly isNew: boolean;
}

/** Buckets in a part of some slots. */
export class AttemptBuckets {
  readonly #sets: SlotSets;

  constructor(slots: Slots, offset: number, size: number) {
    this.#sets = new SlotSets(slots, offset, size, ROW_SIZE);
  }

  /** The bucket as it is, or as it would begin; one that was used by a clock that was ahead is mended. */
  look(key: RowKey, limit: AttemptLimit, now: number): Bucket {
    const { row, isNew } = this.#sets.look(key);
    const bucket = bucketOf(row, isNew);
    const mended = byClock(bucket, limit, now);
    if (mended.fullAt !== bucket.fullAt) this.#sets.change(key, (own) => write(own, mended));
    return mended;
  }

  /** What was counted in a bucket. */
  counted(key: RowKey): Pick<Bucket, "note" | "lastAt"> {
    const { row, isNew } = this.#sets.look(key);
    return isNew ? FULL : bucketOf(row, false);
  }

  /**
   * Counts an attempt.
   * @param note what the bucket's own bytes become; undefined: the attempt is not to be counted after all.
   */
  take(key: RowKey, limit: AttemptLimit, now: number, note: (bucket: Bucket) => Buffer | undefined): boolean {
    let isCounted = false;
    this.#sets.change(key, (row, isNew) => {
      const bucket = byClock(bucketOf(row, isNew), limit, now);
      const noted = note(bucket);
      if (noted === undefined) return false;
      isCounted = true;
      return write(row, { fullAt: afterAttempt(limit, bucket.fullAt, now), note: noted, lastAt: now });
    });
    return isCounted;
  }

  /** Puts attempts back; a bucket that there is not stays so. */
  refund(key: RowKey, limit: AttemptLimit, attempts: number, note?: Buffer): void {
    this.#sets.change(key, (row, isNew) => {
      if (isNew) return false;
      const bucket = bucketOf(row, false);
      const fullAt = afterRefund(limit, bucket.fullAt, attempts);
      return write(row, { ...bucket, fullAt, ...(note !== undefined && { note }) });
    });
  }

  /** Fills a bucket, and clears its own bytes. */
  fill(key: RowKey): void {
    this.#sets.change(key, (row, isNew) => !isNew && write(row, FULL));
  }
}

/** The bytes of a bucket that begins. */
export const NO_NOTE: Buffer = Buffer.alloc(NOTE_SIZE);

const FULL = { fullAt: 0, note: NO_NOTE, lastAt: 0 };

function bucketOf(row: Buffer, isNew: boolean): Bucket {
  return {
    fullAt: row.readDoubleBE(WORTH_AT),
    note: isNew ? NO_NOTE : row.subarray(NOTE_AT, NOTE_AT + NOTE_SIZE),
    lastAt: row.readDoubleBE(LAST_AT),
    isNew,
  };
}

/**
 * A bucket by the present clock. Where the last attempt was counted by a clock that was ahead, as much of it
 * is used now as was then: neither is the name locked out, nor has the guesser won the time between.
 */
function byClock(bucket: Bucket, limit: AttemptLimit, now: number): Bucket {
  const ahead = Math.max(0, bucket.lastAt - now);
  return { ...bucket, fullAt: asOf(limit, bucket.fullAt - ahead, now), lastAt: bucket.lastAt - ahead };
}

function write(row: Buffer, { fullAt, note, lastAt }: Omit<Bucket, "isNew">): true {
  row.writeDoubleBE(fullAt, WORTH_AT);
  note.copy(row, NOTE_AT);
  row.writeDoubleBE(lastAt, LAST_AT);
  return true;
}
