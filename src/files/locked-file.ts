/**
 * Files that other programs change too, MIT's among them: opened, locked as MIT's library locks them, changed in place.
 *
 * The lock is on the whole file and belongs to the open file (Linux: `F_OFD_SETLK`; the locks of fcntl contend with it). It
 * binds those who ask for it. Readers here need none: whoever writes in place makes what is new count with its last write.
 *
 * Invariant: while `work` runs, no other holder of the lock changes the file, and the path names it: a file that was replaced or
 * removed while we waited is opened anew.
 */
import { constants } from "node:fs";
import { type FileHandle, open, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type PrivacyRule, requireOwn } from "./privacy.js";
import { syncFolder } from "./private-file.js";
import { asPrivateFileError, PrivateFileError } from "./private-file-error.js";

/** How long somebody else's lock is waited for, in milliseconds. */
export const LOCK_PATIENCE_MS = 10_000;

/** The longest pause between two tries, in milliseconds. */
const LONGEST_PAUSE_MS = 25;

/** An open file whose lock is ours. */
export class LockedFile {
  readonly path: string;
  readonly #handle: FileHandle;

  /** @internal Use `withLockedFile`. */
  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** All of its bytes; they belong to the caller. */
  async read(): Promise<Uint8Array> {
    const { size } = await this.#handle.stat();
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await this.#handle.read(bytes, at, size - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  }

  /** Writes at places of the file, one after the other, and brings all of it to the disk. */
  async write(writes: readonly { readonly offset: number; readonly bytes: Uint8Array }[]): Promise<void> {
    for (const { offset, bytes } of writes)
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, offset + at);
        at += bytesWritten;
      }
    if (writes.length > 0) await this.#handle.sync();
  }

  /** Cuts the file off behind so many bytes. */
  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
  }

  /** Takes the file's name away. */
  async remove(): Promise<void> {
    await unlink(this.path);
    await syncFolder(dirname(this.path));
  }
}

/**
 * Locks a file of our own and works on it.
 * @param check refuses a file that should not be used; by default one that is not ours alone.
 * @param patience how long somebody else's lock is waited for, in milliseconds.
 * @throws PrivateFileError `missing`; `unsafe` for a symbolic link and what `check` refuses; `busy` where the lock was not to be
 *   had; `unavailable` where the system refuses. What `work` throws.
 */
export async function withLockedFile<T>(
  path: string,
  work: (file: LockedFile) => Promise<T>,
  check: PrivacyRule = requireOwn,
  patience = LOCK_PATIENCE_MS,
): Promise<T> {
  const { tryLock, unlock } = await loadLocks(path);
  const deadline = Date.now() + patience;
  for (;;) {
    const handle = await openToChange(path, check);
    try {
      await waitForLock(path, () => tryLock(handle.fd), deadline);
      try {
        if (await bearsTheName(path, handle)) return await work(new LockedFile(path, handle));
      } finally {
        unlock(handle.fd);
      }
    } finally {
      await handle.close();
    }
  }
}

/** Loaded when the first lock is taken: who only reads files needs no native code. */
async function loadLocks(path: string): Promise<typeof import("fs-native-extensions")> {
  try {
    return await import("fs-native-extensions");
  } catch (error) {
    throw new PrivateFileError("unavailable", path, `${path}: can't be locked, so it is left as it is`, {
      cause: error,
      hint: "install the package fs-native-extensions beside Tessera",
    });
  }
}

async function openToChange(path: string, check: PrivacyRule): Promise<FileHandle> {
  const flags = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  let handle: FileHandle;
  try {
    handle = await open(path, flags);
  } catch (error) {
    throw asPrivateFileError(error, path);
  }
  try {
    check(await handle.stat(), path);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Tries again and again. A wait inside the system would hold one of Node's few threads for files, and four such waits would
 * stop the very writer that is waited for.
 */
async function waitForLock(path: string, tryLock: () => boolean, deadline: number): Promise<void> {
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      if (tryLock()) return;
    } catch (error) {
      throw new PrivateFileError(
        "unavailable",
        path,
        `${path}: can't be locked: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
    if (Date.now() >= deadline)
      throw new PrivateFileError(
        "busy",
        path,
        `${path}: another program holds its lock and does not give it back`,
        {
          hint: `see who has it open: fuser -v ${path}`,
        },
      );
    await setTimeout(pause * (0.5 + Math.random()));
  }
}

async function bearsTheName(path: string, handle: FileHandle): Promise<boolean> {
  const ours = await handle.stat({ bigint: true });
  try {
    const named = await stat(path, { bigint: true });
    return named.dev === ours.dev && named.ino === ours.ino;
  } catch {
    return false; // opening it anew says why
  }
}
