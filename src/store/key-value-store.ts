/**
 * The seam between what is stored and what keeps it: bytes under text keys, in one file a backend.
 *
 * Acknowledged means on disk: when `update` resolves, the change survives the end of the process and of the machine.
 */

/** Bytes under text keys of at most 512 bytes in UTF-8. Buffers given and received are the caller's own, but for `get`. */
export interface KeyValueStore {
  /** The bytes under `key`, or undefined. Others may have received the same buffer: nobody changes it, the store neither. */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * Reads, changes and writes one key in one atomic step, against every process that has the store open.
   * @param change gets the current bytes (or undefined) and returns the new ones (or undefined to delete); called
   *   synchronously; if it throws, nothing is written and `update` rejects with the same error.
   */
  update(key: string, change: (current: Uint8Array | undefined) => Uint8Array | undefined): Promise<void>;
  /** All keys that begin with `prefix` and their bytes, in the order of their UTF-8 bytes. */
  scan(prefix: string): AsyncIterable<[key: string, value: Uint8Array]>;
  /** Ends all use of the store; what was acknowledged stays. */
  close(): Promise<void>;
}
