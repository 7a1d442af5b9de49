/**
 * Secrets that a program is given: keytabs, passwords, master and TLS keys. They come as files, as the links
 * of an orchestrator's mount, or through a descriptor that the caller has opened (`<(command)`,
 * `/dev/stdin`).
 */
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { followWithinFolder, requireGiven } from "./privacy.js";
import { PRIVATE_FILE_LIMIT } from "./private-file.js";
import { asPrivateFileError, PrivateFileError } from "./private-file-error.js";

const CHUNK = 64 * 1024;

/**
 * Reads a secret. The bytes belong to the caller.
 * @throws PrivateFileError `missing`; `unsafe` for a link out of its folder, for anything but a regular file
 *   or a descriptor, and for a file that others could have read or written (privacy.ts); `too-large` beyond
 *   `limit` bytes; `unavailable` if the system refuses.
 */
export async function readSecret(path: string, limit = PRIVATE_FILE_LIMIT): Promise<Uint8Array> {
  const descriptor = descriptorOf(path);
  return descriptor === undefined ? readSecretNow(path, limit) : readDescriptor(descriptor, path, limit);
}

/**
 * Reads an open descriptor to its end. The bytes belong to the caller.
 * @param path what stands for it, for the error.
 * @throws PrivateFileError `too-large` beyond `limit` bytes; `unavailable` if the system refuses.
 */
export async function readDescriptor(descriptor: number, path: string, limit: number): Promise<Uint8Array> {
  const stream =
    descriptor === 0 ? process.stdin : createReadStream("", { fd: descriptor, autoClose: false });
  const chunks: Buffer[] = [];
  try {
    let total = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      total += chunk.length;
      if (total > limit) throw tooLarge(path, limit);
    }
    return Uint8Array.from(Buffer.concat(chunks));
  } catch (error) {
    throw asPrivateFileError(error, path);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}

/** Reads a secret from a file, and blocks: for the middle of an exchange. Throws as `readSecret`. */
export function readSecretNow(path: string, limit = PRIVATE_FILE_LIMIT): Uint8Array {
  const fd = openSecret(path);
  const chunks: Buffer[] = [];
  try {
    requireGiven(fstatSync(fd), path);
    // The size may change meanwhile: read to the end, but no further than the limit.
    for (let total = 0; ; ) {
      const chunk = Buffer.alloc(CHUNK);
      const read = readSync(fd, chunk, 0, chunk.length, null);
      if (read === 0) return Uint8Array.from(Buffer.concat(chunks));
      chunks.push(chunk.subarray(0, read));
      total += read;
      if (total > limit) throw tooLarge(path, limit);
    }
  } catch (error) {
    throw asPrivateFileError(error, path);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
    closeSync(fd);
  }
}

/**
 * The number of a descriptor that a path stands for (`/dev/stdin`, `/dev/fd/63`); undefined for other paths.
 */
export function descriptorOf(path: string): number | undefined {
  if (path === "/dev/stdin") return 0;
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path)?.[1];
  return number === undefined ? undefined : Number(number);
}

/**
 * While a mount's links are followed, they may be pointed at a new folder and the old one removed: then it
 * tries once more.
 */
function openSecret(path: string, triesLeft = 1): number {
  // O_NONBLOCK, because opening a named pipe would otherwise wait for a writer.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    return openSync(followWithinFolder(path), flags);
  } catch (error) {
    if (triesLeft > 0 && (error as NodeJS.ErrnoException).code === "ENOENT")
      return openSecret(path, triesLeft - 1);
    throw asPrivateFileError(error, path);
  }
}

function tooLarge(path: string, limit: number): PrivateFileError {
  return new PrivateFileError("too-large", path, `${path}: longer than the limit of ${limit} bytes`);
}
