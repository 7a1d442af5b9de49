/**
 * Records found by a key of bytes, in one buffer: where it is full, the oldest make room.
 *
 * As objects in a map they would live long enough to be moved to where V8 collects seldom, and not much
 * longer: at thousands a second that costs more than what they are kept for.
 *
 * Layout. Positions count on for ever; a record is at its position modulo the size, whole, and begins with
 * its length, the lengths of key and value, and the position of the record before it in the same chain, that
 * is with the same last bytes of its key. A position before the oldest record's is one that has made room, so
 * that nothing need be taken out of a chain.
 */
import type { CacheLoad } from "./cache-load.js";

const HEADER_BYTES = 24;
/** Records begin at multiples of this, so that a gap at the buffer's end has room for its two lengths. */
const ALIGNMENT = 8;
/** The length of the key of a gap. */
const GAP = 0xffff_ffff;
const CHAINS = 1 << 14;
const NONE = -1;

/** A bounded number of bytes of records. */
export class RecordRing {
  readonly #bytes: Buffer;
  /** The position of the latest record of each chain. */
  readonly #latest = new Float64Array(CHAINS).fill(NONE);
  /** Where the oldest record is, and where the next will be. */
  #oldest = 0;
  #next = 0;
  #entries = 0;

  /**
   * @param size in bytes, records' headers of 24 bytes included; memory is used as it fills.
   * @throws RangeError for a size that is no multiple of eight.
   */
  constructor(size: number) {
    if (size % ALIGNMENT !== 0)
      throw new RangeError(`size: expected a multiple of ${ALIGNMENT}, got ${size}`);
    this.#bytes = Buffer.alloc(size);
  }

  /** How full it is. */
  get load(): CacheLoad {
    return { entries: this.#entries, bytes: this.#next - this.#oldest, maxBytes: this.#bytes.length };
  }

  /**
   * The value added last under a key of at least two bytes: a view, good until the next `add`. The fewer keys
   * end alike, the sooner it is found.
   */
  find(key: Uint8Array): Buffer | undefined {
    const bytes = this.#bytes;
    for (let position = this.#latest[chainOf(key)]!; position >= this.#oldest; ) {
      const at = position % bytes.length;
      const keyEnd = at + HEADER_BYTES + bytes.readUInt32LE(at + 4);
      if (bytes.compare(key, 0, key.length, at + HEADER_BYTES, keyEnd) === 0)
        return bytes.subarray(keyEnd, keyEnd + bytes.readUInt32LE(at + 8));
      position = bytes.readDoubleLE(at + 16);
    }
    return undefined;
  }

  /** Adds a record, its value in parts, which are copied. One that is larger than the ring is not kept. */
  add(key: Uint8Array, ...value: readonly Uint8Array[]): void {
    const bytes = this.#bytes;
    const valueSize = value.reduce((sum, { length }) => sum + length, 0);
    const size = aligned(HEADER_BYTES + key.length + valueSize);
    if (size > bytes.length) return;
    const position = this.#placeFor(size);
    let at = position % bytes.length;
    const chain = chainOf(key);
    bytes.writeUInt32LE(size, at);
    bytes.writeUInt32LE(key.length, at + 4);
    bytes.writeUInt32LE(valueSize, at + 8);
    bytes.writeDoubleLE(this.#latest[chain]!, at + 16);
    at += HEADER_BYTES;
    for (const part of [key, ...value]) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#latest[chain] = position;
    this.#entries++;
  }

  /** Makes room for a record, which is never cut at the end of the buffer, and says where. */
  #placeFor(size: number): number {
    const bytes = this.#bytes;
    const left = bytes.length - (this.#next % bytes.length);
    if (left < size) {
      this.#makeRoom(left);
      const at = this.#next % bytes.length;
      bytes.writeUInt32LE(left, at);
      bytes.writeUInt32LE(GAP, at + 4);
      this.#next += left;
    }
    this.#makeRoom(size);
    const position = this.#next;
    this.#next += size;
    return position;
  }

  #makeRoom(size: number): void {
    const bytes = this.#bytes;
    while (this.#next + size - this.#oldest > bytes.length) {
      const at = this.#oldest % bytes.length;
      if (bytes.readUInt32LE(at + 4) !== GAP) this.#entries--;
      this.#oldest += bytes.readUInt32LE(at);
    }
  }
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

function chainOf(key: Uint8Array): number {
  const end = key.length;
  return ((key[end - 1]! << 8) | key[end - 2]!) & (CHAINS - 1);
}
