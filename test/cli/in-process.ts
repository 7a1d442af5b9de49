/** Runs commands in the test's own process, in surroundings of their own: streams, environment and clock. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../src/cli/frame/run.js";
import type { Outcome } from "./command.js";

/** A command that runs. */
export interface Running {
  /** What it comes to. */
  readonly outcome: Promise<Outcome>;
  /** Its first line of data. */
  readonly firstLine: Promise<string>;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** Sends it a signal. */
  signal(name: string): void;
  /** Asks it to end. */
  end(): void;
}

/**
 * A folder of its own and an environment that points into it. In a command line `./` stands for that folder,
 * and in what a command prints a dot does.
 */
export class InProcess {
  readonly dir = mkdtempSync(join(tmpdir(), "tessera-cli-"));
  readonly env: Record<string, string | undefined> = {
    TESSERA_REALM_DIR: join(this.dir, "realm"),
    TESSERA_CCACHE: `FILE:${join(this.dir, "cc")}`,
    HOME: this.dir,
  };
  /** The present, in milliseconds since the epoch. */
  now: () => number = Date.now;
  /** Whether stdout is a terminal. */
  isTerminal = false;

  /** The path of a file in the folder. */
  file(name: string): string {
    return join(this.dir, name);
  }

  /** Runs a command line to its end; words are split at spaces. */
  run(line: string, stdin = ""): Promise<Outcome> {
    return this.runWords(
      line.split(" ").filter((word) => word !== ""),
      stdin,
    );
  }

  /** Runs the words of a command line to its end. */
  runWords(words: readonly string[], stdin: string | Uint8Array = ""): Promise<Outcome> {
    return this.start(words, stdin).outcome;
  }

  /** Starts a command that ends when it is asked to. */
  start(words: readonly string[], stdin: string | Uint8Array = ""): Running {
    const printed = { stdout: "", stderr: "" };
    const firstLine = deferred();
    const signals: string[] = [];
    let onSignal: ((name: string) => void) | undefined;
    const send = (name: string) => {
      if (onSignal === undefined) signals.push(name);
      else onSignal(name);
      onSignal = undefined;
    };
    const shown = (text: string) => text.replaceAll(this.dir, ".");
    const outcome = run(
      words.map((word) => word.replace(/^(.*=)?\.\//, (_, before = "") => `${before}${this.dir}/`)),
      {
        stdout: {
          isTTY: this.isTerminal,
          write: (text) => {
            printed.stdout += text;
            if (printed.stdout.includes("\n")) firstLine.resolve(shown(printed.stdout.split("\n")[0]!));
          },
        },
        stderr: {
          write: (text) => {
            printed.stderr += text;
          },
        },
        stdin: async function* () {
          yield Buffer.from(stdin);
        },
        env: this.env,
        now: () => this.now(),
        signal: async () =>
          signals.shift() ??
          new Promise((resolve) => {
            onSignal = resolve;
          }),
      },
    ).then((code) => ({ code, stdout: shown(printed.stdout), stderr: shown(printed.stderr) }));
    return {
      outcome,
      firstLine: firstLine.promise,
      stderr: () => shown(printed.stderr),
      stdout: () => shown(printed.stdout),
      signal: send,
      end: () => send("SIGTERM"),
    };
  }

  /** Removes the folder. */
  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function deferred(): { readonly promise: Promise<string>; readonly resolve: (text: string) => void } {
  let resolve: (text: string) => void = () => {};
  const promise = new Promise<string>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A time as the command shows it: by the clock on the wall. */
export function local(ms: number): string {
  return new Date(ms).toLocaleString("sv-SE");
}
