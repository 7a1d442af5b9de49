/** Why the lab's server does not do what it was asked to: one line, a word for programs, an HTTP status. */
import { ReadableError } from "../../errors/readable-error.js";

/** The word for programs, and the HTTP status that goes with it. */
const STATUS = {
  /** The request names a host that is not this server: DNS rebinding looks like that. */
  WRONG_HOST: 421,
  /** A page of another origin asks. */
  FOREIGN_ORIGIN: 403,
  /** Neither a token nor this lab's cookie. */
  NO_TOKEN: 401,
  /** The token is not this lab's. */
  WRONG_TOKEN: 403,
  /** The token was exchanged for a cookie before, by another browser. */
  TOKEN_USED: 403,
  NO_SUCH_PAGE: 404,
  WRONG_METHOD: 405,
  NOT_JSON: 415,
  TOO_LONG: 413,
  /** The request makes no sense: a field is missing, or is not what it should be. */
  BAD_REQUEST: 400,
  /** It makes sense, but not now: nothing is held, a call is under way. */
  NOT_NOW: 409,
  TOO_MANY_PAGES: 503,
  /** It could not be done, for a reason that its text says. */
  FAILED: 500,
  /** A defect of the lab. */
  INTERNAL: 500,
} as const;

/** The word for programs. */
export type LabReason = keyof typeof STATUS;

/** The lab's server does not do what it was asked to. */
export class LabRefusal extends ReadableError {
  override readonly name = "LabRefusal";
  readonly reason: LabReason;

  constructor(reason: LabReason, text: string) {
    super(text);
    this.reason = reason;
  }

  /** The HTTP status of the answer. */
  get status(): number {
    return STATUS[this.reason];
  }

  override get facts() {
    return { reason: this.reason };
  }
}
