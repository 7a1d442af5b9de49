// Whether the tests of this folder find what they are there to find: plants each of faults.mjs into a copy of
// dist, and has them run on that copy at the sizes of `.ci/run`. `planted.mjs [NAME]...`; exits with 1 where
// one was not found, or where they fail without a fault.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FAULTS } from "./faults.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = fileURLToPath(new URL("main.mjs", import.meta.url));
const CONFIG = fileURLToPath(new URL("planted.config.mjs", import.meta.url));

/** The sizes of `.ci/run`. */
const CI_SIZES = { TESSERA_FUZZ_TIMES: "100000", TESSERA_FUZZ_CALLS: "5000" };

/** A copy of what is built, with what its files find beside it. */
function copyOfDist() {
  const folder = mkdtempSync(join(tmpdir(), "tessera-planted-"));
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  for (const name of ["node_modules", "proto", "package.json"])
    symlinkSync(join(root, name), join(folder, name));
  return folder;
}

function plant(folder, { file, find, replace }) {
  const path = join(folder, "dist", file);
  const parts = readFileSync(path, "utf8").split(find);
  if (parts.length !== 2) throw new Error(`${file}: ${parts.length - 1} places, expected one`);
  writeFileSync(path, parts.join(replace));
}

/**
 * Runs tests on the copy. Returns how many failed, and what they said; no number where they could not run.
 */
function run(folder, tests) {
  const report = join(folder, "report.json");
  const args = [
    MAIN,
    "--only",
    ...tests,
    "--",
    "--config",
    CONFIG,
    "--reporter=json",
    `--outputFile=${report}`,
    "--bail=1",
  ];
  const env = { ...CI_SIZES, ...process.env, TESSERA_PLANTED: join(folder, "dist") };
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", env });
  try {
    const { numFailedTests, numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, "utf8"));
    return {
      failed: numTotalTests > 0 ? numFailedTests : undefined,
      passed: numPassedTests,
      said: stdout + stderr,
    };
  } catch {
    return { failed: undefined, passed: 0, said: stdout + stderr };
  }
}

const [, , ...names] = process.argv;
const asked = names.length > 0 ? names : Object.keys(FAULTS);
const every = [...new Set(asked.flatMap((name) => FAULTS[name].tests))];
const withoutFault = copyOfDist();
try {
  const { failed, passed, said } = run(withoutFault, every);
  console.log(`  no fault: ${passed} tests hold`);
  if (failed !== 0) {
    process.exitCode = 1;
    console.log(`  no fault, found all the same: ${failed ?? 0} times\n${said}`);
  }
} finally {
  rmSync(withoutFault, { recursive: true, force: true });
}
for (const name of asked) {
  const folder = copyOfDist();
  try {
    plant(folder, FAULTS[name]);
    const { failed = 0, said } = run(folder, FAULTS[name].tests);
    console.log(`  ${name}, found: ${failed} times`);
    if (failed > 0) continue;
    process.exitCode = 1;
    console.log(said);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
