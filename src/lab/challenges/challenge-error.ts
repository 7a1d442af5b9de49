/** What goes wrong with challenges, in words for whoever works at them. */
import { ReadableError, type ReadableErrorOptions } from "../../errors/readable-error.js";

/** In one word: what was named is not there, a file is not what it should be, or the moment is wrong. */
export type ChallengeErrorCode =
  | "unknown-challenge"
  | "bad-state"
  | "bad-kit"
  | "not-started"
  | "running"
  | "exists";

/** Something that can't be done with a challenge. */
export class ChallengeError extends ReadableError {
  override readonly name = "ChallengeError";
  readonly code: ChallengeErrorCode;

  constructor(code: ChallengeErrorCode, text: string, options?: ReadableErrorOptions) {
    super(text, options);
    this.code = code;
  }

  override get facts() {
    return { reason: this.code };
  }

  /** A name that is not one of ours is wrong usage. */
  override get exitCode() {
    return this.code === "unknown-challenge" ? 2 : 1;
  }
}
