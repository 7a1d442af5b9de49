#!/usr/bin/env node
/** The `tessera` command, run by the words and in the surroundings of this process. */
import { run } from "./frame/run.js";
import type { Environment, Surroundings } from "./frame/surroundings.js";

const surroundings: Surroundings = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: () => process.stdin as AsyncIterable<Buffer>,
  env: process.env,
  now: Date.now,
  again: runAgain,
  signal: nextSignal,
};

let isUnwritable = false;
watchOutputs();
const code = await run(process.argv.slice(2), surroundings);
process.exitCode = isUnwritable ? 1 : code;

/** The next SIGTERM or SIGINT; the one after it ends the process at once. */
function nextSignal(): Promise<string> {
  const signals = ["SIGTERM", "SIGINT"] as const;
  return new Promise((resolve) => {
    for (const name of signals)
      process.once(name, () => {
        resolve(name);
        for (const again of signals) process.once(again, () => process.exit(1));
      });
  });
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
