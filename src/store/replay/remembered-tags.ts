/**
 * The authenticators that a process remembers, in buckets by their time (rules: replay-rules.ts).
 *
 * Invariant. A bucket that ends goes as a whole, by letting go of it: the time this takes does not depend on
 * how many authenticators are in it.
 */
import { randomInt } from "node:crypto";
import { TagSet } from "../../collections/tag-set.js";
import { type ClosedTime, ClosedTimes } from "./closed-times.js";
import {
  bucketWidth,
  checkReplaySettings,
  fromClosedTime,
  iso,
  noRoom,
  type ReplayCacheSettings,
  repeated,
  whyClosed,
} from "./replay-rules.js";

/** An authenticator to remember. Times are milliseconds since the epoch. */
export interface Remembered {
  readonly tag: Uint8Array;
  readonly ctime: number;
  /** The last millisecond at which it is still accepted. */
  readonly expiry: number;
}

interface Bucket {
  readonly tags: TagSet;
  earliest: number;
  latest: number;
  expiry: number;
  /** Where the first of its records is kept, for whoever keeps them. */
  readonly place: number;
}

/** An empty set, under a secret of its own. */
export function newTagSet(): TagSet {
  return new TagSet([randomInt(2 ** 32), randomInt(2 ** 32)]);
}

/** Remembers authenticators until they can no longer be accepted. */
export class RememberedTags {
  readonly #skew: number;
  readonly #width: number;
  readonly #records: number;
  readonly #report: (text: string) => void;
  readonly #buckets = new Map<number, Bucket>();
  readonly #closed: ClosedTimes;
  #size = 0;
  #isFull = false;
  /** The latest time that the clock showed. */
  #latest = Number.NEGATIVE_INFINITY;
  /** No bucket ends while the clock shows neither more than the one nor less than the other. */
  #noneEndsThrough = Number.POSITIVE_INFINITY;
  #noneEndsFrom = Number.NEGATIVE_INFINITY;

  /**
   * @param width of the buckets, in milliseconds.
   * @throws RangeError as `checkReplaySettings`.
   */
  constructor(settings: ReplayCacheSettings, width: number = bucketWidth(settings.skew)) {
    this.#records = checkReplaySettings(settings);
    this.#skew = settings.skew;
    this.#width = width;
    this.#report = settings.report ?? (() => {});
    this.#closed = new ClosedTimes(width);
  }

  /** How many authenticators are remembered. */
  get size(): number {
    return this.#size;
  }

  /** The times from which nothing is accepted, oldest first. */
  get closed(): readonly ClosedTime[] {
    return this.#closed.all;
  }

  /** Where the oldest record that still counts is kept; undefined if there is none. */
  get oldestPlace(): number | undefined {
    let oldest: number | undefined;
    for (const { place } of this.#buckets.values()) oldest = Math.min(oldest ?? place, place);
    return oldest;
  }

  /** Whether nothing made at `ctime` is accepted. */
  isClosed(ctime: number): boolean {
    return this.#closed.at(ctime) !== undefined;
  }

  /** Closes a time. */
  close(time: ClosedTime): void {
    this.#closed.close(time);
  }

  /**
   * Checks that an authenticator is new, and that there is room for it and for as many others as wait.
   * @throws KrbError KRB_AP_ERR_REPEAT for one that is remembered; KRB_AP_ERR_SKEW for one from a time that
   *   is closed; KDC_ERR_SVC_UNAVAILABLE if there is no room.
   */
  check({ tag, ctime }: Remembered, now: number, waiting = 0): void {
    if (this.#buckets.get(this.#numberOf(ctime))?.tags.has(tag) === true) throw repeated(ctime, now);
    const closed = this.#closed.at(ctime);
    if (closed !== undefined)
      throw fromClosedTime(ctime, closed, now, whyClosed(closed, now, this.#latest, this.#skew));
    if (this.#size + waiting >= this.#records) throw this.#full();
  }

  /** Remembers an authenticator. Returns false if it was remembered already. */
  add({ tag, ctime, expiry }: Remembered, place = 0): boolean {
    const number = this.#numberOf(ctime);
    let bucket = this.#buckets.get(number);
    if (bucket === undefined) {
      bucket = { tags: newTagSet(), earliest: ctime, latest: ctime, expiry, place };
      this.#buckets.set(number, bucket);
    }
    if (!bucket.tags.add(tag)) return false;
    bucket.earliest = Math.min(bucket.earliest, ctime);
    bucket.latest = Math.max(bucket.latest, ctime);
    bucket.expiry = Math.max(bucket.expiry, expiry);
    this.#watch(bucket);
    this.#size += 1;
    return true;
  }

  /** Lets go of the buckets that end at `now`. Returns whether there were any. */
  end(now: number): boolean {
    this.#latest = Math.max(this.#latest, now);
    if (now <= this.#noneEndsThrough && now >= this.#noneEndsFrom) return false;
    this.#noneEndsThrough = Number.POSITIVE_INFINITY;
    this.#noneEndsFrom = Number.NEGATIVE_INFINITY;
    const before = this.#size;
    for (const [number, bucket] of this.#buckets) {
      if (now <= bucket.expiry && now >= bucket.latest - 2 * this.#skew - this.#width) this.#watch(bucket);
      else {
        this.#closed.close({ from: bucket.earliest, through: bucket.latest });
        this.#size -= bucket.tags.size;
        this.#buckets.delete(number);
      }
    }
    if (this.#isFull && this.#size < this.#records) {
      this.#isFull = false;
      this.#report("the replay cache has room again");
    }
    return this.#size < before;
  }

  #watch({ expiry, latest }: Bucket): void {
    this.#noneEndsThrough = Math.min(this.#noneEndsThrough, expiry);
    this.#noneEndsFrom = Math.max(this.#noneEndsFrom, latest - 2 * this.#skew - this.#width);
  }

  #numberOf(ctime: number): number {
    return Math.floor(ctime / this.#width);
  }

  #full(): Error {
    let until = Number.POSITIVE_INFINITY;
    for (const { expiry } of this.#buckets.values()) until = Math.min(until, expiry);
    if (!this.#isFull) {
      this.#isFull = true;
      this.#report(
        `the replay cache is full (${this.#records} authenticators): it refuses new ones until ${iso(until)}`,
      );
    }
    return noRoom(this.#records, until);
  }
}
