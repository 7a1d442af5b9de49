/**
 * What a command finds around itself. But for files, sockets and the terminal's prompt, a command reads and
 * writes nothing else, so that a test can run it in its own process.
 */
import type { Cluster } from "node:cluster";

/** The variables of an environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where text goes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Whether it holds more than its reader has taken; then it emits `drain` in time. */
  readonly writableNeedDrain?: boolean | undefined;
  readonly destroyed?: boolean | undefined;
  on?(event: "drain" | "close" | "error", listener: () => void): unknown;
  off?(event: "drain" | "close" | "error", listener: () => void): unknown;
  /** The number of its descriptor, if it has one. */
  readonly fd?: number | undefined;
}

/** What a run of the command is given. */
export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Opens stdin. */
  stdin(): AsyncIterable<Uint8Array>;
  readonly env: Environment;
  /** The present, in milliseconds since the epoch. */
  now(): number;
  /**
   * Runs the same command line once more with these variables, in the place of this run, and gives its exit
   * code; undefined for a run without a process of its own.
   */
  readonly again?: ((variables: Environment) => Promise<number>) | undefined;
  /** Node's cluster of this process and its workers; undefined for a run without a process of its own. */
  readonly cluster?: (() => Promise<Cluster>) | undefined;
  /**
   * Resolves with the name of the next signal: SIGTERM and SIGINT ask the process to end, SIGHUP to read its
   * files again, SIGUSR2 to replace its workers. From the first call on none is lost.
   */
  signal(): Promise<string>;
}
