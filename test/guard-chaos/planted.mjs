// Whether a run finds what it is there to find: plants each of faults.mjs into the service, one after the other,
// and has a short run look for it. `planted.mjs [NAME]...`; exits with 1 where one was not found.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FAULTS } from "./faults.mjs";

const SECONDS = 12;
const MAIN = fileURLToPath(new URL("main.mjs", import.meta.url));

const [, , ...names] = process.argv;
for (const name of names.length > 0 ? names : Object.keys(FAULTS)) {
  const args = [MAIN, "--planted", name, "--seconds", String(SECONDS)];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = stdout.split("\n");
  const times = Number(lines.find((line) => line.startsWith(`  ${FAULTS[name].found}: `))?.split(": ")[1]);
  if (status === 1 && times > 0) console.log(`  ${name}, found: ${times} times`);
  else {
    process.exitCode = 1;
    console.log(`${name}: NOT found\n${stdout}`);
  }
}
