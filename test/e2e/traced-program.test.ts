/** `tessera trace -- PROGRAM`: a signal that ends the trace ends the program too. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";

const TESSERA = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const PROGRAM =
  'console.log(process.pid); process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000)';

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each(["SIGTERM", "SIGHUP"] as const)("%s ends both", async (signal) => {
  const words = [TESSERA, "trace", "--", process.execPath, "-e", PROGRAM];
  const trace = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(trace, "exit");
  const [line] = (await once(createInterface({ input: trace.stdout }), "line")) as [string];
  const pid = Number(line);
  expect(isRunning(pid)).toBe(true);
  trace.kill(signal);
  await ended;
  await eventually(() => expect(isRunning(pid)).toBe(false));
});
