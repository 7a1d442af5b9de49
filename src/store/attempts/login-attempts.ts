/**
 * Who may try to log in now: failed attempts are counted, and a guesser waits.
 *
 * An attempt takes from three buckets (attempt-limits.ts): the name at this address, the name, the address.
 * While one of them is empty everybody gets the same refusal, a right proof included, which would otherwise
 * be told from a wrong one. But a principal at an address that it has logged in from before is let in by a
 * right proof: there, failures take from a reserve of its own that nobody else can use up. A guesser learns
 * nothing from that, as what is refused, and for how long, does not depend on the reserve.
 *
 * Names that do not exist are counted like those that do. What is kept has a fixed size: 4 MiB of buckets,
 * 16 MiB of addresses of principals that logged in.
 */
import { hash } from "node:crypto";
import {
  type AttemptLimit,
  type AttemptLimits,
  afterAttempt,
  asOf,
  waitOf,
} from "../../protocol/attempt-limits.js";
import type { Principal } from "../../protocol/principal.js";
import { AttemptBuckets, type Bucket, NO_NOTE } from "./buckets.js";
import { LoginHistory } from "./login-history.js";
import { openSlotFile } from "./slot-file.js";
import { jointKey, type RowKey, rowKey } from "./slot-sets.js";
import { memorySlots, type Slots } from "./slots.js";

/** The sizes of the two parts, in bytes. */
const IN_FILE = { buckets: 4 * 2 ** 20, history: 16 * 2 ** 20 };
const IN_MEMORY = { buckets: 2 ** 19, history: 2 ** 18 };
/** How many of its own failures before it a login takes back: a client's guesses at how its key is made. */
const FORGIVEN = 3;
/** How much larger an address's reserve for the names that it is known for is than its bucket. */
const PEER_RESERVE = 10;

/** An attempt to log in. */
export interface LoginAttempt {
  /** How long the caller is told to wait, in milliseconds; 0: nothing is against the attempt. */
  readonly waitMs: number;
  /** Whether a right proof lets the caller in, although it would be told to wait. */
  readonly isOpen: boolean;
  /** Counts it, unless the last one counted for this name and address was the very same proof. */
  failed(proof: Uint8Array): void;
  /** Notes the login. Throws StoreError. */
  succeeded(): void;
}

/** What an operator is shown of a principal. Times are milliseconds since the epoch. */
export interface LoginRecord {
  /** Failed attempts since the last login. */
  readonly failures: number;
  readonly lastFailure: number | undefined;
  readonly lastLogin: number | undefined;
}

/** The attempts to log in to one realm. All its steps are synchronous, and throw StoreError. */
export class LoginAttempts {
  readonly #slots: Slots;
  readonly #buckets: AttemptBuckets;
  readonly #history: LoginHistory;
  /** The address asked for last, which is often the next one, too. */
  #lastPeer: { readonly peer: string; readonly digest: Buffer } | undefined;

  private constructor(slots: Slots, { buckets, history }: typeof IN_FILE) {
    this.#slots = slots;
    this.#buckets = new AttemptBuckets(slots, 0, buckets);
    this.#history = new LoginHistory(slots, buckets, history);
  }

  /** Attempts that are forgotten when the process ends. */
  static inMemory(secret: string): LoginAttempts {
    return new LoginAttempts(memorySlots(IN_MEMORY.buckets + IN_MEMORY.history, secret), IN_MEMORY);
  }

  /**
   * Attempts in a file that the processes of a host share, made if it is not there. Throws as `openSlotFile`.
   */
  static async open(path: string): Promise<LoginAttempts> {
    return new LoginAttempts(await openSlotFile(path, IN_FILE.buckets), IN_FILE);
  }

  /**
   * Begins an attempt.
   * @param peer where it comes from: an address, or a network whose addresses count as one.
   * @param now milliseconds since the epoch.
   */
  begin(principal: Principal, peer: string, limits: AttemptLimits, now: number): LoginAttempt {
    const keys = this.#keysOf(principal, peer);
    const both = this.#both(keys, limits, now);
    const name = this.#buckets.look(keys.name, limits.name, now);
    const peerBucket = this.#buckets.look(keys.peer, limits.peer, now);
    const waitMs = Math.max(
      waitOf(limits.nameAndPeer, both.fullAt, now),
      waitOf(limits.name, name.fullAt, now),
      waitOf(limits.peer, peerBucket.fullAt, now),
    );
    const isOpen = waitMs === 0 || this.#reserveWait(keys, limits, now) === 0;
    const used = { both: Math.max(0, both.fullAt - now), failures: failuresOf(name) };
    return {
      waitMs,
      isOpen,
      failed: (proof) => {
        if (waitMs === 0) this.#count(keys, limits, now, proof);
        else if (isOpen) this.#countInReserve(keys, limits, now);
      },
      succeeded: () => {
        if (waitMs === 0 && used.both > 0) this.#forgive(keys, limits, used.both);
        if (used.failures > 0) this.#buckets.refund(keys.name, limits.name, 0, NO_NOTE);
        this.#history.add(keys.history, keys.peerHash, now);
      },
    };
  }

  /** Lets a principal try again from everywhere, and forgets its failures. `now` as in `begin`. */
  unlock(principal: Principal, now: number): void {
    const { name, history } = this.#keysOf(principal, "");
    this.#buckets.fill(name);
    this.#history.unlock(history, now);
  }

  /** What there is to show of a principal. */
  of(principal: Principal): LoginRecord {
    const { name, history } = this.#keysOf(principal, "");
    const bucket = this.#buckets.counted(name);
    const { lastLogin } = this.#history.look(history, 0, 0);
    return {
      failures: failuresOf(bucket),
      lastFailure: bucket.lastAt || undefined,
      lastLogin: lastLogin || undefined,
    };
  }

  close(): void {
    this.#slots.close();
  }

  /** The bucket of a name at an address. What an operator has unlocked since is full. */
  #both(keys: Keys, { nameAndPeer }: AttemptLimits, now: number): Bucket {
    const bucket = this.#buckets.look(keys.both, nameAndPeer, now);
    if (bucket.fullAt <= now) return bucket;
    const { unlockedAt } = this.#history.look(keys.history, keys.peerHash, now);
    if (bucket.lastAt > unlockedAt) return bucket;
    this.#buckets.fill(keys.both);
    return { ...bucket, fullAt: 0 };
  }

  #count(keys: Keys, limits: AttemptLimits, now: number, proof: Uint8Array): void {
    const tag = hash("sha256", proof, "buffer").subarray(0, 8);
    const counted = this.#buckets.take(keys.both, limits.nameAndPeer, now, ({ note }) =>
      note.equals(tag) ? undefined : tag,
    );
    if (!counted) return;
    this.#buckets.take(keys.name, limits.name, now, (bucket) => failures(failuresOf(bucket) + 1));
    this.#buckets.take(keys.peer, limits.peer, now, () => NO_NOTE);
  }

  #countInReserve(keys: Keys, limits: AttemptLimits, now: number): void {
    this.#history.setReserve(keys.history, keys.peerHash, (fullAt) =>
      afterAttempt(limits.nameAndPeer, fullAt, now),
    );
    this.#buckets.take(keys.peerReserve, peerReserve(limits), now, () => NO_NOTE);
  }

  #forgive(keys: Keys, limits: AttemptLimits, used: number): void {
    const { nameAndPeer, name, peer } = limits;
    const attempts = Math.min(FORGIVEN, Math.round((used * nameAndPeer.count) / nameAndPeer.span));
    if (attempts === 0) return;
    this.#buckets.refund(keys.both, nameAndPeer, attempts);
    this.#buckets.refund(keys.name, name, attempts);
    this.#buckets.refund(keys.peer, peer, attempts);
  }

  #reserveWait(keys: Keys, limits: AttemptLimits, now: number): number {
    const { reserveFullAt } = this.#history.look(keys.history, keys.peerHash, now);
    const peer = peerReserve(limits);
    const { fullAt } = this.#buckets.look(keys.peerReserve, peer, now);
    if (reserveFullAt === undefined) return Number.POSITIVE_INFINITY;
    const own = asOf(limits.nameAndPeer, reserveFullAt, now);
    if (own !== reserveFullAt) this.#history.setReserve(keys.history, keys.peerHash, () => own);
    return Math.max(waitOf(peer, fullAt, now), waitOf(limits.nameAndPeer, own, now));
  }

  #keysOf(principal: Principal, peer: string): Keys {
    const name = this.#digest("name", principal);
    if (this.#lastPeer?.peer !== peer) this.#lastPeer = { peer, digest: this.#digest("peer", peer) };
    const from = this.#lastPeer.digest;
    return {
      both: jointKey(rowKey(name, 20), rowKey(from, 20)),
      peerHash: (name.readUInt32BE(16) ^ from.readUInt32BE(16)) >>> 0,
      name: rowKey(name, 0),
      history: rowKey(name, 12),
      peer: rowKey(from, 0),
      peerReserve: rowKey(from, 12),
    };
  }

  #digest(kind: string, text: string): Buffer {
    // No part contains a NUL, so the text is unambiguous.
    return hash("sha256", `${this.#slots.secret}\0${kind}\0${text}`, "buffer");
  }
}

interface Keys {
  readonly both: RowKey;
  readonly name: RowKey;
  readonly peer: RowKey;
  readonly peerReserve: RowKey;
  readonly history: RowKey;
  /** The address, as the principal's history knows it. */
  readonly peerHash: number;
}

function peerReserve({ peer: { count, span } }: AttemptLimits): AttemptLimit {
  return { count: count * PEER_RESERVE, span };
}

function failuresOf({ note }: Pick<Bucket, "note">): number {
  return note.readUInt32BE(0);
}

function failures(count: number): Buffer {
  const note = Buffer.from(NO_NOTE);
  note.writeUInt32BE(Math.min(count, 0xffff_ffff), 0);
  return note;
}
