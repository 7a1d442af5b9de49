/**
 * The outputs of servers: stdout, stderr and the log. None of them ends a server or a call, whatever becomes
 * of its reader or of its disk; lines that could not be written are counted, and a line says how many.
 */
import { isoTime } from "../../protocol/kerberos-time.js";
import type { Log, LogLevel } from "../../services/exchange-log.js";
import { PatientOutput, takeTo } from "../screen/patient-output.js";
import type { Screen } from "../screen/screen.js";
import { LogFile } from "./log-file.js";
import { usesJson } from "./report.js";
import { ServerLog, type ServerLogChoice } from "./server-log.js";

/** How servers report. */
export interface ReportChoice extends ServerLogChoice {
  /** JSON even for a person who is watching. */
  readonly json: boolean;
  /** The path of the log; undefined: stdout. */
  readonly logFile: string | undefined;
}

/** Outputs that outlast their readers. */
export class ServerOutputs implements AsyncDisposable {
  readonly screen: Screen;
  readonly log: Log;
  readonly #log: ServerLog;
  readonly #file: LogFile | undefined;
  readonly #outputs: readonly PatientOutput[];
  /** Where the log goes. */
  readonly #lines: PatientOutput;

  /**
   * @param now milliseconds since the epoch.
   * @throws CommandError if the log file can't be opened.
   */
  constructor(screen: Screen, choice: ReportChoice, now: () => number) {
    const { stdout, stderr } = screen;
    const { logFile } = choice;
    const inJson = usesJson(choice.json, screen);
    const textLine = (text: string) => `tessera: ${text}\n`;
    const jsonLine = (text: string) =>
      `${JSON.stringify({ level: "warn", time: isoTime(now()), exchange: "log", text })}\n`;
    const notices = new PatientOutput(takeTo(stderr), { isTTY: stderr.isTTY, lineOf: textLine });
    const troubleWith = (what: string) => (cause: string) =>
      notices.write(textLine(`${what} can't be written: ${cause}; the servers go on`));
    const lines = new PatientOutput(takeTo(stdout), {
      isTTY: stdout.isTTY,
      lineOf: inJson ? jsonLine : textLine,
      onTrouble: troubleWith("stdout"),
    });
    this.screen = screen.over(lines, notices);
    if (logFile === undefined) {
      this.#outputs = [lines, notices];
      this.#lines = lines;
    } else {
      this.#file = new LogFile(logFile);
      this.#lines = new PatientOutput(this.#file.take, {
        lineOf: jsonLine,
        onTrouble: troubleWith("the log"),
      });
      this.#outputs = [this.#lines, lines, notices];
    }
    const soon = { write: (line: string) => this.#lines.writeSoon(line) };
    this.#log = new ServerLog(soon, inJson || logFile !== undefined, choice);
    this.log = this.#log.write;
    process.on("exit", this.#flush);
  }

  readonly #flush = () => {
    for (const output of this.#outputs) output.flush();
  };

  /** Writes whole lines of a log that another process has made. */
  logLines(lines: Uint8Array): void {
    this.#lines.writeLines(lines);
  }

  /** From now on lines of the log of this level and of those above it are written. */
  set logLevel(level: LogLevel) {
    this.#log.level = level;
  }

  /**
   * Opens the log file again, or another. Does not throw: where that can't be done, the old file goes on, and
   * a notice says so.
   * @param path of the log; without it nothing changes for a log on stdout.
   */
  reopen(path?: string): void {
    this.#flush();
    try {
      this.#file?.reopen(path);
    } catch (error) {
      this.screen.notice(`${(error as Error).message}; the old one goes on`);
    }
    this.#flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#flush);
    for (const output of this.#outputs) await output.close();
    this.#file?.[Symbol.dispose]();
  }
}
