/**
 * A check of an LMDB data file before the driver maps it: on a file that is not a store the driver ends the
 * whole process, where an operator needs a sentence.
 *
 * The layout is LMDB's data version 2, in the machine's byte order: two meta pages, each a page header of 24
 * bytes followed by magic, version, address, map size, two trees of 48 bytes (of which the first begins with
 * the page size), last page and transaction number.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";

const MAGIC = 0xbeefc0de;
const VERSION = 2;
const META_FLAG = 0x08;
const AT = {
  flags: 18,
  magic: 24,
  version: 28,
  pageSize: 48,
  freeRoot: 88,
  mainRoot: 136,
  end: 160,
} as const;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/**
 * What is wrong with an LMDB data file, in words, or undefined if it looks whole, is empty or does not exist.
 */
export function damageOfLmdbFile(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    if (size === 0) return undefined;
    const first = metaAt(file, 0);
    if (first === undefined) return "no meta page";
    const { pageSize } = first;
    if (pageSize < 512 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0)
      return `page size ${pageSize}`;
    const second = metaAt(file, pageSize);
    if (second === undefined || second.pageSize !== pageSize) return "no second meta page";
    const pages = BigInt(Math.floor(size / pageSize));
    const roots = [...first.roots, ...second.roots];
    if (roots.some((root) => root !== NO_PAGE && root >= pages)) return "cut short";
    return undefined;
  } finally {
    closeSync(file);
  }
}

function metaAt(file: number, position: number): { pageSize: number; roots: bigint[] } | undefined {
  const bytes = new Uint8Array(AT.end);
  if (readSync(file, bytes, 0, bytes.length, position) !== bytes.length) return undefined;
  const view = new DataView(bytes.buffer);
  const little = endianness() === "LE";
  const isMeta = (view.getUint16(AT.flags, little) & META_FLAG) !== 0;
  if (!isMeta || view.getUint32(AT.magic, little) !== MAGIC) return undefined;
  if ((view.getUint32(AT.version, little) & 0xffff) !== VERSION) return undefined;
  return {
    pageSize: view.getUint32(AT.pageSize, little),
    roots: [view.getBigUint64(AT.freeRoot, little), view.getBigUint64(AT.mainRoot, little)],
  };
}
