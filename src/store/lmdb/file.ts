/**
 * LMDB's data file, read without the driver: which pages there are, and what they say of others.
 *
 * The layout is LMDB's data version 2 on 64 bits, in the machine's byte order (docs/formats.md, "LMDB"). A
 * page is a header of 24 bytes (its own number, a transaction, 2 unused bytes, flags, two bounds) and its
 * content:
 *
 * - meta (pages 0 and 1; the greater transaction counts): magic, version, an address, the map's size, two
 *   trees of 48 bytes (the first lists free pages, and begins with the page size), the last page, the
 *   transaction;
 * - branch and leaf: offsets of nodes, and the nodes: 8 bytes (page or length of data, flags, length of key),
 *   key, data. Data too long for a leaf is in pages of its own, and the node says which and how many.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";

const LITTLE = endianness() === "LE";
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const HEADER = 24;
const META_END = 160;
const NODE = 8;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** What a page is. */
export const PAGE_KINDS = { branch: 0x01, leaf: 0x02, meta: 0x08, fixedLeaf: 0x20 } as const;
const NODE_FLAGS = { long: 0x01, tree: 0x02 } as const;

/** A tree of pages: its depth, and its first page unless it is empty. */
export interface LmdbTree {
  readonly depth: number;
  readonly root: number | undefined;
}

/** What a meta page says. */
export interface LmdbMeta {
  readonly pageSize: number;
  readonly free: LmdbTree;
  readonly main: LmdbTree;
  readonly lastPage: number;
  readonly transaction: bigint;
}

/** A node of a leaf: its data, the pages that hold it, or another tree. */
export type LmdbNode =
  | { readonly data: Buffer }
  | { readonly page: number; readonly pages: number; readonly length: number }
  | { readonly tree: LmdbTree };

/** What is wrong with a file, in words. */
export class LmdbDamage extends Error {}

/** An open data file. */
export class LmdbFile implements Disposable {
  readonly #fd: number;

  /** Opens a file. Throws the system's error. */
  constructor(path: string) {
    this.#fd = openSync(path, "r");
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  /** Its length in bytes. */
  get size(): number {
    return fstatSync(this.#fd).size;
  }

  /** What counts of the two meta pages. Throws LmdbDamage if either is none. */
  meta(): LmdbMeta {
    const first = this.#metaAt(0);
    if (first === undefined) throw new LmdbDamage("no meta page");
    const { pageSize } = first;
    if (pageSize < 512 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0)
      throw new LmdbDamage(`page size ${pageSize}`);
    const second = this.#metaAt(pageSize);
    if (second === undefined || second.pageSize !== pageSize) throw new LmdbDamage("no second meta page");
    return second.transaction > first.transaction ? second : first;
  }

  /** Reads bytes. Throws LmdbDamage if they are not all there. */
  read(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    if (readSync(this.#fd, bytes, 0, length, position) !== length) throw new LmdbDamage("cut short");
    return bytes;
  }

  #metaAt(position: number): LmdbMeta | undefined {
    const bytes = Buffer.alloc(META_END);
    if (readSync(this.#fd, bytes, 0, META_END, position) !== META_END) return undefined;
    const isMeta = (uint16(bytes, 18) & PAGE_KINDS.meta) !== 0 && uint32(bytes, 24) === MAGIC;
    if (!isMeta || (uint32(bytes, 28) & 0xffff) !== VERSION) return undefined;
    return {
      pageSize: uint32(bytes, 48),
      free: treeAt(bytes, 48),
      main: treeAt(bytes, 96),
      lastPage: Number(uint64(bytes, 144)),
      transaction: uint64(bytes, 152),
    };
  }
}

/** A page of a tree. */
export class LmdbPage {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The number that it bears. */
  get number(): number {
    return Number(uint64(this.#bytes, 0));
  }

  /** Of `PAGE_KINDS`. */
  is(kind: keyof typeof PAGE_KINDS): boolean {
    return (uint16(this.#bytes, 18) & PAGE_KINDS[kind]) !== 0;
  }

  /** The pages below a branch. Throws LmdbDamage for a node outside the page. */
  children(): number[] {
    const bytes = this.#bytes;
    return this.#nodes().map((at) => uint32(bytes, at) + uint16(bytes, at + 4) * 2 ** 32);
  }

  /** The nodes of a leaf. Throws LmdbDamage for a node outside the page. */
  entries(): LmdbNode[] {
    return this.#nodes().map((at) => {
      const bytes = this.#bytes;
      const length = uint32(bytes, at);
      const flags = uint16(bytes, at + 4);
      const start = at + NODE + uint16(bytes, at + 6);
      const stored = (flags & NODE_FLAGS.long) !== 0 ? 24 : length;
      if (start + stored > bytes.length) throw new LmdbDamage("an entry beyond its page");
      if ((flags & NODE_FLAGS.long) !== 0)
        return { page: Number(uint64(bytes, start)), pages: Number(uint64(bytes, start + 16)), length };
      if ((flags & NODE_FLAGS.tree) !== 0 && length === 48) return { tree: treeAt(bytes, start) };
      return { data: bytes.subarray(start, start + length) };
    });
  }

  /** Where the nodes begin. */
  #nodes(): number[] {
    const count = uint16(this.#bytes, 20) >> 1;
    if (HEADER + 2 * count > this.#bytes.length) throw new LmdbDamage("more entries than fit");
    return Array.from({ length: count }, (_, i) => {
      const at = HEADER + uint16(this.#bytes, HEADER + 2 * i);
      if (at < HEADER + 2 * count || at + NODE > this.#bytes.length)
        throw new LmdbDamage("an entry beyond its page");
      return at;
    });
  }
}

/** Signed numbers of 8 bytes. */
export function int64s(bytes: Buffer): bigint[] {
  return Array.from({ length: bytes.length >> 3 }, (_, i) =>
    LITTLE ? bytes.readBigInt64LE(8 * i) : bytes.readBigInt64BE(8 * i),
  );
}

function treeAt(bytes: Buffer, at: number): LmdbTree {
  const root = uint64(bytes, at + 40);
  return { depth: uint16(bytes, at + 6), root: root === NO_PAGE ? undefined : Number(root) };
}

function uint16(bytes: Buffer, at: number): number {
  return LITTLE ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
}

function uint32(bytes: Buffer, at: number): number {
  return LITTLE ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

function uint64(bytes: Buffer, at: number): bigint {
  return LITTLE ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
}
