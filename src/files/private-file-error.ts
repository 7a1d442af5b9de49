/** What is said of a file that holds secrets and can't be used as asked. */
import { ReadableError, type ReadableErrorOptions } from "../errors/readable-error.js";
import { systemErrorText } from "./system-error.js";

/**
 * What is wrong with a file: not there, there already, open to others, too long, locked, or not accessible.
 */
export type PrivateFileErrorCode = "missing" | "exists" | "unsafe" | "too-large" | "busy" | "unavailable";

/**
 * A file that can't be used as asked; the text names the file and, if there is one, the command that mends
 * it.
 */
export class PrivateFileError extends ReadableError {
  override readonly name = "PrivateFileError";
  readonly code: PrivateFileErrorCode;
  readonly path: string;

  constructor(code: PrivateFileErrorCode, path: string, text: string, options?: ReadableErrorOptions) {
    super(text, { ...(code === "missing" && { hint: "check the path" }), ...options });
    this.code = code;
    this.path = path;
  }

  override get facts() {
    return { reason: this.code };
  }
}

/** The system's error, in words. */
export function asPrivateFileError(error: unknown, path: string): PrivateFileError {
  if (error instanceof PrivateFileError) return error;
  const { code } = error as NodeJS.ErrnoException;
  const cause = { cause: error };
  if (code === "ENOENT")
    return new PrivateFileError("missing", path, `${path}: no such file or folder`, cause);
  if (code === "ELOOP")
    return new PrivateFileError("unsafe", path, `${path}: is a symbolic link; give the file itself`, cause);
  if (code === "EEXIST") return new PrivateFileError("exists", path, `${path}: already exists`, cause);
  return new PrivateFileError("unavailable", path, `${path}: ${systemErrorText(error)}`, cause);
}
