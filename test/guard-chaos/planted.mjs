// Whether a run finds what it is there to find: plants each of faults.mjs into the service, one after the
// other, and has a short run look for it. `planted.mjs [NAME]...`; exits with 1 where one was not found.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FAULTS } from "./faults.mjs";

/**
 * How long the runs take in seconds, of which the second is made where the first found nothing: on a busy
 * machine.
 */
const SECONDS = [12, 60];
const MAIN = fileURLToPath(new URL("main.mjs", import.meta.url));

/** How often a run found a fault, and what it said. */
function look(name, seconds) {
  const args = [MAIN, "--planted", name, "--seconds", String(seconds)];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = stdout.split("\n").find((one) => one.startsWith(`  ${FAULTS[name].found}: `));
  return { times: status === 1 ? Number(line?.split(": ")[1]) : 0, stdout };
}

const [, , ...names] = process.argv;
for (const name of names.length > 0 ? names : Object.keys(FAULTS)) {
  let seen = { times: 0 };
  for (const seconds of SECONDS) if (!(seen.times > 0)) seen = look(name, seconds);
  if (seen.times > 0) console.log(`  ${name}, found: ${seen.times} times`);
  else {
    process.exitCode = 1;
    console.log(`  ${name}, found: 0 times\n${seen.stdout}`);
  }
}
