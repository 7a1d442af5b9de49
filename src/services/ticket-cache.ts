/**
 * Tickets opened before: a ticket seen again costs no decryption and no key derivation.
 *
 * Invariants. Each service has its own cache. An entry is found by the end of the ticket's bytes, which with
 * most encryption types is a MAC of the rest, and is used only for the same bytes, and with the keys and
 * permitted encryption types that the ticket was opened with: when the service's keys change, all entries are
 * dropped. No entry is used after the ticket's end plus the clock skew. Session keys belong to the cache; no
 * call wipes one, since another call may be using it. Dropped entries are left to the garbage collector.
 */
import { hash } from "node:crypto";
import { type CacheLoad, loadOf } from "../collections/cache-load.js";
import { LruMap } from "../collections/lru-map.js";
import type { TicketOpener } from "../protocol/ap-exchange.js";
import type { LongTermKey } from "../protocol/keys.js";
import type { Principal } from "../protocol/principal.js";
import { openTicket, type ServiceKeys, type TicketContents } from "../protocol/ticket.js";
import { ticketId } from "./ticket-id.js";

/** What a ticket says, and its name in the log, where it was opened here. */
export type NamedTicket = TicketContents & { readonly id?: string };

/** Settings of a ticket cache. */
export interface TicketCacheOptions {
  /** Permitted difference of clocks, in milliseconds. */
  readonly clockSkew: number;
  /**
   * How many bytes the tickets kept may take together, 192 MiB by default: some 24,000 tickets. The one not
   * seen for longest goes first.
   */
  readonly bytes?: number | undefined;
}

interface Entry {
  readonly contents: TicketContents;
  readonly permitted: readonly number[];
  /** The ticket as it travelled. */
  readonly bytes: Uint8Array;
}

const BYTES = 192 * 1024 * 1024;
/**
 * What an opened ticket takes with its place in the cache, and with what is derived from its key when it is
 * used: half of it is OpenSSL's (`npm run bench:memory`).
 */
const TICKET_BYTES = 8 * 1024;
/** By how many bytes a ticket is found: as many as a number holds exactly. */
const NAME_BYTES = 6;
/** A ticket of that length is counted already. */
const USUAL_LENGTH = 512;

/** How often expired tickets are dropped, in milliseconds. */
const SWEEP_MS = 60_000;

/** A bounded cache of opened tickets. */
export class TicketCache {
  readonly #entries: LruMap<number, Entry>;
  readonly #clockSkew: number;
  #keys: readonly LongTermKey[] | undefined;
  #principal: Principal | undefined;
  #fingerprint = "";
  #nextSweep = Number.NEGATIVE_INFINITY;

  /** @throws RangeError for fewer `bytes` than a ticket takes, or no whole number of them. */
  constructor({ clockSkew, bytes = BYTES }: TicketCacheOptions) {
    if (!Number.isSafeInteger(bytes) || bytes < TICKET_BYTES)
      throw new RangeError(`ticketCacheBytes: expected a whole number from ${TICKET_BYTES} up, got ${bytes}`);
    this.#entries = new LruMap(bytes, sizeOf);
    this.#clockSkew = clockSkew;
  }

  /** How many tickets it holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** How full it is. */
  get load(): CacheLoad {
    return loadOf(this.#entries);
  }

  /**
   * Opens a ticket as `openTicket` does, or finds it already open. The contents and their key belong to the
   * cache.
   * @param now milliseconds since the epoch.
   * @throws KrbError as `openTicket`.
   */
  readonly open: TicketOpener = (bytes, service, permitted, now) => {
    this.#followKeys(service);
    const name = endOf(bytes);
    const kept = this.#entries.get(name);
    if (kept !== undefined && Buffer.compare(kept.bytes, bytes) === 0) {
      if (this.#isCurrent(kept, now) && sameNumbers(kept.permitted, permitted)) return kept.contents;
      this.#entries.delete(name);
    }
    const contents: NamedTicket = { ...openTicket(bytes, service, permitted), id: ticketId(bytes) };
    const entry = { contents, permitted, bytes: new Uint8Array(bytes) };
    if (now >= this.#nextSweep) this.#sweep(now);
    if (this.#isCurrent(entry, now)) this.#entries.set(name, entry);
    return entry.contents;
  };

  /** Drops all tickets. */
  clear(): void {
    this.#entries.clear();
  }

  #sweep(now: number): void {
    this.#nextSweep = now + SWEEP_MS;
    for (const [name, entry] of this.#entries) if (!this.#isCurrent(entry, now)) this.#entries.delete(name);
  }

  #isCurrent({ contents }: Entry, now: number): boolean {
    return now - contents.endtime <= this.#clockSkew;
  }

  /** The same objects are the same keys; different objects are compared by content. */
  #followKeys(service: ServiceKeys): void {
    if (service.keys === this.#keys && service.principal === this.#principal) return;
    const fingerprint = fingerprintOf(service);
    if (fingerprint !== this.#fingerprint) this.clear();
    this.#fingerprint = fingerprint;
    this.#keys = service.keys;
    this.#principal = service.principal;
  }
}

/** Addresses and authorization data make a ticket longer, and are kept decoded beside its bytes. */
function sizeOf({ bytes }: Entry): number {
  return TICKET_BYTES + 2 * Math.max(0, bytes.length - USUAL_LENGTH);
}

/** The last bytes of a ticket, as a number. A hash of the whole ticket would cost as much as another MAC. */
function endOf(bytes: Uint8Array): number {
  let end = 0;
  for (let i = Math.max(0, bytes.length - NAME_BYTES); i < bytes.length; i++) end = 256 * end + bytes[i]!;
  return end;
}

/** A hash of each key beside its version: enough to tell keys apart, and no way back to the keys. */
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
