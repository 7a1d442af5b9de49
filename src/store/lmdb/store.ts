/**
 * The key-value store on LMDB: one folder, any number of processes. The only file that imports the driver.
 *
 * Invariants:
 * - A commit is synced to disk before it becomes visible (no overlapping sync), so whatever `get` returns, to
 *   this process or another, survives a crash of the machine, and an awaited `update` is on disk.
 * - A change is compare-and-set on a random version number kept with each record; the driver checks it inside
 *   the write transaction, which one process holds at a time. A change that lost to another process is made
 *   again from the bytes now stored, so `change` may be called more than once; only its last result is
 *   written.
 * - Within the process, changes of one key queue up, so a thousand of them cost a thousand calls and no
 *   retries.
 * - Writes that arrive during a sync share the next transaction and sync (the driver's group commit). Its
 *   batching by turn of the event loop stays off: a batch that fails, as on a full disk, rejects a promise
 *   inside the driver that nobody handles, and that ends the process.
 */

import { randomFillSync } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { KeyQueues } from "../../collections/key-queues.js";
import { systemErrorText } from "../../files/system-error.js";
import type { KeyValueStore, Scan } from "../key-value-store.js";
import { StoreError } from "../store-error.js";
import { storeKeyBytes } from "../store-key.js";
import { damageOfLmdbFile } from "./file-check.js";

/**
 * Opens the store in folder `dir`, created with mode 0700 if it does not exist (its parent must exist).
 * @throws StoreError `missing` for a missing parent; `unsafe` for a folder open to others; `corrupt` for
 *   files that are not a store; `unavailable` if the system refuses. Each names the path.
 */
export async function openLmdbStore(dir: string): Promise<KeyValueStore> {
  prepareFolder(dir);
  let database: RootDatabase<Uint8Array, Uint8Array>;
  try {
    const damage = damageOfLmdbFile(join(dir, "data.mdb"));
    if (damage !== undefined) throw damaged(dir, damage);
    database = open<Uint8Array, Uint8Array>({
      path: dir,
      noSubdir: false,
      encoding: "binary",
      keyEncoding: "binary",
      useVersions: true,
      cache: false,
      overlappingSync: false,
      eventTurnBatching: false,
    });
    for (const file of ["data.mdb", "lock.mdb"]) chmodSync(join(dir, file), 0o600);
  } catch (error) {
    throw openingError(error, dir);
  }
  return new LmdbStore(database, dir);
}

class LmdbStore implements KeyValueStore {
  readonly #database: RootDatabase<Uint8Array, Uint8Array>;
  readonly #dir: string;
  readonly #changes = new KeyQueues<string>();
  #closing: Promise<void> | undefined;
  #isAnew = false;

  constructor(database: RootDatabase<Uint8Array, Uint8Array>, dir: string) {
    this.#database = database;
    this.#dir = dir;
  }

  async get(key: string, known?: Uint8Array): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    const keyBytes = storeKeyBytes(key);
    try {
      this.#lookAnew();
      // The driver's own buffer, which the next reading overwrites, and which is longer than it says.
      const found = this.#database.getBinaryFast(keyBytes);
      if (found === undefined) return undefined;
      const { length } = found;
      const isSame = known?.length === length && found.compare(known, 0, length, 0, length) === 0;
      return isSame ? known : new Uint8Array(found.subarray(0, length));
    } catch (error) {
      throw readingError(error, this.#dir);
    }
  }

  update(key: string, change: (current: Uint8Array | undefined) => Uint8Array | undefined): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closed());
    return this.#changes.run(key, () => this.#compareAndSet(key, change));
  }

  scan(prefix: string): Scan {
    const start = Buffer.from(prefix, "utf8");
    return { [Symbol.asyncIterator]: () => this.#scan(start), count: async () => this.#count(start) };
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#changes.idle();
      await this.#database.close();
    })();
    return this.#closing;
  }

  async #compareAndSet(
    key: string,
    change: (current: Uint8Array | undefined) => Uint8Array | undefined,
  ): Promise<void> {
    const keyBytes = storeKeyBytes(key);
    for (;;) {
      const current = this.#read(keyBytes);
      const next = change(current?.value);
      if (next === undefined && current === undefined) return;
      if (await this.#write(keyBytes, current?.version, next)) return;
    }
  }

  /** Writes or deletes the record if it still has this version (undefined: if it is still absent). */
  async #write(key: Uint8Array, version: number | undefined, next: Uint8Array | undefined): Promise<boolean> {
    try {
      if (next === undefined) return await this.#database.remove(key, version as number);
      // The driver takes null to mean "must not exist", which its types omit.
      return await this.#database.put(key, Buffer.from(next), freshVersion(), (version ?? null) as number);
    } catch (error) {
      throw await this.#writingError(error);
    }
  }

  #read(key: Uint8Array): { value: Uint8Array; version: number } | undefined {
    try {
      this.#lookAnew();
      const entry = this.#database.getEntry(key);
      if (entry === undefined) return undefined;
      return { value: new Uint8Array(entry.value), version: entry.version ?? 0 };
    } catch (error) {
      throw readingError(error, this.#dir);
    }
  }

  async *#scan(start: Buffer): AsyncGenerator<[key: string, value: Uint8Array]> {
    let after: Uint8Array | undefined;
    // In batches, each a short read of its own: a slow consumer keeps no snapshot open and pins no pages.
    for (;;) {
      this.#checkOpen();
      const batch = this.#batch(start, after);
      for (const [key, value] of batch) yield [key.toString("utf8"), value];
      if (batch.length < SCAN_BATCH) return;
      after = batch.at(-1)?.[0];
    }
  }

  /** What LMDB knows of the whole database, less those outside: few, where it is asked for. */
  #count(prefix: Buffer): number {
    this.#checkOpen();
    try {
      this.#database.resetReadTxn();
      const { entryCount } = this.#database.getStats() as { entryCount: number };
      if (prefix.length === 0) return entryCount;
      // UTF-8 has no byte 0xff.
      const end = Buffer.from(prefix);
      end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
      const before = this.#database.getKeysCount({ start: Buffer.of(0), end: prefix });
      return entryCount - before - this.#database.getKeysCount({ start: end });
    } catch (error) {
      throw readingError(error, this.#dir);
    }
  }

  #batch(prefix: Buffer, after: Uint8Array | undefined): [Buffer, Uint8Array][] {
    try {
      this.#lookAnew();
      const found: [Buffer, Uint8Array][] = [];
      const range = this.#database.getRange({
        ...(after === undefined ? { start: prefix.length > 0 ? prefix : Buffer.of(0) } : { start: after }),
        exclusiveStart: after !== undefined,
        limit: SCAN_BATCH,
      });
      for (const { key, value } of range) {
        const keyBytes = Buffer.from(key);
        const { length } = prefix;
        if (keyBytes.length < length || keyBytes.compare(prefix, 0, length, 0, length) !== 0) break;
        found.push([keyBytes, Buffer.from(value)]);
      }
      return found;
    } catch (error) {
      throw readingError(error, this.#dir);
    }
  }

  /**
   * Has the next reading see what other processes have committed: the driver's snapshot may be from before.
   * What runs together, with nothing read from the network in between, shares one.
   */
  #lookAnew(): void {
    if (this.#isAnew) return;
    this.#database.resetReadTxn();
    this.#isAnew = true;
    queueMicrotask(() => {
      this.#isAnew = false;
    });
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw this.#closed();
  }

  #closed(): StoreError {
    return new StoreError("unavailable", `${this.#dir}: the store is closed`);
  }

  async #writingError(error: unknown): Promise<StoreError> {
    const cause = await commitCause(error);
    const text = messageOf(cause);
    if (/no space|disk quota|file too large|MAP_FULL/i.test(text))
      return new StoreError("full", `${this.#dir}: no room on the disk; make room and try again (${text})`, {
        cause,
      });
    return new StoreError("unavailable", `${this.#dir}: cannot be written (${text})`, { cause });
  }
}

const SCAN_BATCH = 256;

/** A version never used before for this record, not even before a deletion; 52 bits fit a double. */
function freshVersion(): number {
  if (versionsAt === versions.length) {
    randomFillSync(versions);
    versionsAt = 0;
  }
  versionsAt += VERSION_BYTES;
  return versions.readUIntBE(versionsAt - VERSION_BYTES, VERSION_BYTES) * 16 + 1;
}

const VERSION_BYTES = 6;
/** Random bytes, made many at a time: one by one they cost more than all the rest of a write. */
const versions = Buffer.alloc(512 * VERSION_BYTES);
let versionsAt = versions.length;

function prepareFolder(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw new StoreError("missing", `${dir}: its parent folder does not exist; create it first`, {
        hint: "check the path",
        cause: error,
      });
    if (code !== "EEXIST")
      throw new StoreError("unavailable", `${dir}: ${systemErrorText(error)}`, { cause: error });
  }
  const status = lstatSync(dir);
  if (!status.isDirectory()) throw new StoreError("unavailable", `${dir}: is not a folder`);
  if (process.platform !== "win32" && (status.mode & 0o077) !== 0)
    throw new StoreError(
      "unsafe",
      `${dir}: open to others (mode ${(status.mode & 0o777).toString(8)}); run \`chmod 700 ${dir}\``,
    );
}

/**
 * The driver attaches a promise of the cause to a failed commit; one that does not settle at once is not
 * awaited.
 */
async function commitCause(error: unknown): Promise<unknown> {
  const promised = (error as { commitError?: Promise<never> }).commitError;
  if (promised === undefined) return error;
  const soon = new Promise((resolve) => setImmediate(resolve, error));
  return Promise.race([promised.catch((cause: unknown) => cause), soon]);
}

function openingError(error: unknown, dir: string): StoreError {
  if (error instanceof StoreError) return error;
  const text = messageOf(error);
  if (DAMAGE.test(text)) return damaged(dir, text, error);
  return new StoreError("unavailable", `${dir}: cannot be opened (${text})`, { cause: error });
}

function readingError(error: unknown, dir: string): StoreError {
  return damaged(dir, messageOf(error), error);
}

const DAMAGE = /MDB_INVALID|MDB_CORRUPTED|MDB_VERSION_MISMATCH|MDB_PAGE_NOTFOUND|MDB_PANIC/;

function damaged(dir: string, what: string, cause?: unknown): StoreError {
  return new StoreError(
    "corrupt",
    `${dir}: not a store, or a damaged one; restore it from a backup (${what})`,
    {
      cause,
    },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
