/** A folder that is gone when it is no longer needed, and at the latest when the process ends. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder. */
export interface TemporaryFolder {
  readonly path: string;
  /** Removes it with all that is in it. */
  remove(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The listeners of all folders. */
const ours = new WeakSet<object>();

/**
 * Makes a folder, with mode 0700, that is removed by `remove`, at exit, and at a signal that ends. A program
 * that takes the signal itself ends in its own time, and calls `remove`.
 */
export async function makeTemporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "tessera-"));
  const removeFiles = () => rmSync(path, { recursive: true, force: true });
  const onSignal = (signal: NodeJS.Signals) => {
    if (process.listeners(signal).some((listener) => !ours.has(listener))) return;
    process.removeListener(signal, onSignal);
    removeFiles();
    process.kill(process.pid, signal);
  };
  ours.add(onSignal);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // The process may also end early, because nobody reads its output any more.
  process.once("exit", removeFiles);
  const remove = () => {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    process.removeListener("exit", removeFiles);
    removeFiles();
  };
  return { path, remove };
}
