/** promtool of Prometheus, if it is installed (Debian's `prometheus`). */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Ran, run } from "./buf.js";

/** The path of promtool, or undefined. */
export const PROMTOOL = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => folder !== "")
  .map((folder) => join(folder, "promtool"))
  .find(existsSync);

/** Runs promtool, with `input` on stdin. */
export function promtool(args: readonly string[], input = ""): Promise<Ran> {
  if (PROMTOOL === undefined)
    throw new Error("promtool is not installed: this test should have been skipped");
  return run(PROMTOOL, args, input);
}
