#!/usr/bin/env node
/** The `tessera` command, run by the words and in the surroundings of this process. */
import { run } from "./frame/run.js";
import type { Surroundings } from "./frame/surroundings.js";

const surroundings: Surroundings = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: () => process.stdin as AsyncIterable<Buffer>,
  env: process.env,
  now: Date.now,
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
