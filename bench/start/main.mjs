// How long the `tessera` command takes to start, as ratios to `node -e 0`, in one run. `npm run bench:start`;
// options: --json, --rounds 41.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fileCache, KerberosClient } from "../../dist/client/index.js";
import { createTestRealm } from "../../dist/testing/index.js";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    rounds: { type: "string", default: "41" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:start [-- --json] [--rounds 41]

Prints the wall time from the start of a process to its end, the median of alternating rounds, and its ratio to
that of \`node -e 0\`. --json prints the same for machines.`);
  process.exit(0);
}

const TESSERA = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** Each command, and the ratio it should not exceed. */
const ROWS = [
  { name: "node -e 0", args: ["-e", "0"] },
  { name: "tessera --help", args: [TESSERA, "--help"], target: 2 },
  { name: "tessera kinit --help", args: [TESSERA, "kinit", "--help"], target: 2 },
  { name: "tessera klist", args: [TESSERA, "klist"], target: 2 },
  { name: "tessera klist -e", args: [TESSERA, "klist", "-e"] },
  { name: "tessera kvno, ticket at hand", args: [TESSERA, "kvno", "v/localhost"], target: 2.5 },
];

const folder = mkdtempSync(join(tmpdir(), "tessera-start-"));
try {
  const cache = join(folder, "ccache");
  await logIn(cache);
  const times = measure({ ...process.env, TESSERA_CCACHE: cache });
  print(times);
} finally {
  rmSync(folder, { recursive: true });
}

/** Leaves a login and a ticket for V in a cache, from a realm that ends before anything is measured. */
async function logIn(path) {
  const realm = await createTestRealm({ users: { alice: "apple" } });
  const client = new KerberosClient({ kdc: realm.kdc, cache: fileCache(path) });
  await client.login(realm.principal("alice"), "apple");
  await client.serviceTicket(realm.principal("v/localhost"));
  client.close();
  await realm.close();
}

/**
 * The median wall time of each row, in milliseconds. The rows take turns, so that the machine affects all
 * alike.
 */
function measure(env) {
  const times = ROWS.map(() => []);
  for (let round = -2; round < Number(values.rounds); round++)
    ROWS.forEach(({ args, name }, i) => {
      const began = performance.now();
      const { status } = spawnSync(process.execPath, args, { env, stdio: "ignore" });
      if (status !== 0) throw new Error(`${name}: exit code ${status}`);
      if (round >= 0) times[i].push(performance.now() - began);
    });
  return times.map((samples) => samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)]);
}

function print(times) {
  const machine = `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0].model}`;
  const rows = ROWS.map(({ name, target }, i) => ({
    name,
    ms: times[i],
    ratio: times[i] / times[0],
    target,
  }));
  if (values.json) {
    console.log(JSON.stringify({ machine, rows }, undefined, 2));
    return;
  }
  console.log(`Start to end, medians of ${values.rounds} rounds. ${machine}`);
  for (const { name, ms, ratio, target } of rows) {
    const aim = target === undefined ? "" : `  at most ${target}${ratio <= target ? "" : ": missed"}`;
    console.log(`  ${name.padEnd(30)}${ms.toFixed(0).padStart(6)} ms${ratio.toFixed(2).padStart(7)}${aim}`);
  }
}
