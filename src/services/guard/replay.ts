/**
 * The last check of a guarded call: the replay cache, which may be another machine's. It fails closed: a
 * store that does not answer in time, or answers with anything but yes, refuses the call.
 */
import { KrbError } from "../../protocol/krb-error.js";
import { Timeouts, type Wait } from "../../rpc/timeouts.js";
import type { ReplayCache } from "../../store/replay/replay-cache.js";
import type { FailureListener } from "./keys.js";

/** How long a replay cache may take, in milliseconds. */
export const REPLAY_TIMEOUT_MS = 250;

/** Who waits for a replay cache. */
export interface ReplayWaiter extends FailureListener {
  /** Its wait, which the cache looks after. */
  replayWait?: Wait<ReplayWaiter> | undefined;
  /** Ends the call: the cache took too long. */
  giveUp(refusal: KrbError): void;
}

/** A guard's replay cache with a limit on its time. */
export class TimedReplayCache {
  readonly #cache: Pick<ReplayCache, "store">;
  readonly #waiting: Timeouts<ReplayWaiter>;

  constructor(cache: Pick<ReplayCache, "store">, limitMs: number) {
    this.#cache = cache;
    this.#waiting = new Timeouts(limitMs, (waiter) => {
      waiter.onFailure(new Error(`no answer within ${limitMs} ms`));
      waiter.giveUp(unavailable());
    });
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
    const wait = this.#waiting.add(waiter);
    waiter.replayWait = wait;
    try {
      await this.#cache.store(tag, ctime, expiry, now);
    } catch (error) {
      if (error instanceof KrbError || !wait.isIn) throw error;
      waiter.onFailure(error);
      throw unavailable();
    } finally {
      this.#waiting.end(wait);
    }
  }

  /** Forgets a waiter whose call is over. */
  forget({ replayWait }: ReplayWaiter): void {
    this.#waiting.end(replayWait);
  }
}

function unavailable(): KrbError {
  return new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the service can't reach its replay cache; try again");
}
