// `npm run release-check`: the long sizes, one after the other, before a release. Prints what each of them says
// while it runs, then one table of figures; exits with 1 where one failed.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpus, totalmem } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CHECKS } from "./checks.mjs";

const USAGE = `usage: npm run release-check [-- [--only NAME]... [--list]]

  --only NAME  this check alone; may be given several times
  --list       prints the checks and their commands, and runs none
  --help       prints this
`;
/** A line of a check's output that the table shows. */
const FIGURE = /^ {2}(\S.*?): (\d.*)$/;

const root = fileURLToPath(new URL("../..", import.meta.url));

/** @param {string} text */
function wrongUsage(text) {
  process.stderr.write(`release-check: ${text}\n\n${USAGE}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        only: { type: "string", multiple: true, default: [] },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return wrongUsage(/** @type {Error} */ (error).message);
  }
}

/** Runs one check. Resolves to what the table says of it. */
async function run(name) {
  console.log(`\n${name}: ${CHECKS[name]}`);
  const began = performance.now();
  const [program, ...args] = CHECKS[name].split(" ");
  const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const figures = [];
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      console.log(line);
      const found = FIGURE.exec(line);
      if (found !== null) figures.push([found[1], found[2]]);
    }
  })();
  const [code] = await once(child, "exit");
  await reading;
  return { name, isGood: code === 0, seconds: Math.round((performance.now() - began) / 1000), figures };
}

const git = (...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout.trim();

function machine() {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`;
}

/** The table, in Markdown: docs quote it. */
function print(results) {
  const isClean = git("status", "--porcelain") === "";
  const commit = `${git("rev-parse", "--short", "HEAD")}${isClean ? "" : " and changes"}`;
  console.log(
    `\n${new Date().toISOString().slice(0, 10)}, commit ${commit}, Node ${process.version}, ${machine()}\n`,
  );
  console.log("| check | | seconds | figure | |\n| --- | --- | --- | --- | --- |");
  for (const { name, isGood, seconds, figures } of results) {
    const [first = ["", ""], ...rest] = figures;
    console.log(`| ${name} | ${isGood ? "holds" : "FAILED"} | ${seconds} | ${first.join(" | ")} |`);
    for (const figure of rest) console.log(`| | | | ${figure.join(" | ")} |`);
  }
}

const { only, list, help } = readArguments();
if (help) process.stdout.write(USAGE);
else if (list) for (const [name, command] of Object.entries(CHECKS)) console.log(`${name}: ${command}`);
else {
  const unknown = only.find((name) => !Object.hasOwn(CHECKS, name));
  if (unknown !== undefined) wrongUsage(`no check ${unknown}: ${Object.keys(CHECKS).join(", ")}`);
  const results = [];
  for (const name of only.length > 0 ? only : Object.keys(CHECKS)) results.push(await run(name));
  print(results);
  if (results.some(({ isGood }) => !isGood)) process.exitCode = 1;
}
