/** Starts `tessera serve --workers` as a user types it, and follows what it says. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import type { Shell } from "./command.js";

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Servers whose workers are ready. */
export interface ServingWorkers {
  readonly primary: ChildProcessWithoutNullStreams;
  readonly addresses: Readonly<Record<"as" | "tgs" | "v", string>>;
  /** The processes of the workers, as they were announced. */
  readonly pids: readonly number[];
  /** What the page of metrics answers. */
  page(path: string): Promise<Response>;
  /** What was said on stdout, the announcement left out, and on stderr. */
  readonly log: LogLine[];
  readonly said: string[];
  /** Resolves with the first `count` lines of the log that are so, from its beginning on. */
  logged(isWanted: (line: LogLine) => boolean, count?: number): Promise<LogLine[]>;
  /** Resolves when a line on stderr begins so. */
  heard(beginning: string): Promise<void>;
  /** How the primary has ended, all its output read. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Ends it by a signal; its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts workers on free ports; they are gone when the test is over. */
export async function serveWorkers(shell: Shell, words: readonly string[]): Promise<ServingWorkers> {
  const ports = "--as-port 0 --tgs-port 0 --v-port 0".split(" ");
  const primary = shell.start(["serve", "--json", ...ports, ...words]);
  onTestFinished(() => void primary.kill("SIGKILL"));
  const ended = once(primary, "close").then(([code, signal]) => ({ code, signal }));
  const log: LogLine[] = [];
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  const until = <Found>(find: () => Found | undefined) =>
    new Promise<Found>((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  createInterface(primary.stderr).on("line", (line) => {
    said.push(line);
    wake();
  });
  let first: string | undefined;
  createInterface(primary.stdout).on("line", (line) => {
    if (first === undefined) first = line;
    else log.push(JSON.parse(line) as LogLine);
    wake();
  });
  const announcement = await until(() => first);
  const { addresses, workers, metrics } = JSON.parse(announcement) as {
    addresses: ServingWorkers["addresses"];
    workers: number[];
    metrics?: string;
  };
  shell.env.TESSERA_KDC = `${addresses.as},${addresses.tgs}`;
  return {
    primary,
    addresses,
    pids: workers,
    page: (path) => fetch(`http://${metrics}${path}`),
    log,
    said,
    logged: (isWanted, count = 1) =>
      until(() => {
        const found = log.filter(isWanted);
        return found.length >= count ? found.slice(0, count) : undefined;
      }),
    heard: (beginning) =>
      until(() => (said.some((line) => line.startsWith(beginning)) ? true : undefined)).then(() => {}),
    ended,
    end: async (signal = "SIGTERM") => {
      primary.kill(signal);
      return (await ended).code;
    },
  };
}
