/**
 * Files that other programs change too, MIT's among them: opened, locked as MIT's library locks them, and
 * changed in place.
 *
 * The lock is on the whole file and belongs to the open file (Linux: `F_OFD_SETLK`, which contends with
 * fcntl's locks). It binds only those who ask for it. Our readers need none: a writer's last write makes
 * everything before it count.
 *
 * Invariant: while `work` runs, no other program that asks for the lock changes the file, and the path still
 * names it: a file that was replaced or removed while we waited is opened again.
 */
import { constants } from "node:fs";
import { type FileHandle, open, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type PrivacyRule, requireOwn } from "./privacy.js";
import { syncFolder } from "./private-file.js";
import { asPrivateFileError, PrivateFileError } from "./private-file-error.js";

/** How long to wait for somebody else's lock, in milliseconds. */
export const LOCK_PATIENCE_MS = 10_000;

/** The longest pause between two attempts, in milliseconds. */
const LONGEST_PAUSE_MS = 25;

/** An open file that we hold the lock of. */
export class LockedFile {
  readonly path: string;
  readonly #handle: FileHandle;

  /** @internal Use `withLockedFile`. */
  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** All its bytes, the caller's. */
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

  /** Writes into the file, one write after the other, and syncs it to the disk. */
  async write(writes: readonly { readonly offset: number; readonly bytes: Uint8Array }[]): Promise<void> {
    for (const { offset, bytes } of writes)
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, offset + at);
        at += bytesWritten;
      }
    if (writes.length > 0) await this.#handle.sync();
  }

  /** Cuts the file off after `size` bytes. */
  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
  }

  /** Removes the file. */
  async remove(): Promise<void> {
    await unlink(this.path);
    await syncFolder(dirname(this.path));
  }
}

/**
 * Locks a file of ours and works on it.
 * @param check refuses a file that should not be used; by default one that is not ours alone.
 * @param patience how long to wait for somebody else's lock, in milliseconds.
 * @throws PrivateFileError `missing`; `unsafe` for a symbolic link and for what `check` refuses; `busy` if
 *   the lock could not be had; `unavailable` if the system refuses. Whatever `work` throws.
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

/** Locks of ranges of an open file, exclusive, as `withLockedFile` has them of whole files. */
export type RangeLocks = Pick<typeof import("fs-native-extensions"), "tryLock" | "unlock">;

/** Loads the locks of ranges; undefined where the native code is not installed. */
export async function rangeLocks(): Promise<RangeLocks | undefined> {
  return import("fs-native-extensions").catch(() => undefined);
}

/** Loaded for the first lock: a program that only reads files needs no native code. */
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
 * Tries again and again. Waiting inside the system would occupy one of Node's few threads for files, and four
 * such waits would block the very writer that is waited for.
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
