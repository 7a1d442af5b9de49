/**
 * The one base of the errors whose text is written for a person. A room of its own that imports nothing:
 * every room that throws such an error uses it, and whoever shows errors goes by it alone.
 *
 * Invariant: no text, hint or fact of such an error holds a key, a password or the contents of a ticket.
 */

/** What such an error may carry beside its text. */
export interface ReadableErrorOptions extends ErrorOptions {
  /** What the reader can do about it. */
  readonly hint?: string | undefined;
}

/**
 * An error that may be shown to the user as it is. Anything else that is thrown is a defect, or the system's.
 */
export class ReadableError extends Error {
  /** What the reader can do about it, where that is known. */
  readonly hint: string | undefined;

  constructor(text: string, options: ReadableErrorOptions = {}) {
    super(text, "cause" in options ? { cause: options.cause } : undefined);
    this.hint = options.hint;
  }

  /** What went wrong, with the name and number that others know it by, where it has some. */
  get text(): string {
    return this.message;
  }

  /** What a program may go by: a `reason` in one word, and what belongs to it. */
  get facts(): Readonly<Record<string, unknown>> {
    return {};
  }

  /** What a command that ends with it exits with: 1 refused or failed, 2 wrong usage. */
  get exitCode(): number {
    return 1;
  }
}
