// npm run test:guard-chaos [-- --calls N --seconds S]: four processes of one guarded service behind a balancer,
// one killed with -9 every two seconds, while clients call and everything they send is sent again, to every
// process. Prints what happened; exits with 1 where anything happened that must not.
//
// Held at the end: no process lets a replay in; each attempt ran at most once; a call ends in UNAVAILABLE only
// where its process was killed; every other call is answered, by a handler that ran for it. `movedTwice` are calls
// that two processes in a row refused for want of their challenge: the second refusal is the application's.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sharedKey } from "../../dist/services/index.js";
import { Balancer } from "./balancer.mjs";
import { readLedger } from "./ledger.mjs";
import { Processes } from "./processes.mjs";
import { Replayer } from "./replayer.mjs";

const PROCESSES = 4;
const CHANNELS = 8;
const KILL_EVERY_MS = 2_000;
const EDGE_CALLS = 0.05;
const SHOWN = 10;

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "100000" },
    seconds: { type: "string", default: "170" },
    keep: { type: "boolean", default: false },
  },
});
const calls = Number(values.calls);
const folder = mkdtempSync(join(tmpdir(), "tessera-chaos-"));
const keyFile = join(folder, "chaos.key");
sharedKey(keyFile);

const processes = new Processes(folder, PROCESSES);
const replayer = new Replayer(processes);
const balancer = new Balancer(processes, (capture) => replayer.later(capture));
let kills = 0;
let over = false;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Kills one process after the other; just before, it gets all again that it has got over open connections. */
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
  const program = fileOf("client.mjs");
  const results = join(folder, `${mode}.results`);
  const args = [program, keyFile, results, String(count), values.seconds, mode, ...ports.map(String)];
  return spawn(process.execPath, args, { stdio: "inherit" });
}

function print(ledger, seconds) {
  const { faults, ...counts } = ledger;
  console.log(`guard-chaos: ${ledger.calls} calls in ${seconds.toFixed(0)} s`);
  const rows = { ...counts, kills, connections: balancer.connections, replayedCalls: replayer.calls };
  for (const [name, value] of Object.entries(rows)) console.log(`  ${name}: ${JSON.stringify(value)}`);
  for (const [name, found] of Object.entries(faults)) {
    console.log(`  ${name}: ${found.length}`);
    for (const one of found.slice(0, SHOWN)) console.log(`    ${JSON.stringify(one)}`);
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
await balancer.drain();
over = true;
await killing;
await replayer.drain();
processes.close();
balancer.close();
const ledger = readLedger(folder, balancer);
print(ledger, (called - began) / 1000);
console.log(`  seconds in all: ${((performance.now() - began) / 1000).toFixed(0)}`);
const measured = spawnSync(process.execPath, ["--expose-gc", fileOf("session-bytes.mjs")], {
  stdio: "inherit",
});
const failed =
  measured.status !== 0 ||
  codes.some((code) => code !== 0) ||
  replayer.unanswered > 0 ||
  Object.values(ledger.faults).some((found) => found.length > 0);
if (values.keep) console.log(`  logs: ${folder}`);
else rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
