/**
 * What can be wrong with stored data, for the command to print and the servers to log. Not a protocol
 * refusal: a caller on the wire sees only a fixed text.
 */
import { ReadableError, type ReadableErrorOptions } from "../errors/readable-error.js";

/**
 * - `exists`, `missing`: the record or folder already exists, or does not exist
 * - `corrupt`: the bytes are not those that were written
 * - `wrong-key`: sealed under another master key
 * - `version`: written by a newer release
 * - `unsafe`: open to other users of the machine
 * - `busy`: another program fills the database at the moment
 * - `full`: the disk is full
 * - `unavailable`: the system refuses, or the store is closed
 */
export type StoreErrorCode =
  | "exists"
  | "missing"
  | "corrupt"
  | "wrong-key"
  | "version"
  | "unsafe"
  | "busy"
  | "full"
  | "unavailable";

/** A failure of stored data. The text names the thing concerned and says what to do. */
export class StoreError extends ReadableError {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, text: string, options?: ReadableErrorOptions) {
    super(text, options);
    this.code = code;
  }

  override get facts() {
    return { reason: this.code };
  }
}
