/** A Python that can run examples/python, if there is one. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

const MODULES = ["grpc", "google.protobuf", "cryptography"];

/** The Python to run, and the modules it lacks, by name; none: the examples run. */
export const PYTHON: { readonly path: string; readonly lacks: string } = findPython();

/** What a script came to. */
export interface PythonRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a script to its end, with `input` on stdin. */
export async function runPython(script: string, args: readonly string[], input: string): Promise<PythonRun> {
  const child = spawn(PYTHON.path, ["-B", script, ...args]);
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

function findPython(): { path: string; lacks: string } {
  const candidates = [process.env.TESSERA_PYTHON, "python3", "/usr/bin/python3"].filter((path) => path);
  const found = candidates.map((candidate) => {
    const path = candidate as string;
    const lacks = MODULES.filter((name) => spawnSync(path, ["-c", `import ${name}`]).status !== 0);
    return { path, lacks: lacks.join(" ") };
  });
  return found.find(({ lacks }) => lacks === "") ?? found[0]!;
}
