// How many principals a second `tessera kadmin addprinc --from` adds, on a disk that syncs, and how near the
// passwords come to PBKDF2 alone. `npm run bench:principals`; options: --json, --services 5000, --people 200.
import { spawnSync } from "node:child_process";
import { pbkdf2 } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    services: { type: "string", default: "5000" },
    people: { type: "string", default: "200" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:principals [-- --json] [--services 5000] [--people 200]

Adds so many principals with random keys, then so many with passwords, to a new standard realm in the temporary
folder: the wall time of the whole command, its start included. Then the hashes of the same passwords alone, on
a thread for each core. --json prints the same for machines.`);
  process.exit(0);
}

const TESSERA = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const TARGET = 1000;
/** The hashes behind the keys of one password in a standard realm: of types 20 and 19. */
const HASHES = [
  ["sha384", 32],
  ["sha256", 16],
];
const ITERATIONS = 32_768;
const services = Number(values.services);
const people = Number(values.people);

const folder = mkdtempSync(join(tmpdir(), "tessera-principals-"));
try {
  tessera("realm", "create", "--profile", "standard");
  const withRandomKeys = services / timed(services, (i) => `service/host${i}.example.test,`);
  // Before and after: what else the machine does weighs on both alike.
  const before = await hash(people);
  const withPasswords = people / timed(people, (i) => `person${i},a pass phrase for number ${i}`);
  const hashesAlone = (2 * people) / (before + (await hash(people)));
  print({ withRandomKeys, withPasswords, hashesAlone });
} finally {
  rmSync(folder, { recursive: true });
}

/** Adds so many principals from a table; returns seconds. */
function timed(count, row) {
  const table = join(folder, `${count}.csv`);
  const rows = Array.from({ length: count }, (_, i) => row(i));
  writeFileSync(table, ["principal,password", ...rows, ""].join("\n"), { mode: 0o600 });
  const began = performance.now();
  tessera("kadmin", "addprinc", "--from", table);
  return (performance.now() - began) / 1000;
}

function tessera(...words) {
  const env = { ...process.env, TESSERA_REALM_DIR: join(folder, "realm") };
  const { status, stderr } = spawnSync(process.execPath, [TESSERA, ...words], { env, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** The hashes of so many passwords, all asked for at once; returns seconds. */
async function hash(count) {
  const began = performance.now();
  const jobs = Array.from({ length: count }, (_, i) =>
    HASHES.map(([name, size]) => promisify(pbkdf2)(`password ${i}`, "salt", ITERATIONS, size, name)),
  );
  await Promise.all(jobs.flat());
  return (performance.now() - began) / 1000;
}

function print({ withRandomKeys, withPasswords, hashesAlone }) {
  const cores = availableParallelism();
  const machine = `Node ${process.versions.node}, ${cores} × ${cpus()[0].model}`;
  if (values.json) {
    console.log(JSON.stringify({ machine, withRandomKeys, withPasswords, hashesAlone }, undefined, 2));
    return;
  }
  const line = (name, count, note) =>
    console.log(`  ${name.padEnd(24)}${count.toFixed(0).padStart(7)}/s  ${note}`);
  console.log(`Principals a second, the start of the command included. ${machine}`);
  line("with random keys", withRandomKeys, `at least ${TARGET}${withRandomKeys < TARGET ? ": missed" : ""}`);
  line("with passwords", withPasswords, `${(withPasswords / hashesAlone).toFixed(2)} of PBKDF2 alone`);
  line("PBKDF2 alone", hashesAlone, `${HASHES.length} hashes of ${ITERATIONS} iterations each`);
  if (cores > 4 && !process.env.UV_THREADPOOL_SIZE)
    console.log(`  (for PBKDF2 alone on all cores: UV_THREADPOOL_SIZE=${cores})`);
}
