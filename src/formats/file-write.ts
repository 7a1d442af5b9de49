/** A step of a change in place. */

/** Bytes to be written into a file at `offset`. They may hold a key, and belong to the caller. */
export interface FileWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}
