/**
 * A set of 16-byte tags in typed arrays: 21 to 43 bytes a tag, none of which the garbage collector traces.
 *
 * 256 segments, each an open-addressing table of its own with linear probing, at most three quarters full. A
 * segment doubles by itself, so no addition moves more than a 256th of the set.
 *
 * Invariants:
 * - Tags are found by a hash under a secret of the set (HalfSipHash-1-3), so nobody can choose tags that
 *   collide; they are compared whole.
 * - Four zero words are an empty place. The tag of 16 zero bytes is kept apart.
 */

/** The size of a tag in bytes. */
export const TAG_BYTES = 16;

const SEGMENTS = 256;
const SEGMENT_BITS = 8;
const FIRST_PLACES = 8;
const WORDS = TAG_BYTES / 4;

/** Remembers tags of `TAG_BYTES` bytes. */
export class TagSet {
  readonly #segments: (Uint32Array | undefined)[] = new Array(SEGMENTS).fill(undefined);
  readonly #counts = new Uint32Array(SEGMENTS);
  readonly #k0: number;
  readonly #k1: number;
  #hasZero = false;
  #size = 0;

  /** @param secret two random numbers of 32 bits, which nobody else knows. */
  constructor(secret: readonly [number, number]) {
    [this.#k0, this.#k1] = secret;
  }

  /** How many tags there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether the tag is there. */
  has(tag: Uint8Array): boolean {
    const a = wordAt(tag, 0);
    const b = wordAt(tag, 4);
    const c = wordAt(tag, 8);
    const d = wordAt(tag, 12);
    if ((a | b | c | d) === 0) return this.#hasZero;
    const hash = halfSipHash(this.#k0, this.#k1, a, b, c, d);
    const table = this.#segments[hash & (SEGMENTS - 1)];
    return table !== undefined && !isEmpty(table, placeOf(table, hash, a, b, c, d));
  }

  /** Adds a tag. Returns false if it was there already. */
  add(tag: Uint8Array): boolean {
    const a = wordAt(tag, 0);
    const b = wordAt(tag, 4);
    const c = wordAt(tag, 8);
    const d = wordAt(tag, 12);
    if ((a | b | c | d) === 0) {
      if (this.#hasZero) return false;
      this.#hasZero = true;
    } else if (!this.#insert(a, b, c, d)) return false;
    this.#size += 1;
    return true;
  }

  #insert(a: number, b: number, c: number, d: number): boolean {
    const hash = halfSipHash(this.#k0, this.#k1, a, b, c, d);
    const at = hash & (SEGMENTS - 1);
    const table = this.#segments[at] ?? new Uint32Array(FIRST_PLACES * WORDS);
    this.#segments[at] = table;
    const place = placeOf(table, hash, a, b, c, d);
    if (!isEmpty(table, place)) return false;
    put(table, place, a, b, c, d);
    const count = (this.#counts[at] as number) + 1;
    this.#counts[at] = count;
    if (count * WORDS * 4 > table.length * 3) this.#segments[at] = this.#doubled(table);
    return true;
  }

  #doubled(table: Uint32Array): Uint32Array {
    const larger = new Uint32Array(table.length * 2);
    for (let from = 0; from < table.length; from += WORDS) {
      if (isEmpty(table, from)) continue;
      const [a, b, c, d] = [table[from], table[from + 1], table[from + 2], table[from + 3]] as Words;
      put(larger, placeOf(larger, halfSipHash(this.#k0, this.#k1, a, b, c, d), a, b, c, d), a, b, c, d);
    }
    return larger;
  }
}

type Words = [number, number, number, number];

/** Where the tag is in a table, or where it belongs. */
function placeOf(table: Uint32Array, hash: number, a: number, b: number, c: number, d: number): number {
  const mask = table.length - 1;
  let at = ((hash >>> SEGMENT_BITS) * WORDS) & mask;
  for (;;) {
    const found = table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d;
    if (found || isEmpty(table, at)) return at;
    at = (at + WORDS) & mask;
  }
}

function isEmpty(table: Uint32Array, at: number): boolean {
  return table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0 && table[at + 3] === 0;
}

function put(table: Uint32Array, at: number, a: number, b: number, c: number, d: number): void {
  table[at] = a;
  table[at + 1] = b;
  table[at + 2] = c;
  table[at + 3] = d;
}

function wordAt(tag: Uint8Array, at: number): number {
  const [a, b, c, d] = [tag[at], tag[at + 1], tag[at + 2], tag[at + 3]] as Words;
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/** HalfSipHash-1-3 of four words, 32 bits: SipHash for words of 32 bits, made for hash tables. */
function halfSipHash(k0: number, k1: number, a: number, b: number, c: number, d: number): number {
  let v0 = k0;
  let v1 = k1;
  let v2 = k0 ^ 0x6c796765;
  let v3 = k1 ^ 0x74656462;
  // One round a word, the last of them the length in bytes, and three at the end.
  for (let round = 0; round < 8; round++) {
    const word =
      round === 0
        ? a
        : round === 1
          ? b
          : round === 2
            ? c
            : round === 3
              ? d
              : round === 4
                ? TAG_BYTES << 24
                : 0;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (round === 4) v2 ^= 0xff;
  }
  return (v1 ^ v3) >>> 0;
}
