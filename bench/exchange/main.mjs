// The speed of the exchanges: CPU per operation in process, and CPU per request over sockets beside an empty
// grpc-js call of the same sizes, all in one run. `npm run bench:exchange`; options: --json, --quick,
// --profile, --etypes 3,20.
import { parseArgs } from "node:util";
import { operations } from "./in-process.mjs";
import { connect, sendAll, startMeasured } from "./over-sockets.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    profile: { type: "boolean" },
    etypes: { type: "string", default: "3,16,19,20" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:exchange [-- --json] [--quick] [--profile] [--etypes 3,20]

Prints CPU per operation in process, and CPU per request in the server over sockets, in microseconds and as a
ratio to an empty grpc-js call of the same sizes measured beside it. --quick takes fewer samples; --json prints
the same for machines; --profile instead shows where the server's time goes, ours beside the empty call's.`);
  process.exit(0);
}
const ROUNDS = values.quick ? 3 : 7;
const REQUESTS = 3_000;
/** Rounds before the first that counts: V8 compiles what has run often enough. */
const WARM_UP = 4;
const ITERATIONS = 2_000;
const TARGETS = { AS: 2, TGS: 2, V: 1.8 };
const SHAPES = [
  { name: "1 connection, 32 in flight", connections: 1, inFlight: 32 },
  { name: "32 connections, 1 in flight each", connections: 32, inFlight: 32 },
];

const say = (text) => values.json || console.log(text);
const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const results = { inProcess: [], overSockets: [], profiles: [] };
/** How many functions a profile names. */
const TOP = 40;

for (const etype of values.etypes.split(",").map(Number)) {
  if (values.profile) {
    await profiles(etype);
    continue;
  }
  progress(`etype ${etype}: in process`);
  await inProcess(etype);
  await overSockets(etype);
}
progress("");
if (values.json) console.log(JSON.stringify(results, undefined, 2));

async function inProcess(etype) {
  say(`\netype ${etype}, in process: CPU per operation`);
  for (const [operation, run] of Object.entries(await operations(etype))) {
    for (let i = 0; i < WARM_UP * ITERATIONS; i++) run();
    const samples = Array.from({ length: ROUNDS }, () => {
      const before = process.cpuUsage();
      for (let i = 0; i < ITERATIONS; i++) run();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / ITERATIONS;
    });
    const us = Number(median(samples).toFixed(1));
    results.inProcess.push({ etype, operation, us });
    say(`  ${operation.padEnd(40)} ${us.toFixed(1).padStart(7)} µs`);
  }
}

async function overSockets(etype) {
  const measured = await startMeasured(etype);
  say(`\netype ${etype}, over sockets: CPU of the server per request`);
  say(`  ${"".padEnd(38)} ours    empty   ratio  target  requests/s`);
  for (const shape of SHAPES)
    for (const [kind, { address, path, make }] of Object.entries(measured.kinds)) {
      const ours = connect(address, shape.connections);
      const floor = connect(measured.empty, shape.connections);
      const samples = { ours: [], empty: [], wall: [] };
      for (let round = -WARM_UP; round < ROUNDS; round++) {
        progress(`etype ${etype}: ${kind}, ${shape.name}, round ${Math.max(round + 1, 0)} of ${ROUNDS}`);
        const requests = Array.from({ length: REQUESTS }, make);
        const { cpu, seconds, size } = await timed(measured, ours, path, requests, shape.inFlight);
        const blank = requests.map((request) => Buffer.from(request));
        for (const request of blank) request.writeUInt16BE(size, 0);
        const floorRun = await timed(measured, floor, "/bench.Empty/Call", blank, shape.inFlight);
        if (round < 0) continue;
        samples.ours.push(cpu);
        samples.empty.push(floorRun.cpu);
        samples.wall.push(seconds);
      }
      for (const client of [...ours, ...floor]) client.close();
      report(etype, kind, shape, samples);
    }
  measured.end();
}

/** Where the server's time goes, by group and by function, in microseconds per request. */
async function profiles(etype) {
  const measured = await startMeasured(etype);
  const count = REQUESTS * 3;
  for (const [kind, { address, path, make }] of Object.entries(measured.kinds)) {
    const requests = Array.from({ length: 2 * count }, make);
    const [ours, empty] = [connect(address, 1), connect(measured.empty, 1)];
    const [warm, hot] = [requests.slice(0, count), requests.slice(count)];
    const size = await sendAll(ours, path, warm, 32);
    const times = await measured.profile(() => sendAll(ours, path, hot, 32));
    for (const request of hot) request.writeUInt16BE(size, 0);
    const floor = await measured.profile(() => sendAll(empty, "/bench.Empty/Call", hot, 32));
    for (const client of [...ours, ...empty]) client.close();
    reportProfile(etype, kind, times, floor, count);
  }
  measured.end();
}

function reportProfile(etype, kind, times, floor, count) {
  const groups = byGroup(times, count);
  const floorGroups = byGroup(floor, count);
  const functions = times.slice(0, TOP).map(({ group, name, us }) => ({ group, name, us: us / count }));
  results.profiles.push({ etype, kind, groups, floorGroups, functions });
  say(`\netype ${etype}, ${kind}: where the time goes, µs a request     ours   empty`);
  for (const [group, us] of Object.entries(groups).sort((a, b) => b[1] - a[1]))
    say(
      `  ${group.padEnd(52)} ${us.toFixed(1).padStart(7)} ${(floorGroups[group] ?? 0).toFixed(1).padStart(7)}`,
    );
  for (const { name, us } of functions) say(`    ${us.toFixed(2).padStart(6)}  ${name}`);
}

function byGroup(times, count) {
  const groups = {};
  for (const { group, us } of times) groups[group] = (groups[group] ?? 0) + us / count;
  return groups;
}

async function timed(measured, clients, path, requests, inFlight) {
  const before = await measured.cpu();
  const began = performance.now();
  const size = await sendAll(clients, path, requests, inFlight);
  const seconds = (performance.now() - began) / 1000;
  return { cpu: ((await measured.cpu()) - before) / requests.length, seconds, size };
}

function report(etype, kind, shape, samples) {
  const us = median(samples.ours);
  const emptyUs = median(samples.empty);
  const ratio = median(samples.ours.map((cpu, i) => cpu / samples.empty[i]));
  const perSecond = Math.round(1e6 / us);
  const target = shape.connections === 1 ? TARGETS[kind] : undefined;
  results.overSockets.push({ etype, kind, shape: shape.name, us, emptyUs, ratio, target, perSecond });
  const cells = [us.toFixed(0), emptyUs.toFixed(0), ratio.toFixed(2)].map((cell) => cell.padStart(7));
  const goal = target === undefined ? "" : `${target} ${ratio <= target ? "reached" : "missed"}`;
  say(`  ${kind.padEnd(4)} ${shape.name.padEnd(33)} ${cells.join(" ")}  ${goal.padEnd(12)} ${perSecond}`);
}
