/**
 * The seam between stored records and the databases that keep them: bytes under text keys, one file per
 * backend.
 *
 * Acknowledged means on disk: when `update` resolves, the change survives the end of the process and of the
 * machine.
 */

/** What becomes of a record that is there already: it stays, or it is replaced. */
export type OnExisting = "keep" | "replace";

/**
 * Bytes under text keys of at most 512 bytes in UTF-8. Buffers passed and returned belong to the caller,
 * except those that `get` returns.
 */
export interface KeyValueStore {
  /**
   * The bytes under `key`, or undefined. The same buffer may be handed to others: neither callers nor the
   * store change it.
   * @param known bytes that the caller has of it: what is returned, perhaps, if they are still the same.
   */
  get(key: string, known?: Uint8Array): Promise<Uint8Array | undefined>;
  /**
   * Reads, changes and writes one key in one atomic step, with respect to every process that has the store
   * open.
   * @param change gets the current bytes (or undefined) and returns the new ones (or undefined to delete);
   *   called synchronously; if it throws, nothing is written and `update` rejects with that error.
   */
  update(key: string, change: (current: Uint8Array | undefined) => Uint8Array | undefined): Promise<void>;
  /**
   * Writes many records in one atomic step, no two of which have the same key. Absent where updates that are
   * on their way at a time share one step by themselves.
   */
  writeAll?(
    records: readonly (readonly [key: string, value: Uint8Array])[],
    onExisting: OnExisting,
  ): Promise<void>;
  /** All keys that begin with `prefix` and their bytes, in the order of their UTF-8 bytes. */
  scan(prefix: string): Scan;
  /**
   * Begins to follow what others change, for a reader that keeps what it has read. Absent where a read is a
   * look into memory that all processes share: nothing need be kept there.
   * @param onChange told of each key that may have changed; undefined: any of them may have.
   */
  changes?(onChange: (key: string | undefined) => void): Changes;
  /** Closes the store; acknowledged changes stay. */
  close(): Promise<void>;
}

/** Records of a store, read as they are asked for. */
export interface Scan extends AsyncIterable<[key: string, value: Uint8Array]> {
  /** How many there are now; they are not read for it. */
  count(): Promise<number>;
}

/** How long a reader may keep what it has read. Times are milliseconds of a clock that is never set. */
export interface Changes {
  /** The present, to be asked before something is read. */
  now(): number;
  /**
   * Whether what was read then, and was not told of since, may be used: nothing that was acknowledged longer
   * ago than the store's bound of staleness is missing from it.
   */
  mayUse(readAt: number): boolean;
}
