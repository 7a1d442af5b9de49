/** Makes folders for private files. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { PrivateFileError } from "./private-file-error.js";
import { systemErrorText } from "./system-error.js";

/**
 * Makes a folder and those that are missing above it, each with mode 0700; a folder that is there stays as it
 * is. One after the other, because Node's own `recursive` goes in circles where the system takes no folder
 * and says ENOENT, as in /proc.
 * @throws PrivateFileError `unavailable`, naming the folder that can't be made.
 */
export async function makeFolders(path: string): Promise<void> {
  if (await isMade(path)) return;
  await makeFolders(dirname(path));
  if (!(await isMade(path))) throw notMade(path, "no such file or directory (ENOENT)");
}

/** Makes one folder, unless it is there; false where the one above it is missing. */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(path) !== path) return false;
    if (await isFolder(path)) return true;
    throw notMade(path, code === "EEXIST" ? "something else bears its name" : systemErrorText(error), error);
  }
}

function notMade(path: string, why: string, cause?: unknown): PrivateFileError {
  return new PrivateFileError("unavailable", path, `${path}: the folder can't be made: ${why}`, {
    cause,
    hint: "check the path",
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
