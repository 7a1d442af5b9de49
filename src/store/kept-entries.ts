/**
 * What a realm's principals were read as, for as long as that may be used: the records' bytes, and their
 * entries once somebody has asked for them.
 *
 * Invariant: what was read while something changed is not kept, for it may be older than the change.
 */
import { type CacheLoad, loadOf } from "../collections/cache-load.js";
import { LruMap } from "../collections/lru-map.js";
import type { Principal } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import type { Changes, KeyValueStore } from "./key-value-store.js";
import { PRINCIPAL_PREFIX } from "./principal-key.js";

/**
 * What an entry takes with the keys that are commonly derived, beside its record (`npm run bench:memory`).
 */
const ENTRY_BYTES = 6 * 1024;
/** What one with two keys takes. */
const USUAL_BYTES = 8 * 1024;
/** What a record takes that nobody has asked to be decoded, beside its bytes. */
const RECORD_BYTES = 512;

/** A record, and its entry once somebody has asked for it. */
export interface KeptEntry {
  readonly bytes: Uint8Array;
  /** When the bytes were read, as `Changes.now` has it. */
  readAt: number;
  entry: PrincipalEntry | undefined;
  /** The entry, if whoever bears the name has logged in with what it says. */
  proven: PrincipalEntry | undefined;
}

/** A reading that has begun. */
export interface Reading {
  readonly readAt: number;
  /** How often something had been told to have changed by then. */
  readonly told: number;
}

/** Entries within a bound of bytes; the one not asked for longest goes first. */
export class KeptEntries {
  readonly #kept: LruMap<Principal, KeptEntry>;
  #changes: Changes | undefined;
  /** How often something was told to have changed, or was changed here. */
  #told = 0;

  /** @param maxBytes how many bytes they may take. */
  constructor(maxBytes: number) {
    this.#kept = new LruMap(maxBytes, sizeOf);
  }

  /** How full it is. */
  get load(): CacheLoad {
    return loadOf(this.#kept);
  }

  /** Whether there is room for one more entry of the usual size: nothing makes room for it. */
  get hasRoom(): boolean {
    const { total, limit } = this.#kept;
    return total + USUAL_BYTES <= limit;
  }

  /** Whether what is kept may be used without a reading. */
  get isFollowing(): boolean {
    return this.#changes !== undefined;
  }

  /** Has the store tell of changes, if it reads over a network. */
  follow(records: KeyValueStore): void {
    this.#changes ??= records.changes?.((key) => {
      this.#told++;
      if (key === undefined) this.#kept.clear();
      else if (key.startsWith(PRINCIPAL_PREFIX))
        this.#kept.delete(key.slice(PRINCIPAL_PREFIX.length) as Principal);
    });
  }

  /** What is kept of a principal, if it may be used without a reading. */
  usable(principal: Principal): KeptEntry | undefined {
    const kept = this.#changes === undefined ? undefined : this.#kept.get(principal);
    return kept !== undefined && this.#changes?.mayUse(kept.readAt) ? kept : undefined;
  }

  /** What is kept of a principal, whether it may be used or not. */
  peek(principal: Principal): KeptEntry | undefined {
    return this.#kept.get(principal);
  }

  /** To be called before something is read. */
  beginReading(): Reading {
    return { readAt: this.#changes?.now() ?? 0, told: this.#told };
  }

  /** Keeps what was read, unless something has changed since the reading began. */
  keep(principal: Principal, bytes: Uint8Array, { readAt, told }: Reading): KeptEntry {
    const isLatest = told === this.#told;
    const kept = this.#kept.get(principal);
    if (kept !== undefined && sameBytes(kept.bytes, bytes)) {
      if (isLatest) kept.readAt = readAt;
      return kept;
    }
    const read: KeptEntry = { bytes, readAt, entry: undefined, proven: undefined };
    if (isLatest) this.#kept.set(principal, read);
    else this.#kept.delete(principal);
    return read;
  }

  /** Keeps what was read, and the entry with which whoever bears the name has logged in. */
  keepProven(principal: Principal, bytes: Uint8Array, begun: Reading, entry: PrincipalEntry): void {
    this.keep(principal, bytes, begun).proven = entry;
    // Has it counted with what it takes now.
    this.#kept.get(principal);
  }

  /** Forgets a principal that is not there. */
  forget(principal: Principal): void {
    this.#kept.delete(principal);
  }

  /** Forgets a principal that was changed here, or may have been. */
  changed(principal: Principal): void {
    this.#told++;
    this.#kept.delete(principal);
  }

  /** Forgets all. */
  clear(): void {
    this.#kept.clear();
  }
}

/** A record has a key for each of its encryption types and versions, so that a long one has many. */
function sizeOf({ bytes, entry, proven }: KeptEntry): number {
  return entry === undefined && proven === undefined
    ? RECORD_BYTES + bytes.length
    : ENTRY_BYTES + 4 * bytes.length;
}

/** Whether two records are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0;
}
