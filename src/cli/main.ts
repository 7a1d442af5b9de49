#!/usr/bin/env node
/** The `tessera` command, run by the words and in the surroundings of this process. */
import { closeSync, openSync } from "node:fs";
import { run } from "./frame/run.js";
import { EndRequests, SignalQueue } from "./frame/signal-queue.js";
import type { Environment, Surroundings } from "./frame/surroundings.js";

const surroundings: Surroundings = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: () => process.stdin as AsyncIterable<Buffer>,
  env: process.env,
  now: Date.now,
  again: runAgain,
  cluster: async () => (await import("node:cluster")).default,
  signal: signals(),
};

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const;
let isUnwritable = false;
watchOutputs();
const code = await run(process.argv.slice(2), surroundings);
process.exitCode = isUnwritable ? 1 : code;

/**
 * Gives the signals that arrive, one after the other. The second that asks the process to end does so at
 * once.
 */
function signals(): () => Promise<string> {
  const queue = new SignalQueue();
  const requests = new EndRequests();
  let isListening = false;
  const onSignal = (name: NodeJS.Signals) => {
    if (name === "SIGTERM" || name === "SIGINT") {
      const meaning = requests.meaningOf(performance.now());
      if (meaning === "at once") process.exit(1);
      if (meaning === "the same") return;
    } else if (name === "SIGHUP" && terminalIsGone()) {
      // By the signal's own action: Node's way out would fail to restore the terminal, and abort.
      process.removeListener(name, onSignal);
      process.kill(process.pid, name);
      return;
    }
    queue.add(name);
  };
  return () => {
    if (!isListening) {
      for (const name of SIGNALS) process.on(name, onSignal);
      // Node's own way out takes the listeners away first, and a signal that arrives then kills the process.
      process.once("beforeExit", () => process.exit());
    }
    isListening = true;
    return queue.next();
  };
}

/** Whether SIGHUP has its first meaning: the terminal that was printed to was closed. */
function terminalIsGone(): boolean {
  if (process.stdout.isTTY !== true) return false;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return false;
  } catch {
    return true;
  }
}

/** Runs this command line in another process with these variables; gives its exit code. */
async function runAgain(variables: Environment): Promise<number> {
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, ...variables },
  });
  // What the terminal sends goes to both: the child says how it ends.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => child.kill(name));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

/**
 * Ends quietly when whoever reads our data has seen enough (`tessera klist | head -1`); says once why data
 * could not be written otherwise. Notices that nobody reads are lost.
 */
function watchOutputs(): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", async (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    if (isUnwritable) return;
    isUnwritable = true;
    process.exitCode = 1;
    const { systemErrorText } = await import("../files/system-error.js");
    process.stderr.write(`tessera: the output can't be written: ${systemErrorText(error)}\n`);
  });
}
