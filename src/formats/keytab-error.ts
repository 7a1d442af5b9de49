/** A keytab that can't be used. */
import { ReadableError } from "../errors/readable-error.js";

/** A keytab without the keys that were asked for; the text names the file and says what to do. */
export class KeytabError extends ReadableError {
  override readonly name = "KeytabError";
}
