/**
 * A set of 16-byte tags in typed arrays: 41 bytes a tag, none of which the garbage collector traces.
 *
 * Pages of 1,024 places, an open-addressing table each. When they hold 400 tags each on average, one more is
 * added and takes its share of one other (linear hashing). So no addition moves more than a page, and growing
 * leaves no garbage.
 *
 * Invariants:
 * - Tags are found by a hash under a secret of the set (HalfSipHash-1-3), so nobody can choose tags that
 *   collide; they are compared whole.
 * - Four zero words are an empty place. The tag of 16 zero bytes is kept apart.
 * - No page is ever full: to 800 tags, the most on average, 1,024 places are eight standard deviations more.
 */

/** The size of a tag in bytes. */
export const TAG_BYTES = 16;

const WORDS = TAG_BYTES / 4;
const LENGTH = TAG_BYTES << 24;
const PLACES = 1024;
/** A page is added beyond so many tags for each. The last to be split has nearly twice as many. */
const TAGS_PER_PAGE = 400;

/** Remembers tags of `TAG_BYTES` bytes. */
export class TagSet {
  readonly #pages = [newPage()];
  /** How many pages there were before the present round of additions: a power of two. */
  #round = 1;
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
    const page = this.#pageOf(hash);
    return !isEmpty(page, placeOf(page, hash, a, b, c, d));
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
    if (this.#size > this.#pages.length * TAGS_PER_PAGE) this.#addPage();
    return true;
  }

  #insert(a: number, b: number, c: number, d: number): boolean {
    const hash = halfSipHash(this.#k0, this.#k1, a, b, c, d);
    const page = this.#pageOf(hash);
    const place = placeOf(page, hash, a, b, c, d);
    if (!isEmpty(page, place)) return false;
    put(page, place, a, b, c, d);
    return true;
  }

  #pageOf(hash: number): Uint32Array {
    const at = hash & (2 * this.#round - 1);
    return this.#pages[at < this.#pages.length ? at : at - this.#round] as Uint32Array;
  }

  /** Adds a page, and sorts anew what was in the one that it shares with. */
  #addPage(): void {
    const split = this.#pages.length - this.#round;
    const tags = Uint32Array.from(this.#pages[split] as Uint32Array);
    (this.#pages[split] as Uint32Array).fill(0);
    this.#pages.push(newPage());
    for (let at = 0; at < tags.length; at += WORDS) {
      const [a, b, c, d] = [tags[at], tags[at + 1], tags[at + 2], tags[at + 3]] as Words;
      if ((a | b | c | d) !== 0) this.#insert(a, b, c, d);
    }
    if (this.#pages.length === 2 * this.#round) this.#round *= 2;
  }
}

type Words = [number, number, number, number];

function newPage(): Uint32Array {
  return new Uint32Array(PLACES * WORDS);
}

/** Where the tag is in a page, or where it belongs. */
function placeOf(page: Uint32Array, hash: number, a: number, b: number, c: number, d: number): number {
  const mask = PLACES * WORDS - 1;
  let at = (hash >>> 22) * WORDS;
  for (;;) {
    const found = page[at] === a && page[at + 1] === b && page[at + 2] === c && page[at + 3] === d;
    if (found || isEmpty(page, at)) return at;
    at = (at + WORDS) & mask;
  }
}

function isEmpty(page: Uint32Array, at: number): boolean {
  return page[at] === 0 && page[at + 1] === 0 && page[at + 2] === 0 && page[at + 3] === 0;
}

function put(page: Uint32Array, at: number, a: number, b: number, c: number, d: number): void {
  page[at] = a;
  page[at + 1] = b;
  page[at + 2] = c;
  page[at + 3] = d;
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
      round < 2 ? (round === 0 ? a : b) : round < 4 ? (round === 2 ? c : d) : round === 4 ? LENGTH : 0;
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
