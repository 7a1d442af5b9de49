/** A keytab that can't be used. */
import { ReadableError } from "../errors/readable-error.js";

/** A keytab file that does not give the keys asked for; the text names the file and says what to do. */
export class KeytabError extends ReadableError {
  override readonly name = "KeytabError";
}
