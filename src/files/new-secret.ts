/** A new file for a secret, made in the middle of a program that can't wait. */
import { randomBytes } from "node:crypto";
import { closeSync, constants, fsyncSync, linkSync, openSync, unlinkSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { asPrivateFileError } from "./private-file-error.js";

/**
 * Makes a file of mode 0600 and syncs it to the disk. It appears whole or not at all, and where several try
 * at once, one makes it.
 * @throws PrivateFileError `exists` if anything bears the name, a dangling link included; `missing` if the
 *   folder does not exist; `unavailable` if the system refuses. Nothing else is left behind.
 */
export function createSecretNow(path: string, bytes: Uint8Array): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}`);
  try {
    writeNewFile(temporary, bytes);
    try {
      // Unlike a renaming, it takes no other file's place.
      linkSync(temporary, path);
    } finally {
      unlinkSync(temporary);
    }
    if (process.platform !== "win32") sync(dirname(path)); // a folder cannot be opened there
  } catch (error) {
    throw asPrivateFileError(error, path);
  }
}

function writeNewFile(path: string, bytes: Uint8Array): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  const fd = openSync(path, flags, 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function sync(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
