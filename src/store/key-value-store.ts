/**
 * The seam between stored records and the databases that keep them: bytes under text keys, one file per
 * backend.
 *
 * Acknowledged means on disk: when `update` resolves, the change survives the end of the process and of the
 * machine.
 */

/**
 * Bytes under text keys of at most 512 bytes in UTF-8. Buffers passed and returned belong to the caller,
 * except those that `get` returns.
 */
export interface KeyValueStore {
  /**
   * The bytes under `key`, or undefined. The same buffer may be handed to others: neither callers nor the
   * store change it.
   */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * Reads, changes and writes one key in one atomic step, with respect to every process that has the store
   * open.
   * @param change gets the current bytes (or undefined) and returns the new ones (or undefined to delete);
   *   called synchronously; if it throws, nothing is written and `update` rejects with that error.
   */
  update(key: string, change: (current: Uint8Array | undefined) => Uint8Array | undefined): Promise<void>;
  /** All keys that begin with `prefix` and their bytes, in the order of their UTF-8 bytes. */
  scan(prefix: string): AsyncIterable<[key: string, value: Uint8Array]>;
  /** Closes the store; acknowledged changes stay. */
  close(): Promise<void>;
}
