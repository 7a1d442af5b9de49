/**
 * A check of an LMDB data file before the driver maps it: where a page that the file names is not there, the
 * driver ends the whole process, and an operator needs a sentence.
 *
 * Invariant: a file that LMDB wrote is never refused. Other processes may write while it is checked: if the
 * file's transaction is not the same afterwards, what was found does not count. The file may also be shorter
 * than its last page, if only free pages are missing (mdb.c on `mm_last_pg`).
 */
import {
  int64s,
  LmdbDamage,
  LmdbFile,
  type LmdbMeta,
  type LmdbNode,
  LmdbPage,
  type LmdbTree,
} from "./file.js";

/** Files up to this size are read to the last page; of larger ones, all but the leaves. In bytes. */
const WHOLE_BELOW = 32 * 1024 * 1024;
const DEEPEST = 64;
const TRIES = 5;

/**
 * What is wrong with an LMDB data file, in words, or undefined if it looks whole, is empty or does not exist.
 * @param whole reads every page, however large the file is.
 */
export function damageOfLmdbFile(path: string, whole = false): string | undefined {
  let file: LmdbFile;
  try {
    file = new LmdbFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  using open = file;
  if (open.size === 0) return undefined;
  for (let tries = TRIES; tries > 0; tries--) {
    let before: LmdbMeta | undefined;
    try {
      before = open.meta();
      new LmdbCheck(open, before).run(whole);
      return undefined;
    } catch (error) {
      if (!(error instanceof LmdbDamage)) throw error;
      if (before === undefined || transactionOf(open) === before.transaction) return error.message;
    }
  }
  // Somebody writes to it all the time, and so has it open.
  return undefined;
}

function transactionOf(file: LmdbFile): bigint | undefined {
  try {
    return file.meta().transaction;
  } catch {
    return undefined;
  }
}

/** One look at a file, from one of its transactions. */
class LmdbCheck {
  readonly #file: LmdbFile;
  readonly #meta: LmdbMeta;
  /** How many pages the file has. */
  readonly #pages: number;
  readonly #visited = new Set<number>();

  constructor(file: LmdbFile, meta: LmdbMeta) {
    this.#file = file;
    this.#meta = meta;
    this.#pages = Math.floor(file.size / meta.pageSize);
  }

  /** Throws LmdbDamage for the first thing that is wrong. */
  run(whole: boolean): void {
    const { free, main, lastPage, pageSize } = this.#meta;
    const isShort = this.#pages <= lastPage;
    this.#tree(free, (node) => this.#freePages(node));
    const all = whole || isShort || this.#pages * pageSize <= WHOLE_BELOW;
    this.#tree(main, all ? (node) => this.#entry(node) : undefined);
  }

  /** Visits a tree, and its entries if somebody wants them. */
  #tree({ root, depth }: LmdbTree, onEntry: ((node: LmdbNode) => void) | undefined): void {
    if (depth > DEEPEST || (root === undefined) !== (depth === 0))
      throw new LmdbDamage(`a tree of depth ${depth}`);
    if (root !== undefined) this.#subtree(root, depth, onEntry);
  }

  #subtree(number: number, depth: number, onEntry: ((node: LmdbNode) => void) | undefined): void {
    this.#range(number, 1);
    if (this.#visited.has(number)) throw new LmdbDamage(`page ${number} is named twice`);
    this.#visited.add(number);
    if (depth === 1 && onEntry === undefined) return;
    const { pageSize } = this.#meta;
    const page = new LmdbPage(this.#file.read(number * pageSize, pageSize));
    if (page.number !== number || !page.is(depth === 1 ? "leaf" : "branch"))
      throw new LmdbDamage(`page ${number} is another`);
    if (depth > 1) for (const child of page.children()) this.#subtree(child, depth - 1, onEntry);
    else if (!page.is("fixedLeaf")) for (const entry of page.entries()) onEntry?.(entry);
  }

  #entry(node: LmdbNode): void {
    if ("tree" in node) this.#tree(node.tree, (inner) => this.#entry(inner));
    else if ("page" in node) this.#longData(node);
  }

  /** Checks a list of free pages: their number, then each, or for several in a row their count below 0. */
  #freePages(node: LmdbNode): void {
    if ("tree" in node) throw new LmdbDamage("a list of free pages that is none");
    const { lastPage, pageSize } = this.#meta;
    if ("page" in node) this.#longData(node);
    const data = "page" in node ? this.#file.read(node.page * pageSize + 24, node.length) : node.data;
    const [count = 0n, ...listed] = int64s(data);
    if (count < 0n || count > listed.length) throw new LmdbDamage("a list of free pages that is none");
    for (let i = 0; i < count; i++) {
      let inRow = 1n;
      if (listed[i]! < 0n) inRow = -listed[i++]!;
      const first = listed[i] ?? -1n;
      if (first !== 0n && (first < 2n || first + inRow - 1n > BigInt(lastPage)))
        throw new LmdbDamage(`free page ${first} of ${lastPage + 1}`);
    }
  }

  #longData({ page, pages, length }: { page: number; pages: number; length: number }): void {
    const { pageSize } = this.#meta;
    if (pages !== Math.floor((23 + length) / pageSize) + 1)
      throw new LmdbDamage(`long data in ${pages} pages`);
    this.#range(page, pages);
  }

  #range(first: number, count: number): void {
    if (first >= 2 && first + count <= this.#pages) return;
    throw new LmdbDamage(`page ${first + count - 1} of ${this.#pages}`);
  }
}
