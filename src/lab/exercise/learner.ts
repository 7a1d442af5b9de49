/**
 * The learner's server: a command that is started, waited for, watched and ended.
 *
 * Invariants. It has a process group of its own, and nothing of that group outlives `stop`, this process' end
 * or a signal. Of what it prints only the end is kept, and a flood ends it.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { atTheEnd } from "../at-the-end.js";

const HOST = "127.0.0.1";
/** How much of its output is kept, in bytes. */
const KEPT = 4096;
/** How much it may print in all, in bytes. */
const MOST_PRINTED = 16 * 1024 * 1024;
/** How often its port is tried until it listens, in milliseconds. */
const TRY_MS = 50;
/** How long it may take to end by itself when it is asked to, in milliseconds. */
const GRACE_MS = 1000;

/** A server that was started. */
export interface Learner {
  /** `host:port`. */
  readonly address: string;
  /** How it ended: `ended with exit code 1`; undefined while it runs. */
  readonly end: string | undefined;
  /** The last lines that it printed. */
  readonly lastLines: readonly string[];
  /** Resolves once it has ended, or when so many milliseconds have passed. */
  ended(withinMs: number): Promise<void>;
  /** Ends it and all that it started. */
  stop(): Promise<void>;
}

/** What a server is told, in the variables of its environment. */
export interface LearnerOptions {
  /** For the shell. */
  readonly command: string;
  /** Its variables besides `EXERCISE_PORT`. */
  readonly variables: Readonly<Record<string, string>>;
  /** How long it may take until it listens, in milliseconds. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Starts a server and waits until it listens, ends, or has had its time. Either way the caller stops it. */
export async function startLearner(
  options: LearnerOptions,
): Promise<{ readonly learner: Learner; readonly listens: boolean }> {
  const port = await freePort();
  const learner = new LearnerProcess(options, port);
  const deadline = Date.now() + options.waitMs;
  let listens = false;
  while (!listens && learner.end === undefined && Date.now() < deadline && !options.signal?.aborted) {
    listens = await accepts(port);
    if (!listens) await learner.ended(TRY_MS);
  }
  return { learner, listens };
}

class LearnerProcess implements Learner {
  readonly address: string;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exited: Promise<void>;
  readonly #takeBack = atTheEnd(() => this.#kill("SIGKILL"));
  #end: string | undefined;
  #kept = Buffer.alloc(0);
  #printed = 0;

  constructor({ command, variables }: LearnerOptions, port: number) {
    this.address = `${HOST}:${port}`;
    const env = { ...process.env, ...variables, EXERCISE_PORT: String(port) };
    const stdio = ["ignore", "pipe", "pipe"] as const;
    this.#child = spawn(command, { shell: true, detached: true, env, stdio: [...stdio] });
    this.#exited = new Promise((resolve) => {
      const ended = (how: string) => {
        this.#end ??= how;
        resolve();
      };
      this.#child.once("error", (error) => ended(`can't be started: ${error.message}`));
      this.#child.once("exit", (code, signal) =>
        ended(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
      );
    });
    for (const output of [this.#child.stdout, this.#child.stderr])
      output.on("data", (chunk: Buffer) => this.#print(chunk));
  }

  get end(): string | undefined {
    return this.#end;
  }

  get lastLines(): readonly string[] {
    const lines = this.#kept.toString("utf8").split("\n");
    return lines.filter((line) => line.trim() !== "");
  }

  async ended(withinMs: number): Promise<void> {
    const timer = new AbortController();
    const time = sleep(withinMs, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([this.#exited, time]);
    timer.abort();
  }

  async stop(): Promise<void> {
    this.#kill("SIGTERM");
    await this.ended(GRACE_MS);
    // Also where the command itself has ended: what it started may still run.
    this.#kill("SIGKILL");
    await this.#exited;
    this.#takeBack();
    // Who left the group may still hold them.
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  #print(chunk: Buffer): void {
    this.#printed += chunk.length;
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(-KEPT)]).subarray(-KEPT);
    if (this.#printed <= MOST_PRINTED || this.#end !== undefined) return;
    this.#end = `printed more than ${MOST_PRINTED / 1024 / 1024} MiB and was ended`;
    this.#kill("SIGKILL");
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether somebody listens on a port. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
