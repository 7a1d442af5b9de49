/**
 * The last check of a guarded call: the replay cache, which may be another machine's. It fails closed: a store that does
 * not answer in time, or answers with anything but yes, refuses the call.
 */
import { KrbError } from "../protocol/krb-error.js";

/** How long a replay cache may take, in milliseconds. */
export const REPLAY_TIMEOUT_MS = 250;

/** A wait that can be given up. */
export interface Waiting {
  readonly done: Promise<void>;
  /** Gives up: `done` never settles, and no timer stays behind. */
  cancel(): void;
}

/**
 * Waits for `stored`, but not longer than `limitMs`.
 * @param onFailure told what the store threw, if that is no refusal.
 * @returns a promise that rejects with the store's KrbError, or with KDC_ERR_SVC_UNAVAILABLE for anything else.
 */
export function inTime(stored: Promise<void>, limitMs: number, onFailure: (error: unknown) => void): Waiting {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const end = () => {
    over = true;
    clearImmediate(soon);
    clearTimeout(timer);
  };
  let late = () => {};
  // A store in memory has answered before the event loop comes round: only one that has not gets a timer.
  const soon = setImmediate(() => {
    timer = setTimeout(late, limitMs);
  });
  const done = new Promise<void>((resolve, reject) => {
    late = () => {
      end();
      onFailure(new Error(`no answer within ${limitMs} ms`));
      reject(unavailable());
    };
    stored.then(
      () => {
        if (over) return;
        end();
        resolve();
      },
      (error: unknown) => {
        if (over) return;
        end();
        if (error instanceof KrbError) return reject(error);
        onFailure(error);
        reject(unavailable());
      },
    );
  });
  return { done, cancel: end };
}

function unavailable(): KrbError {
  return new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the service can't reach its replay cache; try again");
}
