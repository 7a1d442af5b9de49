// Runs Stryker over a room, or over a sample of it, and prints what came of it.
import { readdirSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Stryker } from "@stryker-mutator/core";
import { Instrumenter } from "@stryker-mutator/instrumenter";
import { ROOMS } from "./rooms.mjs";
import { drawPlaces } from "./sample.mjs";
import { judge, outdated, WANTED } from "./score.mjs";
import { listedSurvivors, nameOf } from "./survivors.mjs";

/**
 * @typedef {object} Choice
 * @property {number | undefined} sample about how many mutants, drawn by chance; undefined: all
 * @property {number} seed
 * @property {string[]} places files or ranges; none: the whole room
 * @property {boolean} list whether to print the survivors as entries of survivors/ROOM.json
 * @property {number} concurrency
 * @property {boolean} loaded whether to try mutants that run only while modules load, though rooms.mjs says
 *   not to
 */

/**
 * Tries a room's mutants and prints survivors and score; true where enough were noticed.
 *
 * @param {string} room
 * @param {Choice} choice
 */
export async function tryMutants(room, choice) {
  process.chdir(fileURLToPath(new URL("../..", import.meta.url)));
  const sources = new Map(filesOf(room).map((file) => [file, readFileSync(file, "utf8")]));
  /** @param {import("./survivors.mjs").Mutant} mutant */
  const named = (mutant) => nameOf(mutant, sources.get(mutant.fileName) ?? "");
  const mutants = await mutantsOf(sources);
  const listed = listedSurvivors(room);
  const old = outdated(listed, mutants.map(named));
  for (const { file, line, from, to } of old)
    print(`listed, but no longer there: ${file}: ${line}\n    ${from}  →  ${to}`);

  const places = choice.sample ? drawPlaces(mutants, choice.sample, choice.seed) : choice.places;
  const results = await runStryker(room, places.length > 0 ? places : [...sources.keys()], choice);
  const tried = results.map((result) => ({ ...result, fileName: relative(process.cwd(), result.fileName) }));
  const { noticed, timedOut, survivors, excused, leftOut, score } = judge(
    tried.map((mutant) => ({ ...mutant, name: named(mutant) })),
    listed,
  );
  for (const { fileName, location, mutatorName, status, name } of survivors)
    print(
      `${fileName}:${location.start.line}:${location.start.column} ${mutatorName}, ${WORDS[status]}\n` +
        `    ${name.line}\n    ${oneLine(name.from)}  →  ${oneLine(name.to)}`,
    );
  if (choice.list)
    print(
      JSON.stringify(
        survivors.map(({ name }) => ({ ...name, why: "" })),
        null,
        2,
      ),
    );
  print(
    `\n${room}: ${score.toFixed(1)} % of ${noticed + survivors.length} mutants noticed (${WANTED} % wanted); ` +
      `${timedOut} of them by running too long, ${survivors.length} survived, ${excused} more as listed, ` +
      `${leftOut} were not tried; ${mutants.length} in the room`,
  );
  return score >= WANTED && old.length === 0;
}

/** @type {Record<string, string>} */
const WORDS = { Survived: "survived", NoCoverage: "no test runs it" };

/** @param {string} room @param {string[]} mutate @param {Choice} choice */
function runStryker(room, mutate, { concurrency, loaded }) {
  process.env.MUTANTS_TESTS = JSON.stringify(ROOMS[room].tests);
  const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
  const stryker = new Stryker({
    mutate,
    concurrency,
    testRunner: "vitest",
    plugins: [here("node_modules/@stryker-mutator/vitest-runner/dist/src/index.js")],
    ignoreStatic: !(loaded || ROOMS[room].loaded),
    vitest: { configFile: here("vitest.config.mjs") },
    // Stryker calls an API that TypeScript 7 does not have, unless it finds no such file.
    tsconfigFile: "none",
    disableTypeChecks: false,
    tempDirName: "tools/mutants/sandbox",
    ignorePatterns: ["/dist", "/bench", "/docs", "/coverage", "/tools"],
    reporters: [process.stderr.isTTY ? "progress" : "progress-append-only"],
    allowConsoleColors: process.stdout.isTTY === true,
    logLevel: "warn",
    // A busy machine must not pass for a mutant that runs for ever.
    timeoutMS: 60_000,
    timeoutFactor: 3,
  });
  return stryker.runMutationTest();
}

/**
 * Every mutant of some files, with lines and columns from 1 as in Stryker's results.
 *
 * @param {ReadonlyMap<string, string>} sources
 */
async function mutantsOf(sources) {
  const files = [...sources].map(([name, content]) => ({ name, mutate: true, content }));
  const quiet = { debug() {}, info() {}, isDebugEnabled: () => false };
  const options = { ignorers: [], excludedMutations: [], plugins: null };
  const { mutants } = await new Instrumenter(/** @type {any} */ (quiet)).instrument(files, options);
  const from1 = (/** @type {import("./sample.mjs").Position} */ { line, column }) => ({
    line: line + 1,
    column: column + 1,
  });
  return mutants.map(({ fileName, replacement, location: { start, end } }) => ({
    fileName,
    replacement,
    location: { start: from1(start), end: from1(end) },
  }));
}

/** @param {string} room */
function filesOf(room) {
  return readdirSync(`src/${room}`, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `src/${room}/${path}`)
    .sort();
}

/** @param {string} code */
function oneLine(code) {
  const line = code.replace(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}
