/** Where the command prints: data to stdout, notices and errors to stderr under the program's name. */
import { setImmediate } from "node:timers/promises";
import { visible, visibleLines } from "../../errors/visible-text.js";
import type { Environment, Output } from "../frame/surroundings.js";

/** How many lines are printed before their reader is waited for. */
const LINES_AT_ONCE = 256;

/** One line of a file of commands. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** The two outputs of a command. */
export class Screen {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly #env: Environment;
  readonly #place: Place | undefined;
  /** Shared with the screens made by `at`. */
  readonly #status: { isShown: boolean };

  /** @param place, status for `at` alone. */
  constructor(stdout: Output, stderr: Output, env: Environment, place?: Place, status = { isShown: false }) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.#env = env;
    this.#place = place;
    this.#status = status;
  }

  /** The screen of one command among many: JSON in one line, notices and JSON with their place. */
  at(place: Place): Screen {
    return new Screen(this.stdout, this.stderr, this.#env, place, this.#status);
  }

  /**
   * Shows how far the work has got, in a line that whatever comes next replaces; nothing where notices do not
   * go to a terminal.
   */
  showStatus(text: string): void {
    if (this.stderr.isTTY !== true) return;
    this.stderr.write(`\r${visible(text)}\x1b[K`);
    this.#status.isShown = true;
  }

  /** Takes the status away. */
  clearStatus(): void {
    if (this.#status.isShown) this.stderr.write("\r\x1b[K");
    this.#status.isShown = false;
  }

  /** The same over other outputs. */
  over(stdout: Output, stderr: Output): Screen {
    return new Screen(stdout, stderr, this.#env, this.#place, this.#status);
  }

  /** Prints a line of data. */
  print(line = ""): void {
    this.clearStatus();
    this.stdout.write(`${visibleLines(line)}\n`);
  }

  /** Prints lines of data. */
  printAll(lines: readonly string[]): void {
    for (const line of lines) this.print(line);
  }

  /** Prints lines of our own that have colours; text from elsewhere in them has been made visible before. */
  printStyled(lines: readonly string[]): void {
    this.clearStatus();
    for (const line of lines) this.stdout.write(`${line.split(COLOUR).map(visibleUnlessColour).join("")}\n`);
  }

  /** Prints data as a JSON document. Keys never get into it: they serialize as `[redacted]`. */
  printJson(value: unknown): void {
    if (this.#place === undefined) this.print(jsonText(value, 2));
    else this.printJsonLine({ line: this.#place.line, ...(value as object) });
  }

  /** Prints lines of data as they come, no faster than they are read. */
  async printEach(lines: AsyncIterable<string>): Promise<void> {
    let printed = 0;
    for await (const line of lines) {
      this.print(line);
      if (++printed % LINES_AT_ONCE === 0) await this.#taken();
    }
  }

  /** Prints what `printJson({ [name]: [...items] })` prints, item by item as they come. */
  async printJsonList(name: string, items: AsyncIterable<unknown>): Promise<void> {
    const inLine = this.#place !== undefined;
    const line = this.#place === undefined ? "" : `"line":${this.#place.line},`;
    this.clearStatus();
    this.stdout.write(inLine ? `{${line}${jsonText(name)}:[` : `{\n  ${jsonText(name)}: [`);
    let printed = 0;
    for await (const item of items) {
      const comma = printed === 0 ? "" : ",";
      const text = inLine ? jsonText(item) : `\n    ${jsonText(item, 2).replaceAll("\n", "\n    ")}`;
      this.stdout.write(comma + text);
      if (++printed % LINES_AT_ONCE === 0) await this.#taken();
    }
    this.print(inLine ? "]}" : `${printed === 0 ? "" : "\n  "}]\n}`);
  }

  /** Waits until the reader has taken what was printed, and lets other events have their turn. */
  async #taken(): Promise<void> {
    await setImmediate();
    const { stdout } = this;
    if (!stdout.writableNeedDrain || stdout.destroyed) return;
    const events = ["drain", "close", "error"] as const;
    await new Promise<void>((resolve) => {
      const listener = () => {
        for (const event of events) stdout.off?.(event, listener);
        resolve();
      };
      for (const event of events) stdout.on?.(event, listener);
    });
  }

  /** Prints data as JSON in one line, for logs. */
  printJsonLine(value: unknown): void {
    this.print(jsonText(value));
  }

  /** Tells the user something that is not data, in one line or several. */
  notice(text: string): void {
    this.clearStatus();
    const place = this.#place === undefined ? "" : `${this.#place.file}:${this.#place.line}: `;
    for (const line of text.split("\n")) this.stderr.write(`tessera: ${visible(`${place}${line}`)}\n`);
  }

  /** Tells the user what to do about the last notice. */
  hint(text: string): void {
    this.clearStatus();
    this.stderr.write(`hint: ${visible(text)}\n`);
  }

  /** Whether a person sees the data, rather than a program. */
  get isTerminal(): boolean {
    return this.stdout.isTTY === true;
  }

  /** Whether the data may have colours. */
  get hasColour(): boolean {
    return this.isTerminal && !this.#env.NO_COLOR && this.#env.TERM !== "dumb";
  }
}

function jsonText(value: unknown, indent?: number): string {
  return visibleLines(JSON.stringify(value, jsonValue, indent));
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return value;
}

/** The colours that are used here (render.ts). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const COLOUR = /(\u001b\[(?:0|1|2|36)m)/;

function visibleUnlessColour(part: string, i: number): string {
  // What the expression splits at stands between what it splits.
  return i % 2 === 1 ? part : visibleLines(part);
}
