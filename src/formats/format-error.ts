/** A file that is not in the format it should be in. Not a protocol refusal: nobody sent it. */
import { ReadableError } from "../errors/readable-error.js";

/** Bytes that are not in the format; the text ends with the place. */
export class FormatError extends ReadableError {
  override readonly name = "FormatError";
  /** Where in the bytes the trouble is. */
  readonly offset: number;

  constructor(offset: number, text: string) {
    super(`${text} (at byte ${offset})`);
    this.offset = offset;
  }
}
