// npm run test:guard-chaos [-- --calls N] [--least N] [--seconds S]: four processes of one guarded service
// behind a balancer, one killed with -9 every two seconds, while clients call and everything they send is
// sent again, to every process. Prints what happened; exits with 1 where anything happened that must not, or
// too little.
//
// Held at the end: no attempt ran twice, nor beside one that repeats it; a call ends in UNAVAILABLE only
// where its process was killed; every other call is answered, by a handler that ran for it. An attempt that
// had never run may run when it is delivered late, once: that is counted. `--planted NAME` plants one of
// faults.mjs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sharedKey } from "../../dist/shared-key/shared-key.js";
import { Balancer } from "./balancer.mjs";
import { bundle } from "./bundle.mjs";
import { FAULTS } from "./faults.mjs";
import { readLedger } from "./ledger.mjs";
import { Processes } from "./processes.mjs";
import { Replayer } from "./replayer.mjs";

const PROCESSES = 4;
const CHANNELS = 8;
const KILL_EVERY_MS = 2_000;
const EDGE_CALLS = 0.05;
const PROGRESS_MS = 30_000;
const SHOWN = 10;
/** So many captures may wait to be replayed: what is replayed a minute late is refused for its age alone. */
const MAX_BACKLOG = 64;

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "100000" },
    least: { type: "string", default: "0" },
    seconds: { type: "string", default: "230" },
    keep: { type: "boolean", default: false },
    planted: { type: "string" },
  },
});
const least = Number(values.least);
const calls = Math.max(least, Number(values.calls));
const fault = values.planted === undefined ? undefined : FAULTS[values.planted];
if (values.planted !== undefined && fault === undefined)
  throw new RangeError(`--planted: one of ${Object.keys(FAULTS).join(", ")}`);
const folder = mkdtempSync(join(tmpdir(), "tessera-chaos-"));
const keyFile = join(folder, "chaos.key");
sharedKey(keyFile);

const program = await bundle("server.mjs", folder, fault);
const clientProgram = await bundle("client.mjs", folder);

const processes = new Processes(folder, PROCESSES, program);
const replayer = new Replayer(processes);
const balancer = new Balancer(
  processes,
  (capture) => replayer.later(capture),
  () => replayer.backlog > MAX_BACKLOG,
);
let kills = 0;
let over = false;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Kills one process after the other; just before, it gets all again that it has got over open connections.
 */
async function killThem() {
  let nextKill = performance.now() + KILL_EVERY_MS;
  while (!over) {
    await pause(Math.max(20, nextKill - performance.now()));
    const place = kills % PROCESSES;
    const port = processes.port(place);
    // A busy machine takes its time to start one: the others go on.
    if (port === undefined || processes.ports.length < PROCESSES - 1) continue;
    await Promise.race([
      Promise.all(balancer.sentTo(port).map((capture) => replayer.send(capture, port))),
      pause(KILL_EVERY_MS),
    ]);
    nextKill = performance.now() + KILL_EVERY_MS;
    await processes.kill(place);
    kills++;
  }
}

function client(mode, count, ports) {
  const results = join(folder, `${mode}.results`);
  const args = [clientProgram, keyFile, results, String(count), values.seconds, mode, ...ports.map(String)];
  const child = spawn(process.execPath, args, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  child.on("message", (count) => begun.set(mode, count));
  return child;
}

/** How many calls each of the clients has begun. */
const begun = new Map();
const progress = setInterval(() => {
  const all = [...begun.values()].reduce((sum, count) => sum + count, 0);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.error(`guard-chaos: ${all} calls, ${replayer.calls} replays, ${kills} kills after ${seconds} s`);
}, PROGRESS_MS);

/** A run as it is shown: which attempt, of which call, and on which connection it came. */
function shown({ attempt, name, repeats, process: log, peer, isReplay, at }) {
  const byPort = isReplay ? replayer.byPort : balancer.byPort;
  const by = byPort.get(Number(peer.slice(peer.lastIndexOf(":") + 1)));
  return { attempt, name, repeats, process: log.slice(0, -4), by, at: new Date(at).toISOString() };
}

function print({ counts, happened, faults }, seconds) {
  console.log(`guard-chaos: ${counts.calls} calls in ${seconds.toFixed(0)} s`);
  const { connections } = balancer;
  const rows = { ...counts, kills, connections, replayedCalls: replayer.calls, ...happened };
  for (const [name, value] of Object.entries(rows)) console.log(`  ${name}: ${JSON.stringify(value)}`);
  for (const [name, found] of Object.entries(faults)) {
    console.log(`  ${name}: ${found.length}`);
    for (const one of found.slice(0, SHOWN))
      for (const part of Array.isArray(one) ? one.map(shown) : [one])
        console.log(`    ${JSON.stringify(part)}`);
  }
  console.log(`  captures that no process answered in full: ${replayer.unanswered}`);
}

const began = performance.now();
await processes.start();
const ports = await balancer.listen(CHANNELS);
const killing = killThem();
const clients = [
  client("load", calls * (1 - EDGE_CALLS), ports.slice(1)),
  client("edges", calls * EDGE_CALLS, ports.slice(0, 1)),
];
const codes = await Promise.all(clients.map(async (child) => (await once(child, "exit"))[0]));
const called = performance.now();
clearInterval(progress);
await balancer.drain();
over = true;
await killing;
await replayer.drain();
await processes.close();
balancer.close();
const ledger = await readLedger(folder, balancer);
print(ledger, (called - began) / 1000);
console.log(`  seconds in all: ${((performance.now() - began) / 1000).toFixed(0)}`);
const { calls: made } = ledger.counts;
if (made < calls) console.log(`  the ${values.seconds} s were over before ${calls} calls`);
const missing = Object.entries(ledger.happened).filter(([, count]) => count === 0);
for (const [name] of missing) console.log(`  did not happen: ${name}`);
const failed =
  codes.some((code) => code !== 0) ||
  replayer.unanswered > 0 ||
  made < least ||
  missing.length > 0 ||
  Object.values(ledger.faults).some((found) => found.length > 0);
if (values.keep) console.log(`  logs: ${folder}`);
else rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
