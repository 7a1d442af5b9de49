/**
 * Keys derived from one protocol key for its key usages, each made once and kept (RFC 3961 §5.3, RFC 8009
 * §5): Ke seals, Ki guards what is sealed, Kc makes checksums.
 */
import { requireUsage } from "./argument-checks.js";
import { writeUint32 } from "./octets.js";

/**
 * How many key usages are kept for one key. RFC 4120 §7.5.1 has 26, and no peer chooses the number: this only
 * guards against a caller that keeps counting up.
 */
const MAX_USAGES = 32;

/** Something derived, which holds key material. */
export interface Wipeable {
  wipe(): void;
}

/** What a key is derived for: the last byte of its constant. */
export const PURPOSE = Object.freeze({ seal: 0xaa, guard: 0x55, checksum: 0x99 });

/** The constant that a key is derived from: usage | purpose. */
export function usageConstant(usage: number, purpose: number): Uint8Array {
  const constant = new Uint8Array(5);
  writeUint32(constant, 0, usage);
  constant[4] = purpose;
  return constant;
}

/** A derived key that is used as bytes. */
export class DerivedKey implements Wipeable {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  wipe(): void {
    this.bytes.fill(0);
  }
}

/** What was derived for each key usage, up to a limit: then the oldest is wiped to make room. */
export class UsageKeys<T extends Wipeable> {
  readonly #byUsage = new Map<number, T>();
  readonly #derive: (usage: number) => T;
  #wiped = false;

  constructor(derive: (usage: number) => T) {
    this.#derive = derive;
  }

  /**
   * The keys for `usage`. Throws a RangeError for a number that is not a key usage, and an Error once wiped.
   */
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
