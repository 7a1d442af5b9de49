/** A step of a change in place. */

/** Bytes to be written at a place of a file. They may hold a key; they belong to the caller. */
export interface FileWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}
