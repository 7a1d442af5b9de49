/** grpcurl, if it is installed: on the path, or among Go's programs. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { type Ran, run } from "./buf.js";

const folders = [
  ...(process.env.PATH ?? "").split(delimiter),
  process.env.GOBIN,
  process.env.GOPATH && join(process.env.GOPATH, "bin"),
  join(homedir(), "go", "bin"),
];

/** The path of grpcurl, or undefined. */
export const GRPCURL = folders
  .filter((folder) => folder !== undefined && folder !== "")
  .map((folder) => join(folder as string, "grpcurl"))
  .find(existsSync);

/** Runs grpcurl against a server without TLS. */
export function grpcurl(
  address: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<Ran> {
  if (GRPCURL === undefined) throw new Error("grpcurl is not installed: this test should have been skipped");
  return run(GRPCURL, ["-plaintext", ...flags, address, ...args]);
}
