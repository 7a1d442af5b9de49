/**
 * Rows in slots, found by a keyed hash: sets of eight rows, of which each name has one set and no other, so
 * that finding, adding and making room take the same time however many rows there are.
 *
 * A row begins with its tag (8 bytes) and a worth (a big-endian double): where a set is full, the row that is
 * worth least makes room. The newcomer is handed that row's bytes, to inherit from them what must not be
 * forgotten.
 */
import type { Slots } from "./slots.js";

const ROWS = 8;
const TAG_SIZE = 8;
/** Where a row's worth is. */
export const WORTH_AT = TAG_SIZE;

/** Where a row is, or would be: 12 bytes of a keyed hash. */
export interface RowKey {
  readonly place: number;
  /** The tag's two halves. */
  readonly high: number;
  readonly low: number;
}

/** The key at `at` in a digest, which takes 12 bytes of it. */
export function rowKey(digest: Buffer, at: number): RowKey {
  return {
    place: digest.readUInt32BE(at),
    high: digest.readUInt32BE(at + 4),
    low: digest.readUInt32BE(at + 8),
  };
}

/** The key of two things together, from the keys of each. */
export function jointKey(one: RowKey, other: RowKey): RowKey {
  return {
    place: (one.place ^ other.place) >>> 0,
    high: (one.high ^ other.high) >>> 0,
    low: (one.low ^ other.low) >>> 0,
  };
}

/** Sets of rows in a part of some slots. */
export class SlotSets {
  readonly #slots: Slots;
  readonly #offset: number;
  readonly #rowSize: number;
  readonly #sets: number;

  /** `size` bytes from `offset` on, in rows of `rowSize` bytes. */
  constructor(slots: Slots, offset: number, size: number, rowSize: number) {
    this.#slots = slots;
    this.#offset = offset;
    this.#rowSize = rowSize;
    this.#sets = Math.floor(size / (ROWS * rowSize));
  }

  /** A copy of the row; or of the one that would make room for it, `isNew`. */
  look(key: RowKey): { readonly row: Buffer; readonly isNew: boolean } {
    return this.#find(this.#slots.read(this.#setAt(key), ROWS * this.#rowSize), key);
  }

  /**
   * Changes a row in one step.
   * @param change works on the row, or on the one that makes room, `isNew`; returns whether it is to be kept.
   */
  change(key: RowKey, change: (row: Buffer, isNew: boolean) => boolean): void {
    this.#slots.change(this.#setAt(key), ROWS * this.#rowSize, (set) => {
      const { row, isNew } = this.#find(set, key);
      const changed = Buffer.from(row);
      if (!change(changed, isNew)) return false;
      changed.writeUInt32BE(key.high, 0);
      changed.writeUInt32BE(key.low, TAG_SIZE / 2);
      changed.copy(row);
      return true;
    });
  }

  #setAt({ place }: RowKey): number {
    return this.#offset + (place % this.#sets) * ROWS * this.#rowSize;
  }

  #find(set: Buffer, { high, low }: RowKey): { row: Buffer; isNew: boolean } {
    let least = set.subarray(0, this.#rowSize);
    let leastWorth = Number.POSITIVE_INFINITY;
    for (let at = 0; at < set.length; at += this.#rowSize) {
      if (set.readUInt32BE(at) === high && set.readUInt32BE(at + TAG_SIZE / 2) === low)
        return { row: set.subarray(at, at + this.#rowSize), isNew: false };
      const worth = set.readDoubleBE(at + WORTH_AT);
      if (worth < leastWorth) {
        least = set.subarray(at, at + this.#rowSize);
        leastWorth = worth;
      }
    }
    return { row: least, isNew: true };
  }
}
