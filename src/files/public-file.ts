/** Files without secrets that a program is given: certificates, descriptors of services, messages. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { PrivateFileError } from "./private-file-error.js";
import { descriptorOf, readDescriptor } from "./secret-file.js";

/** The most that is read of a file by default, in bytes. */
const LIMIT = 16 * 1024 * 1024;

/**
 * Reads a file, or what comes through a descriptor that the caller has opened (`/dev/stdin`, `<(command)`).
 * Nothing else is waited for: a named pipe may have no writer, and a device no end.
 * @throws the system's error; PrivateFileError `unavailable` for anything but a regular file, `too-large`
 *   beyond `limit` bytes.
 */
export async function readPublicFile(path: string, limit = LIMIT): Promise<Uint8Array> {
  const descriptor = descriptorOf(path);
  if (descriptor !== undefined) return readDescriptor(descriptor, path, limit);
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new PrivateFileError("unavailable", path, `${path}: is not a regular file`);
    if (status.size > limit)
      throw new PrivateFileError("too-large", path, `${path}: longer than the limit of ${limit} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
