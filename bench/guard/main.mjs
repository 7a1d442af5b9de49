// The speed of the guard: the server's CPU for a guarded unary call beyond the same call unguarded, beside
// other libraries' verification of bearer tokens, and throughput beside bare calls, all in one run. `npm run
// bench:guard`; options: --json, --quick, --profile, --size 256.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { startProcess, startServer } from "./over-sockets.mjs";
import { printResults, profileText } from "./report.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    profile: { type: "boolean" },
    size: { type: "string", default: "256" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:guard [-- --json] [--quick] [--profile] [--size 256]

Prints what a guarded unary call costs the server beyond the same call unguarded (AES256_CTS_HMAC_SHA384_192,
mutual authentication, replay cache in memory, a ticket seen before), as ratios to the verification of bearer
tokens by jose, fast-jwt and jsonwebtoken, and the throughput beside bare calls. Everything is processor time
in microseconds, medians of alternating rounds. --quick takes fewer samples; --size sets the size of request
and response in bytes; --json prints the same for machines; --profile instead shows where the server's time
goes, guarded beside bare.`);
  process.exit(0);
}
/**
 * Many short rounds: the machine's other work changes within seconds, and should affect all variants alike.
 */
const ROUNDS = values.quick ? 15 : 45;
const CALLS = 500;
/** Rounds before the first that counts: the servers are warm after about ten thousand calls. */
const WARM_UP = values.quick ? 10 : 25;
const PROFILED_CALLS = values.quick ? 5_000 : 15_000;
const SIZE = Number(values.size);
const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const server = await startServer(SIZE);
const request = Buffer.alloc(SIZE, 7);
if (values.profile) await profile();
else await measure();
server.end();

async function measure() {
  const inProcess = await startProcess("in-process.mjs");
  const sockets = Object.fromEntries(server.names.map((name) => [name, []]));
  const operations = Object.fromEntries(inProcess.ready.names.map((name) => [name, []]));
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    for (const name of server.names) {
      const sample = await server.run(name, CALLS, request);
      if (round >= 0) sockets[name].push(sample);
    }
    for (const name of inProcess.ready.names) {
      const { us } = await inProcess.ask({ run: name, count: CALLS / 2 });
      if (round >= 0) operations[name].push(us);
    }
  }
  progress("");
  inProcess.end({ run: "end" });
  report(sockets, operations);
}

function report(sockets, operations) {
  const of = (name, what) => median(sockets[name].map((sample) => sample[what]));
  const beyond = (name) => median(sockets[name].map(({ server: cpu }, i) => cpu - sockets.bare[i].server));
  const us = Object.fromEntries(Object.entries(operations).map(([name, list]) => [name, median(list)]));
  const guarded = beyond("ready");
  const inside = us["guard, ticket seen before"];
  const peers = Object.keys(us).filter((name) => !name.startsWith("guard"));
  const results = {
    machine: `${cpus()[0].model}, ${cpus().length} processors, Node ${process.version}`,
    size: SIZE,
    overSockets: Object.fromEntries(
      server.names.map((name) => [
        name,
        { serverUs: of(name, "server"), clientUs: of(name, "client"), wallUs: of(name, "wall") },
      ]),
    ),
    beyondBareUs: { guarded, withInterceptor: beyond("guarded"), bearer: beyond("bearer") },
    inProcessUs: us,
    ratios: peers.map((peer) => ({
      peer,
      us: us[peer],
      overSockets: guarded / us[peer],
      inProcess: inside / us[peer],
    })),
    throughput: {
      byServerCpu: median(sockets.ready.map(({ server: cpu }, i) => sockets.bare[i].server / cpu)),
      byWall: median(sockets.guarded.map(({ wall }, i) => sockets.bare[i].wall / wall)),
    },
  };
  const ratioTo = (peer) => results.ratios.find((row) => row.peer === peer).overSockets;
  results.targets = [
    atMost("cost beyond a bare call / jose HS256", ratioTo("jose HS256"), 1),
    atMost("cost beyond a bare call / jose ES256", ratioTo("jose ES256"), 0.5),
    atMost("cost beyond a bare call / jose RS256", ratioTo("jose RS256"), 0.5),
    atLeast("throughput / bare, limited by the server", results.throughput.byServerCpu, 0.85),
  ];
  if (values.json) console.log(JSON.stringify(results, undefined, 2));
  else printResults(results);
}

function atMost(what, measured, most) {
  return { what, measured, target: `at most ${most}`, reached: measured <= most };
}

function atLeast(what, measured, least) {
  return { what, measured, target: `at least ${least}`, reached: measured >= least };
}

async function profile() {
  const count = PROFILED_CALLS;
  const times = {};
  for (const name of ["bare", "ready"]) {
    await server.run(name, count / 2, request);
    times[name] = await server.profile(() => server.run(name, count, request));
  }
  console.log(profileText(times, count, values.json));
}
