/** A replay cache as it should not be, for lessons: it forgets. The product's are in src/store/replay. */
import { KrbError } from "../../protocol/krb-error.js";
import type { ReplayCache } from "../../store/replay/replay-cache.js";

/**
 * Keeps tags in memory until they end by the clock it is told, whatever that clock says; where it is full,
 * the oldest makes room.
 */
export class ForgetfulCache implements ReplayCache {
  readonly #capacity: number;
  /** The end of each tag, oldest first. */
  readonly #ends = new Map<string, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  async store(tag: Uint8Array, _ctime: number, expiry: number, now: number): Promise<void> {
    for (const [kept, end] of this.#ends) if (end < now) this.#ends.delete(kept);
    const key = Buffer.from(tag).toString("hex");
    if (this.#ends.has(key)) throw new KrbError("KRB_AP_ERR_REPEAT", "this authenticator was used before");
    if (this.#ends.size >= this.#capacity) this.#ends.delete(this.#ends.keys().next().value!);
    this.#ends.set(key, expiry);
  }

  async close(): Promise<void> {
    this.#ends.clear();
  }
}
