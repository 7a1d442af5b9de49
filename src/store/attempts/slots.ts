/**
 * A fixed number of bytes that several processes read and change in place, one small range at a time: for
 * counters that change too often for a database. In memory here; in a file: slot-file.ts.
 */

/** The bytes. All steps are synchronous: nothing of this process comes between. */
export interface Slots {
  /** A secret of these bytes' own, which decides where things lie; nobody can aim at a place. */
  readonly secret: string;
  /** A copy of a range. Throws StoreError. */
  read(offset: number, length: number): Buffer;
  /**
   * Changes a range in one step with respect to every process.
   * @param change works on a copy of the range, which is written back if it returns true.
   * @throws StoreError `full` or `unavailable`.
   */
  change(offset: number, length: number, change: (bytes: Buffer) => boolean): void;
  close(): void;
}

/** Bytes that end with the process. */
export function memorySlots(size: number, secret: string): Slots {
  const bytes = Buffer.alloc(size);
  return {
    secret,
    read: (offset, length) => Buffer.from(bytes.subarray(offset, offset + length)),
    change: (offset, length, change) => {
      change(bytes.subarray(offset, offset + length));
    },
    close: () => {},
  };
}
