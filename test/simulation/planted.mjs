// node test/simulation/planted.mjs [--exchanges N] [--seeds N] [NAME]: plants each bug in turn, or those
// whose names have NAME in them, and has the simulation look for it. Exits with 1 where one is not found.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BUGS } from "./bugs.mjs";
import { plant } from "./plant.mjs";

const MAIN = fileURLToPath(new URL("main.mjs", import.meta.url));

const { values, positionals } = parseArgs({
  options: { exchanges: { type: "string", default: "6000" }, seeds: { type: "string", default: "6" } },
  allowPositionals: true,
});
const [wanted = ""] = positionals;

for (const bug of BUGS.filter(({ name }) => name.includes(wanted))) {
  const found = find(bug);
  console.log(found === undefined ? `NOT FOUND  ${bug.name}` : `found      ${bug.name}: ${found}`);
  if (found === undefined) process.exitCode = 1;
}

/** How the bug was found; undefined: it was not. */
function find(bug) {
  const { dist, remove } = plant(bug);
  try {
    for (let seed = 1; seed <= Number(values.seeds); seed++) {
      const given = [MAIN, "--json", "--dist", dist, "--seed", String(seed), "--exchanges", values.exchanges];
      const { stdout, stderr } = spawnSync(process.execPath, given, { encoding: "utf8" });
      const [line] = stdout.split("\n");
      if (!line?.startsWith("{")) throw new Error(`${bug.name}: ${stderr}`);
      const { violations, exchanges } = JSON.parse(line);
      if (violations[0]?.error !== undefined && violations[0].invariant === "the simulation itself goes on")
        throw new Error(`${bug.name}: ${violations[0].error}`);
      if (violations.length > 0)
        return `"${violations[0].invariant}", seed ${seed}, after ${exchanges} exchanges`;
    }
    return undefined;
  } finally {
    remove();
  }
}
