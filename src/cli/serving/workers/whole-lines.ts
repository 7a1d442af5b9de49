/** Puts together the lines that a pipe may cut anywhere. */

/** More than any line has, in bytes: what has no end by then goes on as it is. */
const LONGEST = 2 ** 20;
const LINE_FEED = 0x0a;

/** The lines of one pipe. */
export class WholeLines {
  readonly #take: (lines: Uint8Array) => void;
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  /** @param take is given whole lines, one or several, each with its line feed. */
  constructor(take: (lines: Uint8Array) => void) {
    this.#take = take;
  }

  /** Takes what has come; keeps the line that is not at its end yet. */
  add(chunk: Uint8Array): void {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) this.#pass(chunk.subarray(0, end));
    if (end === chunk.length) return;
    this.#rest.push(chunk.subarray(end));
    this.#restBytes += chunk.length - end;
    if (this.#restBytes > LONGEST) this.end();
  }

  /** Nothing more will come: ends a line that has no end. */
  end(): void {
    if (this.#restBytes > 0) this.#pass(Uint8Array.of(LINE_FEED));
  }

  #pass(last: Uint8Array): void {
    this.#take(this.#restBytes === 0 ? last : Buffer.concat([...this.#rest, last]));
    this.#rest = [];
    this.#restBytes = 0;
  }
}
