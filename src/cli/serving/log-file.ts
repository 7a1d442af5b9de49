/** A log file: lines are appended to it, and it is opened again when it was moved away (logrotate). */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { systemErrorText } from "../../files/system-error.js";
import { CommandError } from "../frame/command.js";

/** An open log file. */
export class LogFile implements Disposable {
  #path: string;
  #fd: number;

  /**
   * Opens the file, or makes it with mode 0600.
   * @throws CommandError if that can't be done.
   */
  constructor(path: string) {
    this.#path = path;
    this.#fd = open(path);
  }

  /** Appends bytes; returns how many. Throws the system's error. */
  readonly take = (bytes: Uint8Array): number => writeSync(this.#fd, bytes);

  /**
   * Opens what now bears the name, or another. Throws CommandError if that can't be done: the old file stays
   * open.
   */
  reopen(path = this.#path): void {
    const old = this.#fd;
    this.#fd = open(path);
    this.#path = path;
    closeSync(old);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function open(path: string): number {
  // O_NONBLOCK, because a named pipe would otherwise wait for its reader, and a full one for room.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    throw new CommandError(`the log file ${path} can't be opened: ${systemErrorText(error)}`);
  }
}
