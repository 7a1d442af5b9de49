/**
 * An output that may be unable to take anything for a while: the disk is full, a pipe's reader is slow or
 * gone. A server goes on all the same.
 *
 * Invariants: `write` never throws and never waits. Lines keep their order. What can't be written now is held
 * and tried again; where too much is held, lines are left out, and a line says how many.
 */
import { writeSync } from "node:fs";
import { systemErrorText } from "../../files/system-error.js";
import type { Output } from "../frame/surroundings.js";

/** How much is held, in bytes. */
export const HELD_BYTES = 256 * 1024;
/** How many characters of lines are written together. */
const TOGETHER = 8 * 1024;
/** How often what is held is tried again, in milliseconds. */
export const RETRY_MS = 250;
/** How often it is tried at the end, while the reader is slow. */
const LAST_TRIES = 8;
const LINE_FEED = 0x0a;

/** Takes bytes and returns how many it took. Throws the system's error if it can take none. */
export type Take = (bytes: Uint8Array) => number;

/** What an output says of itself. */
export interface PatientOutputWords {
  readonly isTTY?: boolean | undefined;
  /** The line, with its line feed, that says what is missing. */
  readonly lineOf: (text: string) => string;
  /** Told, once each time, why the output can't be written. */
  readonly onTrouble?: ((cause: string) => void) | undefined;
}

/** Takes the bytes of a descriptor's output; of an output without descriptor, its text. */
export function takeTo(output: Output): Take {
  const { fd } = output;
  if (fd !== undefined) return (bytes) => writeSync(fd, bytes);
  return (bytes) => {
    output.write(Buffer.from(bytes).toString());
    return bytes.length;
  };
}

/** Lines to an output that may fail. */
export class PatientOutput implements Output {
  readonly isTTY: boolean | undefined;
  readonly #take: Take;
  readonly #words: PatientOutputWords;
  /** Lines that are written together, soon. */
  #soon = "";
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #lost = 0;
  /** Why nothing can be written; undefined while it can. */
  #cause: string | undefined;
  #isSlow = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(take: Take, words: PatientOutputWords) {
    this.#take = take;
    this.#words = words;
    this.isTTY = words.isTTY;
  }

  write(text: string): void {
    this.#writeSoon();
    this.#add(Buffer.from(text), () => 1);
  }

  /** Writes whole lines, one or several, which are held or left out together. */
  writeLines(lines: Uint8Array): void {
    this.#writeSoon();
    this.#add(lines, () => linesIn(lines));
  }

  /**
   * Writes a line together with those of the same turn of the event loop: once that is over, or earlier where
   * they are long, something else is written, or the output is flushed.
   */
  writeSoon(line: string): void {
    if (this.#soon === "") process.nextTick(() => this.#writeSoon());
    this.#soon += line;
    if (this.#soon.length >= TOGETHER) this.#writeSoon();
  }

  #writeSoon(): void {
    if (this.#soon === "") return;
    const lines = Buffer.from(this.#soon);
    this.#soon = "";
    this.#add(lines, () => linesIn(lines));
  }

  #add(bytes: Uint8Array, lineCount: () => number): void {
    // Lines after one that was left out are left out too, so that the line that says so stands in its place.
    if (this.#lost > 0 || this.#heldBytes + bytes.length > HELD_BYTES) this.#lost += lineCount();
    else this.#hold(bytes);
    this.#flush();
  }

  /** Tries to write what is held. */
  flush(): void {
    this.#writeSoon();
    this.#flush();
  }

  #flush(): void {
    while (this.#held.length > 0 || this.#lost > 0) {
      if (this.#held.length === 0) {
        const lines = this.#lost === 1 ? "a line is" : `${this.#lost} lines are`;
        const text = `${lines} missing here: ${this.#cause ?? "what reads them was too slow"}`;
        this.#hold(Buffer.from(this.#words.lineOf(text)));
        this.#lost = 0;
      }
      if (!this.#takeFirst()) {
        this.#tryAgain();
        return;
      }
    }
    this.#cause = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  /** Writes what is held, if that can be done within two seconds, and lets go of the output. */
  async close(): Promise<void> {
    this.flush();
    for (let tries = LAST_TRIES; this.#isSlow && this.#held.length > 0 && tries > 0; tries--) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      this.flush();
    }
    clearTimeout(this.#retry);
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /** Writes some of the first line held, or all of it; false if nothing could be written. */
  #takeFirst(): boolean {
    const first = this.#held[0]!;
    let taken = 0;
    try {
      taken = this.#take(first);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
        this.#fail(systemErrorText(error));
        return false;
      }
    }
    this.#isSlow = taken === 0;
    this.#heldBytes -= taken;
    if (taken === first.length) this.#held.shift();
    else this.#held[0] = first.subarray(taken);
    return taken > 0;
  }

  #fail(cause: string): void {
    const isNew = this.#cause === undefined;
    this.#isSlow = false;
    this.#cause = cause;
    if (isNew) this.#words.onTrouble?.(cause);
  }

  #tryAgain(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_MS).unref();
  }
}

function linesIn(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => (byte === LINE_FEED ? count + 1 : count), 0);
}
