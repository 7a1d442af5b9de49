/**
 * Files that hold secrets: read only if nobody else can read them, without following links; written so that a
 * reader sees the old file or the new one and never half of one, even if the machine goes down.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { requireOwn } from "./privacy.js";
import { asPrivateFileError, PrivateFileError } from "./private-file-error.js";

/** The most that `readPrivateFile` reads by default, in bytes. */
export const PRIVATE_FILE_LIMIT = 16 * 1024 * 1024;

/**
 * Reads a file that only its owner may read. The bytes belong to the caller.
 * @throws PrivateFileError `missing`; `unsafe` for a symbolic link, anything but a regular file, another
 *   owner's file, or a mode with any bit for group or others; `too-large` beyond `limit` bytes; `unavailable`
 *   if the system refuses.
 */
export async function readPrivateFile(path: string, limit = PRIVATE_FILE_LIMIT): Promise<Uint8Array> {
  const handle = await openForReading(path);
  try {
    // The open file, not its name: nobody can exchange it between the check and the reading.
    requireOwn(await handle.stat(), path);
    return await readToEnd(handle, limit, path);
  } catch (error) {
    throw asPrivateFileError(error, path);
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file in one step: the new one is written beside it, synced to the disk, then renamed over it.
 * @param mode the permission bits of the new file, 0600 by default.
 * @throws PrivateFileError `missing` if the folder does not exist; `unavailable` if the system refuses. The
 *   old file is then still there, and nothing else is left behind.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}`);
  try {
    await writeNewFile(temporary, bytes, mode);
    try {
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
    await syncFolder(dirname(path));
  } catch (error) {
    throw asPrivateFileError(error, path);
  }
}

/**
 * Writes a file that must not exist yet, mode 0600, and syncs it to the disk.
 * @throws PrivateFileError `exists` if anything bears the name, a dangling link included; `missing` if the
 *   folder does not exist; `unavailable` if the system refuses. A file half written is removed.
 */
export async function createPrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeNewFile(path, bytes, 0o600);
    await syncFolder(dirname(path));
  } catch (error) {
    throw asPrivateFileError(error, path);
  }
}

/**
 * Syncs a folder to the disk, so that a file made or renamed in it is there even if the machine goes down.
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // a folder cannot be opened there
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads to the end, as the size may change meanwhile, but no further than the limit. */
async function readToEnd(handle: FileHandle, limit: number, path: string): Promise<Uint8Array> {
  const buffer = Buffer.alloc(Math.min((await handle.stat()).size, limit) + 1);
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return joined(chunks, total);
      total += bytesRead;
      if (total > limit)
        throw new PrivateFileError("too-large", path, `${path}: longer than the limit of ${limit} bytes`);
      chunks.push(Uint8Array.from(buffer.subarray(0, bytesRead)));
    }
  } finally {
    for (const part of [buffer, ...chunks]) part.fill(0);
  }
}

async function writeNewFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  const handle = await open(path, flags, 0o600);
  try {
    await handle.writeFile(bytes);
    if (mode !== 0o600) await handle.chmod(mode);
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => {});
    await unlink(path).catch(() => {});
    throw error;
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  // O_NONBLOCK, because opening a named pipe would otherwise wait for a writer.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    return await open(path, flags);
  } catch (error) {
    throw asPrivateFileError(error, path);
  }
}

function joined(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
