// `npm run mutants -- ROOM`: changes a room's code in small ways, one at a time, and counts the changes that
// its tests notice. docs/mutation.md says how to use it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ROOMS } from "./rooms.mjs";

const USAGE = `usage: npm run mutants -- ROOM [--sample N [--seed S]] [--at PLACE]... [--loaded] [--list] [--concurrency N]

  ROOM             ${Object.keys(ROOMS).join(", ")}
  --sample N       about N mutants, drawn by chance, where the whole room would take too long
  --seed S         which sample (1)
  --at PLACE       only these: a file, or file:line:column-line:column (columns from 0)
  --loaded         tries those too that run only while modules load, in the rooms where they are left out: slow
  --list           prints the survivors as survivors/ROOM.json takes them, each waiting for its reason
  --concurrency N  how many mutants are tried at once (1)
`;

const folder = fileURLToPath(new URL(".", import.meta.url));

/** @param {string} text */
function wrongUsage(text) {
  process.stderr.write(`mutants: ${text}\n\n${USAGE}`);
  process.exit(2);
}

/** @param {string} name @param {string} text */
function count(name, text) {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) wrongUsage(`--${name} takes a number from 1, not ${text}`);
  return value;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        sample: { type: "string" },
        seed: { type: "string", default: "1" },
        at: { type: "string", multiple: true, default: [] },
        list: { type: "boolean", default: false },
        loaded: { type: "boolean", default: false },
        concurrency: { type: "string", default: "1" },
      },
    });
  } catch (error) {
    return wrongUsage(/** @type {Error} */ (error).message);
  }
}

/**
 * Stryker has a lock file of its own here, so that `npm ci` in the project does not bring it to everybody.
 */
function installOnce() {
  if (existsSync(`${folder}node_modules/@stryker-mutator/core`)) return;
  process.stderr.write("mutants: installing Stryker into tools/mutants, once\n");
  const { status } = spawnSync("npm", ["ci"], { cwd: folder, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    process.stderr.write("mutants: Stryker could not be installed; try `npm ci` in tools/mutants\n");
    process.exit(1);
  }
}

const { values, positionals } = readArguments();
const [room, ...rest] = positionals;
if (room === undefined || !Object.hasOwn(ROOMS, room)) wrongUsage(`no such room: ${room ?? "none given"}`);
if (rest.length > 0) wrongUsage(`one room at a time, not ${rest.join(", ")} as well`);
const options = {
  sample: values.sample === undefined ? undefined : count("sample", values.sample),
  seed: count("seed", values.seed),
  places: values.at,
  list: values.list,
  loaded: values.loaded,
  concurrency: count("concurrency", values.concurrency),
};
installOnce();
const { tryMutants } = await import("./run.mjs");
process.exitCode = (await tryMutants(room, options)) ? 0 : 1;
