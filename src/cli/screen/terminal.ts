/**
 * Asks for a secret at the terminal, without echo.
 *
 * Invariant: every way out (an answer, Ctrl-C, a signal, an error, the end of the process) leaves the
 * terminal as it was. The question goes to the terminal and nowhere else.
 */
import { constants, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { ReadStream } from "node:tty";
import { visible } from "../../errors/visible-text.js";
import { CommandError } from "../frame/command.js";

const SIGNALS = ["SIGTERM", "SIGHUP", "SIGQUIT"] as const;
const MAX_SECRET = 1024;
const NO_TERMINAL = "there is no terminal at which to ask for the password";

/**
 * Asks for a secret at the terminal.
 * @throws CommandError if there is no terminal, or if the answer was Ctrl-D. Ctrl-C ends the process, as it
 *   does anywhere.
 */
export async function askSecret(question: string): Promise<string> {
  const fd = openTerminal(
    NO_TERMINAL,
    "use --password-file FILE; or --password-stdin, except in a file of commands",
  );
  const input = new ReadStream(fd);
  const restore = () => {
    if (!input.destroyed && input.isRaw) input.setRawMode(false);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    restore();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  process.once("exit", restore);
  try {
    // No echo from before the question is shown: an answer typed that very moment must not show either.
    input.setRawMode(true);
    writeSync(fd, visible(question));
    const answer = await readAnswer(input);
    restore();
    writeSync(fd, "\n");
    if (answer === "interrupted") {
      process.kill(process.pid, "SIGINT");
      // The signal arrives before the next turn of the event loop ends.
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    if (typeof answer === "string") throw new CommandError("no password was given");
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(answer);
    } catch {
      throw new CommandError("the password is not valid UTF-8; set the terminal to UTF-8");
    } finally {
      answer.fill(0);
    }
  } finally {
    restore();
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    process.removeListener("exit", restore);
    input.destroy();
  }
}

/**
 * Asks for a "yes" at the terminal; anything else means no, as does the end of the input.
 * @param otherwise the hint for when there is no terminal.
 * @throws CommandError if there is no terminal.
 */
export async function confirm(question: string, otherwise: string): Promise<boolean> {
  const fd = openTerminal("there is no terminal at which to ask", otherwise);
  const input = new ReadStream(fd);
  try {
    writeSync(fd, `${visible(question)} (yes/no): `);
    for await (const line of createInterface({ input })) return line.trim() === "yes";
    return false;
  } finally {
    input.destroy();
  }
}

function openTerminal(absent: string, hint: string): number {
  try {
    return openSync("/dev/tty", constants.O_RDWR | constants.O_NOCTTY);
  } catch (cause) {
    throw Object.assign(new CommandError(absent, hint), { cause });
  }
}

/**
 * Reads what is typed until Enter; the bytes are the caller's. Ctrl-U starts again, Backspace deletes a
 * character.
 */
function readAnswer(input: ReadStream): Promise<Uint8Array | "interrupted" | "ended"> {
  const typed: number[] = [];
  return new Promise((resolve, reject) => {
    const finish = (answer: Uint8Array | "interrupted" | "ended") => {
      input.pause();
      typed.fill(0);
      resolve(answer);
    };
    input.on("error", reject);
    input.on("end", () => finish("ended"));
    input.on("data", (chunk: Buffer) => {
      for (const byte of chunk) {
        if (byte === 0x03) return finish("interrupted");
        if (byte === 0x0d || byte === 0x0a) return finish(Uint8Array.from(typed));
        if (byte === 0x04 && typed.length === 0) return finish("ended");
        if (byte === 0x15) typed.length = 0;
        else if (byte === 0x7f || byte === 0x08) dropCharacter(typed);
        else if (byte >= 0x20 && typed.length < MAX_SECRET) typed.push(byte);
      }
      chunk.fill(0);
    });
  });
}

/** Deletes the last character: all bytes of its UTF-8. */
function dropCharacter(typed: number[]): void {
  let last = typed.pop();
  while (last !== undefined && (last & 0xc0) === 0x80) last = typed.pop();
}
