/** What servers that run take over of a configuration that is read again. */
import type { LogLevel } from "../../services/exchange-log.js";
import type { Screen } from "../screen/screen.js";

/** What can change while they run. */
export interface LiveChoice {
  /** How long running calls may take to finish, in milliseconds. */
  readonly graceMs: number | undefined;
  /** The path of the log; undefined: stdout. */
  readonly logFile: string | undefined;
  /** Lines of the log of this level and of those above it are written. */
  readonly logLevel: LogLevel;
}

/** What is asked for by now, and which options of it wait for the next start. */
export interface Reconsidered {
  readonly choice: LiveChoice;
  readonly waiting: readonly string[];
}

/** Reads anew what is asked for. Rejects where that makes no sense. */
export type Rereading = () => Promise<Reconsidered>;

/**
 * What is asked for after SIGHUP: the time for ending calls, the log's level, and another log file. Whatever
 * else has changed waits for the next start, and is named; what makes no sense changes nothing.
 */
export async function afterSignal(
  choice: LiveChoice,
  reread: Rereading,
  screen: Screen,
): Promise<LiveChoice> {
  try {
    const { choice: next, waiting } = await reread();
    const canFollow = choice.logFile !== undefined && next.logFile !== undefined;
    const others = canFollow || choice.logFile === next.logFile ? waiting : [...waiting, "log"];
    if (others.length > 0)
      screen.notice(`the configuration has changed; this waits for the next start: ${others.join(", ")}`);
    const { graceMs, logLevel } = next;
    return { graceMs, logLevel, logFile: canFollow ? next.logFile : choice.logFile };
  } catch (error) {
    screen.notice(`the configuration stays as it was: ${(error as Error).message}`);
    return choice;
  }
}
