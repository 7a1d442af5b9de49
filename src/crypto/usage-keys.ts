/** Keys derived from one protocol key for its key usages, each made once and kept. */
import { requireUsage } from "./argument-checks.js";

/**
 * How many key usages of one key are kept at a time. RFC 4120 §7.5.1 has 26; a peer does not choose the number, so that
 * this only guards against a caller that counts them up.
 */
const MAX_USAGES = 32;

/** Something derived that holds key material. */
export interface Wipeable {
  wipe(): void;
}

/** A bounded cache from key usage to what was derived for it; the oldest goes first, wiped. */
export class UsageKeys<T extends Wipeable> {
  readonly #byUsage = new Map<number, T>();
  readonly #derive: (usage: number) => T;
  #wiped = false;

  constructor(derive: (usage: number) => T) {
    this.#derive = derive;
  }

  /** The keys for `usage`. Throws a RangeError for a number that is no key usage, an Error once wiped. */
  get(usage: number): T {
    const kept = this.#byUsage.get(usage);
    if (kept !== undefined) return kept;
    if (this.#wiped) throw new Error("key: already wiped");
    requireUsage(usage);
    const derived = this.#derive(usage);
    if (this.#byUsage.size >= MAX_USAGES) this.#dropOldest();
    this.#byUsage.set(usage, derived);
    return derived;
  }

  /** Wipes and forgets everything derived. */
  wipe(): void {
    this.#wiped = true;
    for (const derived of this.#byUsage.values()) derived.wipe();
    this.#byUsage.clear();
  }

  #dropOldest(): void {
    for (const [usage, derived] of this.#byUsage) {
      derived.wipe();
      this.#byUsage.delete(usage);
      return;
    }
  }
}
