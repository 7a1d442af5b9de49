/**
 * Tickets opened before: a ticket seen again costs no decryption and no key derivation.
 *
 * Invariants. One cache a service. An entry is found by a hash of the ticket's bytes alone, and is used only under the
 * keys and the permitted encryption types it was opened with: when the service's keys change, everything is forgotten. No
 * entry is used past the ticket's end and the clock skew. Session keys belong to the cache and are never wiped by a call,
 * for another call may be using them; what was forgotten is left to the garbage collector.
 */
import { hash } from "node:crypto";
import type { LongTermKey } from "../protocol/keys.js";
import type { Principal } from "../protocol/principal.js";
import { openTicket, type ServiceKeys, type TicketContents } from "../protocol/ticket.js";
import type { Clock } from "./clock.js";

/** What a ticket cache is made from. */
export interface TicketCacheOptions {
  /** The present in milliseconds; the system's clock by default. */
  readonly clock?: Clock | undefined;
  /** Permitted difference of clocks, in milliseconds. */
  readonly clockSkew: number;
  /** Most tickets kept, 1,024 by default; the one not seen for longest goes first. */
  readonly capacity?: number | undefined;
}

interface Entry {
  readonly contents: TicketContents;
  readonly permitted: readonly number[];
  /** The turn in which it was seen last: greater is later. */
  seen: number;
}

/** How often expired tickets are looked for, in milliseconds. */
const SWEEP_MS = 60_000;

/** A bounded cache of opened tickets. */
export class TicketCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #clockSkew: number;
  readonly #capacity: number;
  #keys: readonly LongTermKey[] | undefined;
  #principal: Principal | undefined;
  #fingerprint = "";
  #turn = 0;
  #nextSweep = Number.NEGATIVE_INFINITY;

  constructor({ clock = Date.now, clockSkew, capacity = 1024 }: TicketCacheOptions) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity: expected a whole number from 1 up, got ${capacity}`);
    this.#clock = clock;
    this.#clockSkew = clockSkew;
    this.#capacity = capacity;
  }

  /** How many tickets are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Opens a ticket as `openTicket` does, or finds it opened. The contents and their key stay the cache's. */
  readonly open = (bytes: Uint8Array, service: ServiceKeys, permitted: readonly number[]): TicketContents => {
    this.#followKeys(service);
    const now = this.#clock();
    // Latin-1 ("binary") is the hash's own bytes: no encoding to pay for.
    const name = hash("sha256", bytes, "binary");
    const seen = ++this.#turn;
    const kept = this.#entries.get(name);
    if (kept !== undefined) {
      if (this.#isCurrent(kept, now) && sameNumbers(kept.permitted, permitted)) {
        kept.seen = seen;
        return kept.contents;
      }
      this.#entries.delete(name);
    }
    const entry = { contents: openTicket(bytes, service, permitted), permitted, seen };
    if (this.#isCurrent(entry, now)) this.#keep(name, entry, now);
    return entry.contents;
  };

  /** Forgets all tickets. */
  clear(): void {
    this.#entries.clear();
  }

  #keep(name: string, entry: Entry, now: number): void {
    if (now >= this.#nextSweep) this.#sweep(now);
    if (this.#entries.size >= this.#capacity) this.#dropOldest();
    this.#entries.set(name, entry);
  }

  /** A search through all, so that a ticket seen again costs no more than a number; a new one costs far more anyway. */
  #dropOldest(): void {
    let oldest: [string, Entry] | undefined;
    for (const row of this.#entries) if (oldest === undefined || row[1].seen < oldest[1].seen) oldest = row;
    if (oldest !== undefined) this.#entries.delete(oldest[0]);
  }

  #sweep(now: number): void {
    this.#nextSweep = now + SWEEP_MS;
    for (const [name, entry] of this.#entries) if (!this.#isCurrent(entry, now)) this.#entries.delete(name);
  }

  #isCurrent({ contents }: Entry, now: number): boolean {
    return now - contents.endtime <= this.#clockSkew;
  }

  /** Keys that are the same objects are the same keys; others are compared by their contents. */
  #followKeys(service: ServiceKeys): void {
    if (service.keys === this.#keys && service.principal === this.#principal) return;
    const fingerprint = fingerprintOf(service);
    if (fingerprint !== this.#fingerprint) this.clear();
    this.#fingerprint = fingerprint;
    this.#keys = service.keys;
    this.#principal = service.principal;
  }
}

/** A hash of each key beside its number: enough to tell keys apart, and no way back to them. */
function fingerprintOf({ principal, keys }: ServiceKeys): string {
  const parts = keys.map(({ kvno, key }) => {
    const bytes = key.exportBytes();
    const digest = hash("sha256", bytes, "base64");
    bytes.fill(0);
    return `${kvno}:${key.etype.etype}:${digest}`;
  });
  return `${principal} ${parts.join(" ")}`;
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((number, index) => number === b[index]));
}
