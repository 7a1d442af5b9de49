/**
 * The replay cache in memory, for one process (rules: replay-rules.ts; after a start: clock-watch.ts).
 *
 * Invariant. `store` runs without yielding: of any number of copies, one wins.
 */
import { checkOptionNames, type OptionNames } from "../../errors/unknown-options.js";
import { ClockWatch } from "./clock-watch.js";
import { RememberedTags } from "./remembered-tags.js";
import type { ReplayCache } from "./replay-cache.js";
import { checkReplayArguments, type ReplayCacheSettings, unreachable } from "./replay-rules.js";

/** Settings of a replay cache in memory. Times are milliseconds. */
export interface MemoryReplayCacheOptions extends ReplayCacheSettings {
  /** When the process began to serve, in milliseconds since the epoch. */
  readonly startedAt: number;
  /**
   * What was accepted before `startedAt`, by a process whose memory is gone:
   * - `refuse` (the default): authenticators up to `startedAt` + `skew` are refused, because they may be
   *   copies; and all for one `skew` after the clock was set forward
   * - `fresh`: nothing can have been accepted, because the realm or the service's key is new, and ends with
   *   the process
   */
  readonly restart?: "refuse" | "fresh" | undefined;
  /** A clock that is never set, in milliseconds: `performance.now` by default. */
  readonly uptime?: (() => number) | undefined;
}

/** The names of those settings. */
export const REPLAY_CACHE_NAMES: OptionNames<MemoryReplayCacheOptions> = {
  skew: true,
  maxBytes: true,
  report: true,
  startedAt: true,
  restart: true,
  uptime: true,
};

/** Remembers authenticators in memory, at most 64 bytes for each. */
export class MemoryReplayCache implements ReplayCache {
  readonly #watch: ClockWatch | undefined;
  /** Undefined once it is closed. */
  #tags: RememberedTags | undefined;

  /**
   * @throws TypeError for an unknown setting, or none of `startedAt`; RangeError for settings out of range.
   */
  constructor(options: MemoryReplayCacheOptions) {
    checkOptionNames("MemoryReplayCache", options, REPLAY_CACHE_NAMES);
    const { skew, startedAt, restart = "refuse", uptime = () => performance.now() } = options;
    if (typeof startedAt !== "number" || Number.isNaN(startedAt))
      throw new TypeError(
        `startedAt: expected milliseconds since the epoch, got ${String(startedAt)}; without it what was ` +
          "accepted before a restart could be repeated",
      );
    if (restart !== "refuse" && restart !== "fresh")
      throw new TypeError(`restart: expected "refuse" or "fresh", got ${String(restart)}`);
    this.#tags = new RememberedTags(options);
    this.#watch = restart === "fresh" ? undefined : new ClockWatch(skew, startedAt, uptime);
  }

  /** How many records are held. */
  get size(): number {
    return this.#tags?.size ?? 0;
  }

  async store(tag: Uint8Array, ctime: number, expiry: number, now: number): Promise<void> {
    checkReplayArguments(tag, ctime, expiry, now);
    const tags = this.#tags;
    if (tags === undefined) throw unreachable(new Error("closed"));
    const record = { tag, ctime, expiry };
    this.#watch?.check(ctime, now);
    tags.end(now);
    tags.check(record, now);
    tags.add(record);
  }

  async close(): Promise<void> {
    this.#tags = undefined;
  }
}
