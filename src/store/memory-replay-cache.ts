/**
 * The replay cache in memory, for one process (rules: replay-rules.ts).
 *
 * Invariants:
 * - The same authenticator has the same ctime, which lies inside its ciphertext. So a tag need only be looked
 *   up in the bucket of its ctime.
 * - A bucket is dropped as a whole once every record in it has expired; first the forgotten mark is raised to
 *   the latest ctime in it.
 * - `store` runs without yielding: of any number of copies, one wins.
 * - Tags are kept as strings, one byte per character: V8 hashes them with a secret of the process, so nobody
 *   can choose tags that collide.
 */
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
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

/** Settings of a replay cache in memory. Times are milliseconds. */
export interface MemoryReplayCacheOptions {
  /** Permitted difference between clocks, either way. */
  readonly skew: number;
  /** When the process began to serve, in milliseconds since the epoch. */
  readonly startedAt: number;
  /**
   * What was accepted before `startedAt`, by a process whose memory is gone:
   * - `refuse` (the default): authenticators up to `startedAt` + `skew` are refused, because they may be
   *   copies
   * - `fresh`: nothing can have been accepted, because the realm or the service's key is new
   */
  readonly restart?: "refuse" | "fresh";
  /** The most records held; 1,000,000 by default. */
  readonly capacity?: number;
}

/** The names of those settings. */
export const REPLAY_CACHE_NAMES: OptionNames<MemoryReplayCacheOptions> = {
  skew: true,
  startedAt: true,
  restart: true,
  capacity: true,
};

interface Bucket {
  readonly tags: Set<string>;
  /** The last millisecond at which any of its records must still be held. */
  keptUntil: number;
  latestCtime: number;
}

/** Remembers authenticators in memory, about 70 bytes for each 16-byte tag. */
export class MemoryReplayCache implements ReplayCache {
  readonly #skew: number;
  readonly #capacity: number;
  readonly #bucketWidth: number;
  readonly #refuseThrough: number;
  readonly #buckets = new Map<number, Bucket>();
  #size = 0;
  #highWater = Number.NEGATIVE_INFINITY;
  #forgottenThrough = Number.NEGATIVE_INFINITY;
  /** No bucket can be dropped before the clock is past this time. */
  #nextDrop = Number.POSITIVE_INFINITY;

  /**
   * @throws TypeError for an unknown setting, or none of `startedAt`; RangeError for settings out of range.
   */
  constructor(options: MemoryReplayCacheOptions) {
    checkOptionNames("MemoryReplayCache", options, REPLAY_CACHE_NAMES);
    const { skew, startedAt, restart = "refuse", capacity = DEFAULT_CAPACITY } = options;
    if (typeof startedAt !== "number" || Number.isNaN(startedAt))
      throw new TypeError(
        `startedAt: expected milliseconds since the epoch, got ${String(startedAt)}; without it what was ` +
          "accepted before a restart could be repeated",
      );
    if (restart !== "refuse" && restart !== "fresh")
      throw new TypeError(`restart: expected "refuse" or "fresh", got ${String(restart)}`);
    checkReplaySettings(skew, capacity);
    this.#skew = skew;
    this.#capacity = capacity;
    this.#bucketWidth = Math.max(1, Math.ceil(skew / 8));
    this.#refuseThrough = restart === "refuse" ? startedAt + skew : Number.NEGATIVE_INFINITY;
  }

  /** How many records are held. */
  get size(): number {
    return this.#size;
  }

  async store(tag: Uint8Array, ctime: number, expiry: number, now: number): Promise<void> {
    checkReplayArguments(tag, ctime, expiry, now);
    if (now < this.#highWater - this.#skew) throw clockSteppedBack(now, this.#highWater, this.#skew);
    this.#highWater = Math.max(this.#highWater, now);
    this.#dropBuckets();
    const text = textOf(tag);
    const number = Math.floor(ctime / this.#bucketWidth);
    const bucket = this.#buckets.get(number);
    if (bucket?.tags.has(text)) throw repeated(ctime, now);
    if (ctime <= this.#refuseThrough)
      throw cannotKnow(
        ctime,
        this.#refuseThrough,
        now,
        "the server was restarted and remembers nothing from before",
      );
    if (ctime <= this.#forgottenThrough) throw cannotKnow(ctime, this.#forgottenThrough, now, FORGOTTEN);
    if (this.#size >= this.#capacity) throw noRoom(this.#capacity);
    this.#add(bucket ?? this.#newBucket(number), text, ctime, keptUntil(ctime, expiry, this.#skew));
  }

  async close(): Promise<void> {
    this.#buckets.clear();
    this.#size = 0;
  }

  #add(bucket: Bucket, text: string, ctime: number, until: number): void {
    bucket.tags.add(text);
    bucket.keptUntil = Math.max(bucket.keptUntil, until);
    bucket.latestCtime = Math.max(bucket.latestCtime, ctime);
    this.#nextDrop = Math.min(this.#nextDrop, bucket.keptUntil);
    this.#size += 1;
  }

  #newBucket(number: number): Bucket {
    const bucket = { tags: new Set<string>(), keptUntil: 0, latestCtime: 0 };
    this.#buckets.set(number, bucket);
    return bucket;
  }

  #dropBuckets(): void {
    if (this.#highWater <= this.#nextDrop) return;
    this.#nextDrop = Number.POSITIVE_INFINITY;
    for (const [number, bucket] of this.#buckets) {
      if (this.#highWater > bucket.keptUntil) {
        this.#forgottenThrough = Math.max(this.#forgottenThrough, bucket.latestCtime);
        this.#size -= bucket.tags.size;
        this.#buckets.delete(number);
      } else this.#nextDrop = Math.min(this.#nextDrop, bucket.keptUntil);
    }
  }
}

function textOf(tag: Uint8Array): string {
  // Neither a spread, which walks an iterator, nor a Buffer, which moves a small array's bytes off the heap.
  return String.fromCharCode.apply(undefined, tag as unknown as number[]);
}
