/**
 * The replay cache on a Redis server, for the processes of several machines (rules: replay-rules.ts; the
 * atomic step: redis-replay-script.ts).
 *
 * Invariants:
 * - Nothing is accepted that Redis did not say yes to, within its limit. What is not answered by then is
 *   refused, and so is all else that waits for the same connection, which ends.
 * - A server that is not the one that remembered, by its run id, begins a new epoch: nothing made up to one
 *   skew after that is accepted. So is one whose past is older than what this process has seen.
 */
import { KrbError } from "../../protocol/krb-error.js";
import type { ReplayCache } from "../replay/replay-cache.js";
import {
  bucketWidth,
  checkReplayArguments,
  checkReplaySettings,
  fromClosedTime,
  iso,
  noRoom,
  type ReplayCacheSettings,
  repeated,
  unreachable,
} from "../replay/replay-rules.js";
import { connectToRedis, type RedisConnection, type RedisPlace, redisPlace } from "./connection.js";
import { BEGIN, STORE } from "./replay-script.js";

/** Settings of a replay cache on Redis. */
export interface RedisReplayCacheOptions extends ReplayCacheSettings {
  /** `fresh`: the realm or the service's key is new, so a server that knows of nothing has lost nothing. */
  readonly restart?: "refuse" | "fresh" | undefined;
  /** How long an answer may take, in milliseconds; 200 by default. */
  readonly limitMs?: number | undefined;
}

/** How long an answer may take, in milliseconds. */
const LIMIT_MS = 200;
/** How long opening may take, in milliseconds: nobody waits for it yet. */
const OPEN_MS = 5_000;
/** How many calls may wait for a connection that does not answer. */
const MAX_WAITING = 10_000;
/** How long a connection that failed is not tried again, in milliseconds. */
const PAUSE_MS = 100;
/** Refusals of a server that may take the next. */
const NO_ROOM = /\b(OOM|NOREPLICAS|MISCONF)\b/;

/** How many calls go to Redis together: its other callers wait as long. */
const MAX_TOGETHER = 100;

interface Authenticator {
  readonly tag: Buffer;
  readonly ctime: number;
  readonly expiry: number;
  readonly now: number;
}

interface Call extends Authenticator {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

type Answer = readonly [outcome: string, size: number, epoch: number, time: string];

/** Remembers authenticators on a Redis server. */
export class RedisReplayCache implements ReplayCache {
  readonly #place: RedisPlace;
  readonly #options: RedisReplayCacheOptions;
  readonly #records: number;
  readonly #limitMs: number;
  #connection: Promise<RedisConnection> | undefined;
  #failed: { readonly at: number; readonly error: unknown } | undefined;
  #next: Call[] = [];
  #waiting = 0;
  #epoch = 0;
  #size = 0;
  #isFull = false;
  #closed = false;

  private constructor(place: RedisPlace, options: RedisReplayCacheOptions) {
    this.#place = place;
    this.#options = options;
    this.#records = checkReplaySettings(options);
    this.#limitMs = options.limitMs ?? LIMIT_MS;
  }

  /**
   * Opens the cache at a URL.
   * @throws RangeError for another name, and for settings out of range; StoreError `unavailable` or `unsafe`
   *   for a server that can't be reached or might forget.
   */
  static async open(name: string, options: RedisReplayCacheOptions): Promise<RedisReplayCache> {
    const cache = new RedisReplayCache(redisPlace(name), options);
    const { redis, run } = await cache.#connected(OPEN_MS);
    const fresh = options.restart === "fresh" ? "1" : "0";
    cache.#epoch = Number(await redis.eval(BEGIN, 1, cache.#key("state"), fresh, run));
    return cache;
  }

  /** How many authenticators are remembered, as last heard. */
  get size(): number {
    return this.#size;
  }

  async store(tag: Uint8Array, ctime: number, expiry: number, now: number): Promise<void> {
    checkReplayArguments(tag, ctime, expiry, now);
    const answer = await this.#ask({ tag: Buffer.from(tag), ctime, expiry, now }).catch((error: unknown) => {
      throw unreachable(error);
    });
    const refusal = this.#refusalOf(answer, ctime, now);
    if (refusal !== undefined) throw refusal;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = await this.#connection?.catch(() => undefined);
    connection?.end();
  }

  /** What Redis says of an authenticator. Calls that come in one turn go to it together. */
  #ask(authenticator: Authenticator): Promise<Answer> {
    if (this.#waiting >= MAX_WAITING)
      return Promise.reject(new Error(`${this.#place.text}: ${MAX_WAITING} calls wait already`));
    return new Promise((resolve, reject) => {
      if (this.#next.length === 0) setImmediate(() => this.#send());
      this.#next.push({ ...authenticator, resolve, reject });
    });
  }

  #send(): void {
    const all = this.#next.splice(0);
    while (all.length > 0) void this.#sendTogether(all.splice(0, MAX_TOGETHER));
  }

  async #sendTogether(calls: readonly Call[]): Promise<void> {
    let connection: RedisConnection | undefined;
    const fail = (error: unknown) => {
      for (const { reject } of calls) reject(error);
    };
    let isAnswered = false;
    const giveUp = () => {
      if (isAnswered) return;
      fail(new Error(`${this.#place.text}: no answer within ${this.#limitMs} ms`));
      connection?.end();
    };
    // Where this process was busy the answer may have come already: it is read before.
    const late = setTimeout(() => setImmediate(giveUp), this.#limitMs);
    this.#waiting += calls.length;
    try {
      connection = await this.#connected();
      const { run, redis, script } = connection;
      const { skew } = this.#options;
      const keys = [this.#key("state"), this.#key("ends"), this.#key("tags:")];
      const settings = [run, this.#epoch, skew, this.#records, bucketWidth(skew)];
      const records = calls.flatMap(({ tag, ctime, expiry, now }) => [
        tag,
        ...[ctime, expiry, now].map(whole),
      ]);
      const answers = (await redis.evalsha(
        script,
        keys.length,
        ...keys,
        ...settings,
        ...records,
      )) as Answer[];
      calls.forEach(({ resolve, reject }, at) => {
        const answer = answers[at];
        if (answer === undefined) reject(new Error(`${this.#place.text}: gave no answer`));
        else resolve(answer);
      });
    } catch (error) {
      fail(error);
      // A server that became a replica, or was told to stop: whoever answers next is asked who it is.
      if (!NO_ROOM.test(String(error))) connection?.end();
    } finally {
      isAnswered = true;
      clearTimeout(late);
      this.#waiting -= calls.length;
    }
  }

  #refusalOf([outcome, size, epoch, at]: Answer, ctime: number, now: number): KrbError | undefined {
    this.#size = size;
    this.#epoch = Math.max(this.#epoch, epoch);
    const time = Number(at);
    if (size < this.#records) this.#setFull(false, "the replay cache has room again");
    switch (outcome) {
      case "accepted":
        return undefined;
      case "repeated":
        return repeated(ctime, now);
      case "closed": {
        const why =
          "the replay cache was started anew, or no longer remembers what was accepted from that time";
        return fromClosedTime(ctime, { from: Number.NEGATIVE_INFINITY, through: time }, now, why);
      }
      case "full":
        this.#setFull(
          true,
          `the replay cache is full (${this.#records} authenticators): it refuses new ones until ${iso(time)}`,
        );
        return noRoom(this.#records, time);
      default:
        return this.#clocksApart(outcome === "ahead" ? "the client" : "this server", ctime, now, time);
    }
  }

  #clocksApart(whose: string, ctime: number, now: number, time: number): KrbError {
    const shown = iso(whose === "the client" ? ctime : now);
    return new KrbError(
      "KRB_AP_ERR_SKEW",
      `${whose}'s clock shows ${shown}, and that of ${this.#place.text} ${iso(time)}: one of them is wrong`,
      {
        now: iso(now),
        ctime: iso(ctime),
        cache_time: iso(time),
        limit_ms: String(this.#options.skew),
        side: "server",
      },
    );
  }

  #setFull(isFull: boolean, text: string): void {
    if (this.#isFull === isFull) return;
    this.#isFull = isFull;
    this.#options.report?.(text);
  }

  /** The connection, or a new one. After one that failed the next is tried a moment later. */
  #connected(limitMs = this.#limitMs): Promise<RedisConnection> {
    if (this.#closed) return Promise.reject(new Error("closed"));
    if (this.#connection !== undefined) return this.#connection;
    if (this.#failed !== undefined && performance.now() - this.#failed.at < PAUSE_MS)
      return Promise.reject(this.#failed.error);
    const connecting = connectToRedis(this.#place, STORE, limitMs);
    this.#connection = connecting;
    const forget = () => {
      if (this.#connection === connecting) this.#connection = undefined;
    };
    connecting.then(
      ({ redis }) => {
        redis.once("close", forget);
        if (redis.status !== "ready") forget();
      },
      (error: unknown) => {
        this.#failed = { at: performance.now(), error };
        forget();
      },
    );
    return connecting;
  }

  #key(part: string): string {
    return `tessera:{${this.#place.name}}:${part}`;
  }
}

/** A time as the script reads it. */
function whole(time: number): string {
  return String(Math.floor(time));
}
