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

endWithReader();
process.exitCode = await run(process.argv.slice(2), surroundings);

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

/** Ends quietly when whoever reads our output has seen enough (`tessera klist | head -1`). */
function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(0);
    });
}
