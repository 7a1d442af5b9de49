/** A file that is not in the format it should be in. Not a protocol refusal: nobody sent it. */
export class FormatError extends Error {
  override readonly name = "FormatError";
  /** Where in the bytes the trouble is. */
  readonly offset: number;

  constructor(offset: number, text: string) {
    super(`${text} (at byte ${offset})`);
    this.offset = offset;
  }
}
