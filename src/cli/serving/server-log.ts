/**
 * The servers' log: pino makes a line of each record and chooses by level; the lines go where they are told
 * to, with no transport and no thread of pino's in between.
 */
import { type DestinationStream, type Logger, pino } from "pino";
import { visible, visibleLines } from "../../errors/visible-text.js";
import type { Log, LogLevel, LogRecord } from "../../services/exchange-log.js";

/** How the log is written. */
export interface ServerLogChoice {
  /** Lines of this level and of those above it. */
  readonly logLevel: LogLevel;
  /** The number of this process among several, which its lines bear. */
  readonly worker?: number | undefined;
}

/** A log of lines of JSON, or of text for a person who is watching. */
export class ServerLog {
  readonly #logger: Logger;

  /** @param output takes each line with its line feed; must not throw. */
  constructor(output: DestinationStream, inJson: boolean, { logLevel, worker }: ServerLogChoice) {
    const options = {
      level: logLevel,
      base: worker === undefined ? null : { worker },
      // A record says when its exchange began.
      timestamp: false,
      formatters: { level: (level: string) => ({ level }) },
      // The level is written by pino, at the beginning.
      serializers: { level: () => undefined },
      hooks: { streamWrite: inJson ? visibleLines : textLineOf },
    };
    this.#logger = pino(options, output);
  }

  /** From now on lines of this level and of those above it are written. */
  set level(level: LogLevel) {
    this.#logger.level = level;
  }

  /** Writes the line of a record, if its level is one of those that are written. */
  readonly write: Log = (record) => this.#logger[record.level](record);
}

/** The text for a person, of a line of JSON. */
function textLineOf(json: string): string {
  return `${textOf(JSON.parse(json) as LogRecord)}\n`;
}

function textOf(record: LogRecord): string {
  const { time, exchange, level, client, server, operation, result, ms, text, peer } = record;
  const who = [client, server].filter((name) => name !== undefined).join(" → ");
  const parts = [String(time ?? "").slice(11, 23), exchange, who, operation, result ?? level];
  if (result !== "OK" && text !== undefined) parts.push(`(${text})`);
  if (ms !== undefined) parts.push(`${ms} ms`);
  if (peer !== undefined) parts.push(`from ${peer}`);
  const words = parts.filter((part) => part !== undefined && part !== "");
  return visible(words.map(String).join("  "));
}
