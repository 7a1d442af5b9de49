/**
 * The sessions that a guard has granted (session.proto). They are never written down and never leave the
 * process.
 *
 * Invariants. The table is bounded in bytes: where it is full, the session longest unused makes room; no
 * principal has more than its share, and beyond it displaces its own alone. A session that is dropped is
 * found no more; its keys are left to the calls that still run under it, and to the garbage collector.
 */
import { type CacheLoad, loadOf } from "../../collections/cache-load.js";
import { LruMap } from "../../collections/lru-map.js";
import { AttemptNumbers } from "../../protocol/attempt-numbers.js";
import type { AuthorizationElement } from "../../protocol/authorization-data.js";
import type { Principal } from "../../protocol/principal.js";
import type { SessionKeys } from "../../protocol/session-keys.js";
import type { HeldTicket } from "./held-ticket.js";

/** What a table may be told. */
export interface SessionOptions {
  /** How many bytes all sessions together may take; 300 MB by default, for 100,000 sessions. */
  readonly bytes?: number | undefined;
  /** The most sessions of one principal; by default a hundredth of those that fit, at least 16. */
  readonly share?: number | undefined;
  /**
   * How long a session lasts, in milliseconds, from 1,000 up; 8 hours by default. It ends with its ticket in
   * any case.
   */
  readonly life?: number | undefined;
}

const BYTES = 300_000_000;
/**
 * What a session takes, with its place in the table and a ticket of the usual size (`npm run bench:memory`).
 */
const SESSION_BYTES = 3_000;
/** A ticket of that size is counted already. */
const USUAL_TICKET_BYTES = 512;
/** What each number takes that is remembered by itself. */
const NUMBER_BYTES = 16;
const LEAST_SHARE = 16;
const LIFE_MS = 8 * 3_600_000;
/** A grant counts whole seconds, in 32 bits. */
const MAX_LIFE_MS = 0xffff_ffff * 1_000;

/** What a session is made of. */
export interface NewSession extends HeldTicket {
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly keys: SessionKeys;
  readonly authorizationData: readonly AuthorizationElement[];
}

/** A session as the service holds it. */
export interface ServiceSession extends NewSession {
  /** What the table knows it by. */
  readonly name: string;
  readonly numbers: AttemptNumbers;
  /** When it was granted and when it ends, by the monotonic clock. */
  readonly grantedAt: number;
  readonly endsAt: number;
}

/** A guard's sessions. */
export class SessionTable {
  readonly life: number;
  readonly #share: number;
  readonly #sessions: LruMap<string, ServiceSession>;
  /** Each principal's, the one longest unused first. */
  readonly #byClient = new Map<Principal, Set<string>>();

  /** @throws RangeError for a number that is not whole, or out of its range. */
  constructor(options: SessionOptions = {}) {
    const bytes = wholeNumber("bytes", options.bytes ?? BYTES, SESSION_BYTES);
    this.life = wholeNumber("life", options.life ?? LIFE_MS, 1_000, MAX_LIFE_MS);
    this.#share = wholeNumber(
      "share",
      options.share ?? Math.max(LEAST_SHARE, Math.ceil(bytes / SESSION_BYTES / 100)),
    );
    this.#sessions = new LruMap(bytes, sizeOf, (name, { ticket }) => this.#forget(name, ticket.client));
  }

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** How full the table is. */
  get load(): CacheLoad {
    return loadOf(this.#sessions);
  }

  /** Keeps a session. @param now milliseconds of the monotonic clock. */
  add(session: NewSession, now: number): void {
    const name = nameOf(session.id);
    const { client } = session.ticket;
    const own = this.#byClient.get(client) ?? new Set();
    if (own.size >= this.#share)
      for (const oldest of own) {
        this.#sessions.delete(oldest);
        break;
      }
    own.add(name);
    this.#byClient.set(client, own);
    const numbers = new AttemptNumbers();
    this.#sessions.set(name, { ...session, name, numbers, grantedAt: now, endsAt: now + this.life });
  }

  /**
   * The session with this identifier, which is thereby used; undefined where there is none, or it has ended.
   */
  find(id: Uint8Array, now: number): ServiceSession | undefined {
    const session = this.#sessions.get(nameOf(id));
    if (session === undefined || !this.has(session, now)) return undefined;
    const { name, ticket } = session;
    const own = this.#byClient.get(ticket.client);
    if (own !== undefined && own.size > 1) {
      own.delete(name);
      own.add(name);
    }
    return session;
  }

  /** Whether a session that was found is still held, and has not ended. */
  has(session: ServiceSession, now: number): boolean {
    if (this.#sessions.get(session.name) !== session) return false;
    if (now <= session.endsAt) return true;
    this.drop(session);
    return false;
  }

  /** Counts what a session remembers by now: others may have to make room for it. */
  measure({ name, numbers }: ServiceSession): void {
    if (numbers.size > 0) this.#sessions.get(name);
  }

  /** Drops a session. */
  drop({ name }: ServiceSession): void {
    this.#sessions.delete(name);
  }

  /** Drops all. */
  clear(): void {
    this.#sessions.clear();
    this.#byClient.clear();
  }

  #forget(name: string, client: Principal): void {
    const own = this.#byClient.get(client);
    own?.delete(name);
    if (own?.size === 0) this.#byClient.delete(client);
  }
}

/** What a session takes in memory, in bytes: tickets and their authorization data may be large. */
function sizeOf({ numbers, ticketBytes }: ServiceSession): number {
  // Addresses, authorization data and the rest of what the ticket says are no more than it has bytes.
  return (
    SESSION_BYTES + NUMBER_BYTES * numbers.size + 2 * Math.max(0, ticketBytes.length - USUAL_TICKET_BYTES)
  );
}

function nameOf(id: Uint8Array): string {
  const bytes = Buffer.isBuffer(id) ? id : Buffer.from(id);
  return bytes.toString("latin1");
}

function wholeNumber(name: string, value: number, least = 1, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`sessions.${name}: expected a whole number from ${least} to ${most}, got ${value}`);
}
