// What attacks cost AS, TGS, V and a guarded service, and how honest clients fare meanwhile:
// `npm run bench:abuse`; options: --quick, --json, --only "rapid reset", --target AS.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ATTACKS, SIZES } from "./attacks.mjs";
import { callersOf } from "./callers.mjs";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    json: { type: "boolean" },
    only: { type: "string" },
    target: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:abuse [-- --quick] [--json] [--only ATTACK] [--target AS|TGS|V|guarded]

Attacks each server with raw HTTP/2, one attack after the other, while an honest client calls it twenty times a
second. Prints the most memory that each took beyond what was in use before, and how the honest client fared.
--quick sends a tenth of it; --json prints the same for machines. Exit code 1: a target is missed.`);
  process.exit(0);
}
const ETYPE = 20;
const MIB = 1024 * 1024;
const MOST = { mib: 50, p99: 250, served: 1 };
/** How long an attack is watched at least, in milliseconds. */
const WATCH_MS = values.quick ? 1_500 : 4_000;
const SCALE = values.quick ? 0.1 : 1;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text) => values.json || console.log(text);
const quantile = (list, part) =>
  list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];

function start(name, args, execArgv = []) {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return fork(path, args, { serialization: "advanced", execArgv });
}
const answerOf = (child) => new Promise((resolve) => child.once("message", resolve));
const ask = (child, message) => {
  child.send(message);
  return answerOf(child);
};

const isGood = ({ mib, served, p99 }) => mib <= MOST.mib && served >= MOST.served && p99 <= MOST.p99;

const servers = start("servers.mjs", [String(ETYPE)], ["--expose-gc"]);
const ready = await answerOf(servers);
const callers = await callersOf(ready, ETYPE);
const honest = start("honest.mjs", [JSON.stringify(ready), String(ETYPE)]);
await answerOf(honest);
const results = [];
// A server that has served for a while: V8 has compiled what it runs, and has its heap.
for (const { call } of Object.values(callers))
  for (let round = 0; round < (values.quick ? 10 : 40); round++)
    await Promise.all(Array.from({ length: 50 }, call));
say("target    attack                              MiB   honest served   p99 ms   connections left");
for (const target of Object.keys(callers)) {
  if (values.target !== undefined && values.target !== target) continue;
  await ask(honest, target);
  await wait(1_000);
  for (const attack of Object.keys(ATTACKS))
    if (values.only === undefined || values.only === attack) results.push(await round(target, attack));
}
if (values.json) console.log(JSON.stringify(results, undefined, 2));
const worst = (of) => Math.max(...results.map(of));
say(`\n  most memory, MiB: ${worst(({ mib }) => mib).toFixed(1)} (target <= ${MOST.mib})`);
say(
  `  honest calls served, %: ${(100 * Math.min(...results.map(({ served }) => served))).toFixed(1)} (target 100)`,
);
say(`  their p99, ms: ${worst(({ p99 }) => p99).toFixed(0)} (target <= ${MOST.p99})`);
process.exit(results.every(isGood) ? 0 : 1);

async function round(target, attack) {
  const { path, request: make } = callers[target];
  // Made before: to make them would take the processor from those who are measured.
  const requests = Array.from({ length: 1_000 }, make);
  let next = 0;
  const request = () => requests[next++ % requests.length];
  await wait(500);
  const port = Number(ready[target].split(":")[1]);
  const before = (await ask(servers, "settle")).rss;
  await ask(honest, "report");
  let most = before;
  let isOver = false;
  const watch = (async () => {
    while (!isOver) {
      most = Math.max(most, (await ask(servers, "rss")).rss);
      await wait(50);
    }
  })();
  const began = performance.now();
  const attackers = await ATTACKS[attack](
    { port, host: "127.0.0.2", path, request },
    Math.max(64, SIZES[attack] * SCALE),
  );
  await wait(Math.max(500, WATCH_MS - (performance.now() - began)));
  isOver = true;
  await watch;
  const { took, failures } = await ask(honest, "report");
  const left = attackers.filter(({ isClosed }) => !isClosed).length;
  for (const attacker of attackers) attacker.destroy();
  await wait(500);
  const served = took.filter(Number.isFinite).length / took.length;
  const result = {
    target,
    attack,
    mib: (most - before) / MIB,
    served,
    p99: quantile(took, 0.99),
    left,
    failures,
  };
  say(
    `${target.padEnd(9)} ${attack.padEnd(33)} ${result.mib.toFixed(1).padStart(6)}   ` +
      `${(served * 100).toFixed(1).padStart(12)} % ${result.p99.toFixed(0).padStart(8)}   ${left} of ${attackers.length}` +
      (isGood(result) ? "" : `  missed ${JSON.stringify(failures)}`),
  );
  return result;
}
