/**
 * Where and when principals logged in. Only who proved a key gets a row here, so no flood of names reaches
 * it.
 *
 * Row, 128 bytes: tag; the last login, its worth; when an operator last unlocked it; 8 bytes unused; and six
 * times an address that it logged in from: 4 bytes of a keyed hash, the last login from there in seconds (4
 * bytes), and when that address's reserve (login-attempts.ts) is full again. The other times are doubles of
 * milliseconds since the epoch.
 */
import type { RowKey } from "./slot-sets.js";
import { SlotSets, WORTH_AT } from "./slot-sets.js";
import type { Slots } from "./slots.js";

const ROW_SIZE = 128;
const UNLOCKED_AT = 16;
const PEERS_AT = 32;
const PEER_SIZE = 16;
/** How long an address counts as one that a principal logs in from, in seconds: 90 days. */
const KNOWN_FOR = 90 * 86_400;

/** How many logins are remembered as noted. */
const NOTED = 4096;

/** What is known of a principal's logins. Times are milliseconds since the epoch; 0: never. */
export interface Logins {
  readonly lastLogin: number;
  readonly unlockedAt: number;
  /** The last login from the address asked for, in whole seconds; undefined: there was none. */
  readonly lastFromPeer: number | undefined;
  /** When the reserve of the address asked for is full again; undefined: it is no known address. */
  readonly reserveFullAt: number | undefined;
}

/** The history of logins, in a part of some slots. */
export class LoginHistory {
  readonly #sets: SlotSets;
  readonly #noted = new NotedLogins();

  constructor(slots: Slots, offset: number, size: number) {
    this.#sets = new SlotSets(slots, offset, size, ROW_SIZE);
  }

  /** What is known of a principal, and of it at the address whose hash `peer` is. */
  look(key: RowKey, peer: number, now: number): Logins {
    const { row, isNew } = this.#sets.look(key);
    if (isNew) row.fill(0);
    const at = peerAt(row, peer);
    const lastFromPeer = at === undefined ? undefined : row.readUInt32BE(at + 4);
    const isKnown = lastFromPeer !== undefined && lastFromPeer + KNOWN_FOR >= now / 1000;
    return {
      lastLogin: row.readDoubleBE(WORTH_AT),
      unlockedAt: row.readDoubleBE(UNLOCKED_AT),
      lastFromPeer,
      reserveFullAt: isKnown ? row.readDoubleBE(at! + 8) : undefined,
    };
  }

  /**
   * Notes a login. What is written is whole seconds: a second login within the second changes nothing, and is
   * not even looked up if it was noted here.
   */
  add(key: RowKey, peer: number, now: number): void {
    const second = Math.floor(now / 1000);
    if (this.#noted.has(key, peer, second)) return;
    this.#sets.change(key, (row, isNew) => {
      if (isNew) row.fill(0);
      const at = peerAt(row, peer) ?? oldestPeerAt(row);
      const isOther = row.readUInt32BE(at) !== peer;
      if (!isOther && row.readUInt32BE(at + 4) === second) return false;
      row.writeDoubleBE(second * 1000, WORTH_AT);
      row.writeUInt32BE(peer, at);
      row.writeUInt32BE(second, at + 4);
      if (isOther) row.writeDoubleBE(0, at + 8);
      return true;
    });
    this.#noted.add(key, peer, second);
  }

  /** Sets when the reserve of a known address is full again. */
  setReserve(key: RowKey, peer: number, next: (fullAt: number) => number): void {
    this.#sets.change(key, (row, isNew) => {
      const at = isNew ? undefined : peerAt(row, peer);
      if (at === undefined) return false;
      row.writeDoubleBE(next(row.readDoubleBE(at + 8)), at + 8);
      return true;
    });
  }

  /** Notes that an operator unlocked a principal; its reserves are full. */
  unlock(key: RowKey, now: number): void {
    this.#sets.change(key, (row, isNew) => {
      if (isNew) row.fill(0);
      row.writeDoubleBE(now, UNLOCKED_AT);
      for (const at of PEERS) row.writeDoubleBE(0, at + 8);
      return true;
    });
  }
}

/** What was noted last, by this process: a second login within a second costs no reading. */
class NotedLogins {
  /** Four numbers each: the key's tag, the address, the second. */
  readonly #table = new Uint32Array(4 * NOTED);

  has({ place, high, low }: RowKey, peer: number, second: number): boolean {
    const table = this.#table;
    const at = 4 * (place % NOTED);
    return table[at + 3] === second && table[at] === high && table[at + 1] === low && table[at + 2] === peer;
  }

  add({ place, high, low }: RowKey, peer: number, second: number): void {
    this.#table.set([high, low, peer, second], 4 * (place % NOTED));
  }
}

/** Where in a row the addresses are. */
const PEERS = Array.from({ length: (ROW_SIZE - PEERS_AT) / PEER_SIZE }, (_, i) => PEERS_AT + i * PEER_SIZE);

function peerAt(row: Buffer, peer: number): number | undefined {
  return PEERS.find((at) => row.readUInt32BE(at) === peer && row.readUInt32BE(at + 4) > 0);
}

function oldestPeerAt(row: Buffer): number {
  return PEERS.reduce((oldest, at) =>
    row.readUInt32BE(at + 4) < row.readUInt32BE(oldest + 4) ? at : oldest,
  );
}
