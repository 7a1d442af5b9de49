/**
 * The authenticators that were taken on the strength of a challenge: each is good once. Nothing outlives its
 * challenge, so the process that made the challenges need ask nobody else.
 *
 * Invariant. No tag is dropped before its time: where the table is full, the call is refused.
 */
import { MAX_CHALLENGE_AGE_MS } from "../../protocol/challenge.js";
import { KrbError } from "../../protocol/krb-error.js";

/** The most tags kept at a time: 32 MB or so. */
const CAPACITY = 200_000;

/** Tags of authenticators, for as long as their challenges are good. */
export class TakenTags {
  readonly #capacity: number;
  /** When each is forgotten, by the monotonic clock; in that order. */
  readonly #ends = new Map<string, number>();

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  /** How many are kept. */
  get size(): number {
    return this.#ends.size;
  }

  /**
   * Takes an authenticator, and one that it stands in for.
   * @param tags what they are known by: 16 bytes each.
   * @param now milliseconds of the monotonic clock.
   * @throws KrbError KRB_AP_ERR_REPEAT where one was taken before, KDC_ERR_SVC_UNAVAILABLE where there is no
   *   room; none is taken then.
   */
  take(tags: readonly Uint8Array[], now: number): void {
    this.#forget(now);
    const names = tags.map((tag) => Buffer.from(tag).toString("latin1"));
    if (names.some((name) => this.#ends.has(name)))
      throw new KrbError("KRB_AP_ERR_REPEAT", "the authenticator was used before: the call ran, or may have");
    if (this.#ends.size + names.length > this.#capacity)
      throw new KrbError("KDC_ERR_SVC_UNAVAILABLE", "too many new clients at once; try again");
    for (const name of names) this.#ends.set(name, now + MAX_CHALLENGE_AGE_MS);
  }

  /** Counts whole milliseconds, as challenges do: none is good any more whose tag is forgotten. */
  #forget(now: number): void {
    for (const [name, end] of this.#ends) {
      if (end >= Math.floor(now)) return;
      this.#ends.delete(name);
    }
  }
}
