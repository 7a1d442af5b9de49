/**
 * The last check of a guarded call: the replay cache, which may be another machine's. It fails closed: a
 * store that does not answer in time, or answers with anything but yes, refuses the call.
 */
import { KrbError } from "../../protocol/krb-error.js";
import type { ReplayCache } from "../../store/replay-cache.js";
import type { FailureListener } from "./keys.js";

/** How long a replay cache may take, in milliseconds. */
export const REPLAY_TIMEOUT_MS = 250;

/** Who waits for a replay cache. */
export interface ReplayWaiter extends FailureListener {
  /** Ends the wait: the cache took too long. */
  giveUp(refusal: KrbError): void;
}

/**
 * A guard's replay cache with a limit on its time. One timer serves all calls that wait: they began in the
 * order in which they stand in the map, so that the first is the first to be late.
 */
export class TimedReplayCache {
  readonly #cache: Pick<ReplayCache, "store">;
  readonly #limitMs: number;
  readonly #began = new Map<ReplayWaiter, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(cache: Pick<ReplayCache, "store">, limitMs: number) {
    this.#cache = cache;
    this.#limitMs = limitMs;
  }

  /**
   * Stores as `ReplayCache.store` does. A waiter that is late is told, and the promise left to itself.
   * @throws KrbError of the store; KDC_ERR_SVC_UNAVAILABLE for anything else it throws.
   */
  async store(
    { tag, ctime, expiry }: { readonly tag: Uint8Array; readonly ctime: number; readonly expiry: number },
    now: number,
    waiter: ReplayWaiter,
  ): Promise<void> {
    this.#began.set(waiter, performance.now());
    this.#timer ??= this.#lookIn(this.#limitMs);
    try {
      await this.#cache.store(tag, ctime, expiry, now);
    } catch (error) {
      if (error instanceof KrbError || !this.#began.has(waiter)) throw error;
      waiter.onFailure(error);
      throw unavailable();
    } finally {
      this.#began.delete(waiter);
    }
  }

  /** Forgets a waiter whose call is over. */
  forget(waiter: ReplayWaiter): void {
    this.#began.delete(waiter);
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#timer = undefined;
    for (const [waiter, began] of this.#began) {
      const left = began + this.#limitMs - performance.now();
      if (left > 0) {
        this.#timer = this.#lookIn(left);
        return;
      }
      this.#began.delete(waiter);
      waiter.onFailure(new Error(`no answer within ${this.#limitMs} ms`));
      waiter.giveUp(unavailable());
    }
  }
}

function unavailable(): KrbError {
  return new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the service can't reach its replay cache; try again");
}
