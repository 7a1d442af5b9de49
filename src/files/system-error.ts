/** What the system says of a failure, in words. */
import { getSystemErrorMap } from "node:util";

/**
 * The meaning of the system's error number and its name: `no space left on device (ENOSPC)`; the message of
 * any other error.
 */
export function systemErrorText(error: unknown): string {
  const { errno, message } = (
    error instanceof Error ? error : new Error(String(error))
  ) as NodeJS.ErrnoException;
  const [name, meaning] = (errno !== undefined && getSystemErrorMap().get(errno)) || [];
  return name === undefined ? message : `${meaning} (${name})`;
}
