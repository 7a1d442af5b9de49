/**
 * Slots in a file of our own, shared by the processes of a host (docs/formats.md, "Login attempts").
 *
 * Invariants. A range is changed under a lock of that range, which is held for a few microseconds and never
 * across a turn of the event loop. Nothing is synced: the system has the bytes when a process ends; when the
 * machine does, the last seconds may be lost. The part that attempts are counted in is on the disk from the
 * start, so that a full disk does not stop the counting; what lies behind it grows as it is used.
 */
import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { type RangeLocks, rangeLocks } from "../../files/locked-file.js";
import { createSecretNow } from "../../files/new-secret.js";
import { requireOwn } from "../../files/privacy.js";
import { asPrivateFileError, PrivateFileError } from "../../files/private-file-error.js";
import { systemErrorText } from "../../files/system-error.js";
import { StoreError } from "../store-error.js";
import type { Slots } from "./slots.js";

const MAGIC = "TSLA";
const VERSION = 1;
const SECRET_SIZE = 32;
const HEADER_SIZE = 4096;
/**
 * How often a lock that another process holds is asked for before the processor is left to that process for a
 * moment; and how many such moments, in milliseconds, it may take before the change is made without the lock.
 */
const LOCK_TRIES = 100;
const MOMENTS = 40;
const MOMENT_MS = 0.5;
const NOTHING = new Int32Array(new SharedArrayBuffer(4));

/**
 * Opens the file, or makes it.
 * @param madeSize how many bytes of it are on the disk from the start.
 * @throws PrivateFileError for a file that is not ours alone; StoreError `corrupt` or `version` for one that
 *   holds something else, `unavailable` if the system refuses.
 */
export async function openSlotFile(path: string, madeSize: number): Promise<Slots> {
  const locks = await rangeLocks();
  try {
    return new SlotFile(path, locks);
  } catch (error) {
    if (!(error instanceof PrivateFileError) || error.code !== "missing") throw error;
  }
  try {
    createSecretNow(path, newFile(madeSize));
  } catch (error) {
    // Another process made it meanwhile.
    if (!(error instanceof PrivateFileError) || error.code !== "exists") throw error;
  }
  return new SlotFile(path, locks);
}

class SlotFile implements Slots {
  readonly secret: string;
  readonly #path: string;
  readonly #fd: number;
  readonly #locks: RangeLocks | undefined;

  constructor(path: string, locks: RangeLocks | undefined) {
    this.#path = path;
    this.#locks = locks;
    this.#fd = openOwn(path);
    try {
      this.secret = readSecret(this.#fd, path);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  read(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    try {
      const read = readSync(this.#fd, bytes, 0, length, HEADER_SIZE + offset);
      // Beyond the end of the file there are zeros.
      return read === length ? bytes : bytes.fill(0, read);
    } catch (error) {
      throw this.#refused(error);
    }
  }

  change(offset: number, length: number, change: (bytes: Buffer) => boolean): void {
    const locked = this.#lock(offset, length);
    try {
      const bytes = this.read(offset, length);
      if (change(bytes)) this.#write(bytes, offset);
    } finally {
      if (locked) this.#locks?.unlock(this.#fd, HEADER_SIZE + offset, length);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(bytes: Buffer, offset: number): void {
    try {
      writeSync(this.#fd, bytes, 0, bytes.length, HEADER_SIZE + offset);
    } catch (error) {
      throw this.#refused(error);
    }
  }

  /**
   * Without the lock, which a process may be stopped with, two changes of the same moment may become one.
   */
  #lock(offset: number, length: number): boolean {
    if (this.#locks === undefined) return false;
    try {
      for (let moment = 0; moment < MOMENTS; moment++) {
        for (let tries = 0; tries < LOCK_TRIES; tries++)
          if (this.#locks.tryLock(this.#fd, HEADER_SIZE + offset, length)) return true;
        Atomics.wait(NOTHING, 0, 0, MOMENT_MS);
      }
    } catch {
      // A file system without locks.
    }
    return false;
  }

  #refused(error: unknown): StoreError {
    const { code } = error as NodeJS.ErrnoException;
    const kind = code === "ENOSPC" || code === "EDQUOT" ? "full" : "unavailable";
    return new StoreError(kind, `${this.#path}: ${systemErrorText(error)}`, { cause: error });
  }
}

function openOwn(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw asPrivateFileError(error, path);
  }
  try {
    requireOwn(fstatSync(fd), path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function newFile(madeSize: number): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE + madeSize);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32BE(VERSION, 4);
  randomBytes(SECRET_SIZE).copy(bytes, 8);
  return bytes;
}

function readSecret(fd: number, path: string): string {
  const header = Buffer.alloc(8 + SECRET_SIZE);
  const length = readSync(fd, header, 0, header.length, 0);
  const version = header.readUInt32BE(4);
  if (length < header.length || header.toString("latin1", 0, 4) !== MAGIC)
    throw new StoreError(
      "corrupt",
      `${path}: does not hold login attempts; delete it, and they are counted anew`,
    );
  if (version !== VERSION)
    throw new StoreError("version", `${path}: version ${version} is of a newer release; use that release`);
  return header.toString("hex", 8);
}
