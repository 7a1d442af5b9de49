/**
 * The speed of src/des beside others: in one run, interleaved, medians of several rounds. Figures are ratios
 * of speed, ours to theirs, each taken within one round, so that a momentarily busy machine slows both sides.
 */
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openLegacyNode, openOpenssl, openPeers } from "./peers.mjs";
import { printReport } from "./report.mjs";
import { TARGETS } from "./targets.mjs";

const USAGE = `usage: node bench/des/main.mjs [--quick] [--json] [--sizes 200,65536]

Measures DES in ECB and CBC, both directions, with the key schedule in each call and without, against des.js,
crypto-js, node-forge, node:crypto (des-ede3 with the key three times; single DES of the legacy provider) and
OpenSSL's DES in C. What is not installed is said and skipped. Build first: npm run build.

  --quick   fewer rounds and sizes, about 15 seconds; too few for a verdict
  --json    the same figures for machines
  --sizes   bytes a message, multiples of 8
  --help    this text

DES_BENCH_PEERS=/some/folder/  look for the npm packages in that folder's node_modules instead of the project's.
`;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    sizes: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (!existsSync(new URL("../../dist/des/index.js", import.meta.url))) {
  process.stderr.write("bench: dist/des is missing; run `npm run build` first\n");
  process.exit(2);
}

const sizes = options.sizes
  ? options.sizes.split(",").map(Number)
  : options.quick
    ? [200, 65536]
    : [8, 64, 200, 1024, 65536, 1048576];
if (sizes.some((size) => !Number.isInteger(size) || size <= 0 || size % 8 !== 0)) {
  process.stderr.write("bench: --sizes wants multiples of 8\n");
  process.exit(2);
}
const rounds = options.quick ? 3 : 7;
const sampleMs = options.quick ? 10 : 25;

setFlagsFromString("--expose-gc");
// V8 discards the code of functions that stay idle for a few collections, and there is a collection before
// every sample.
setFlagsFromString("--no-flush-bytecode");
const collectGarbage = runInNewContext("gc");
const note = (text) => process.stderr.write(`bench: ${text}\n`);
const peers = await openPeers(note);
const openssl = openOpenssl(note, options.quick);
const legacy = await openLegacyNode(note);

const cells = sizes.flatMap((size) =>
  ["ecb", "cbc"].flatMap((mode) =>
    ["encrypt", "decrypt"].flatMap((direction) =>
      [true, false].map((withKey) => ({ size, mode, direction, withKey, times: {} })),
    ),
  ),
);
for (const cell of cells) {
  cell.work = Object.fromEntries(
    Object.entries(peers)
      .map(([name, peer]) => [name, peer(cell)])
      .filter(([, work]) => work),
  );
}
for (let round = -1; round < rounds; round++) {
  for (const cell of cells) {
    if (cell.size > 100_000 && round >= 2) continue;
    const record = (name, ns) => {
      if (round >= 0 && ns !== undefined) {
        cell.times[name] = [...(cell.times[name] ?? []), ns];
      }
    };
    for (const [name, work] of Object.entries(cell.work)) {
      record(name, sample(work));
    }
    if (legacy) record("node legacy", await legacy.sample(cell, sampleMs));
    if (openssl) {
      for (const [name, ns] of Object.entries(openssl.sample(cell, sampleMs, round))) record(name, ns);
    }
  }
}
legacy?.close();

printReport({
  cells,
  targets: TARGETS,
  json: options.json,
  machine: `${cpus()[0]?.model}, Node ${process.version}`,
});

/**
 * Nanoseconds per call, over about `sampleMs`. So that nobody pays for a predecessor's garbage or for caches
 * full of its tables: collect, run just as long unmeasured while the collector's threads finish, then
 * measure.
 */
function sample(work) {
  collectGarbage();
  measure(work, sampleMs);
  return measure(work, sampleMs);
}

/** In processor time, including garbage collector and compiler, so that other programs do not count. */
function measure(work, milliseconds) {
  let calls = 0;
  let batch = 1;
  const start = process.cpuUsage();
  for (;;) {
    for (let i = 0; i < batch; i++) work();
    calls += batch;
    const { user, system } = process.cpuUsage(start);
    const passed = user + system;
    if (passed > milliseconds * 1000) return (1000 * passed) / calls;
    if (passed < milliseconds * 100) batch *= 2;
  }
}
