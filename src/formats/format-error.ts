/** What is said of a file in the wrong format. This is no protocol refusal: nobody sent it. */
import { ReadableError } from "../errors/readable-error.js";

/** Bytes that are not in the format expected; the text ends with their place. */
export class FormatError extends ReadableError {
  override readonly name = "FormatError";
  /** Where the fault is, in bytes from the beginning. */
  readonly offset: number;

  constructor(offset: number, text: string) {
    super(`${text} (at byte ${offset})`);
    this.offset = offset;
  }
}
