/** A Go that can build examples/exercises/go, if there is one. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MODULE = fileURLToPath(new URL("../../examples/exercises/go/", import.meta.url));

/** What is lacking: `go`, or the modules that the example names; empty: nothing, and the example builds. */
export const GO_LACKS: string = lacks();

/** Builds the program in a folder; what the compiler said if it does not. */
export function goBuild(folder: string, program: string): string {
  const { status, stderr } = spawnSync("go", ["build", "-o", program, "."], {
    cwd: folder,
    encoding: "utf8",
  });
  return status === 0 ? "" : stderr;
}

function lacks(): string {
  if (spawnSync("go", ["version"]).status !== 0) return "go";
  // From the cache or, where there is none, from the network: `.ci/install-tools` fetches them before.
  const { status } = spawnSync("go", ["mod", "download"], { cwd: MODULE, timeout: 60_000 });
  return status === 0 ? "" : "the modules of examples/exercises/go";
}
