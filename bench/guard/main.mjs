// The speed of the guard: the server's CPU for a guarded unary call beyond the same call unguarded, one shot
// and under a session, beside other libraries' verification of bearer tokens, and throughput beside bare
// calls, all in one run. `npm run bench:guard`; options: --json, --quick, --profile session, --size 256.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { figuresOf } from "./figures.mjs";
import { startProcess, startServer } from "./over-sockets.mjs";
import { printResults, profileText } from "./report.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    profile: { type: "string" },
    size: { type: "string", default: "256" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:guard [-- --json] [--quick] [--profile session] [--size 256]

Prints what a guarded unary call costs the server beyond the same call unguarded (AES256_CTS_HMAC_SHA384_192,
authenticate): one shot (a ticket seen before, replay cache in memory) and under a session. Beside it: a
header and a trailer that nobody reads, the verification of bearer tokens by jose, fast-jwt and jsonwebtoken,
and the throughput of bare calls, under grpc-js's client and under a raw HTTP/2 client that saturates the
server. Processor time in microseconds, medians of alternating rounds. --quick takes fewer samples; --size
sets the size of request and response in bytes; --json prints the same for machines; --profile instead shows
where the server's time goes in one variant (session, ready, headers, ...) beside bare.`);
  process.exit(0);
}
/**
 * Many short rounds: the machine's other work changes within seconds, and should affect all variants alike.
 */
const ROUNDS = values.quick ? 15 : 45;
const CALLS = 500;
const SATURATED_CALLS = 1000;
/** Rounds before the first that counts: the servers are warm after about ten thousand calls. */
const WARM_UP = values.quick ? 10 : 25;
const PROFILED_CALLS = values.quick ? 5_000 : 15_000;
const SIZE = Number(values.size);
const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);

const server = await startServer(SIZE);
const request = Buffer.alloc(SIZE, 7);
if (values.profile !== undefined) await profile(values.profile);
else await measure();
server.end();

async function measure() {
  const inProcess = await startProcess("in-process.mjs");
  const raw = await startProcess("saturate.mjs");
  const started = await raw.ask({ start: server.ready, size: SIZE });
  const samples = {
    sockets: samplesOf(server.names),
    inProcess: samplesOf(inProcess.ready.names),
    saturated: samplesOf(started.names),
  };
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    const take = (kind, name, sample) => round >= 0 && samples[kind][name].push(sample);
    for (const name of server.names) take("sockets", name, await server.run(name, CALLS, request));
    for (const name of inProcess.ready.names)
      take("inProcess", name, (await inProcess.ask({ run: name, count: CALLS / 2 })).us);
    for (const name of started.names) take("saturated", name, await saturate(raw, name));
  }
  progress("");
  inProcess.end({ run: "end" });
  raw.end("end");
  const results = {
    machine: `${cpus()[0].model}, ${cpus().length} processors, Node ${process.version}`,
    size: SIZE,
    ...figuresOf(samples, started.proofSize),
  };
  if (values.json) console.log(JSON.stringify(results, undefined, 2));
  else printResults(results);
}

function samplesOf(names) {
  return Object.fromEntries(names.map((name) => [name, []]));
}

/** The server's CPU, the client's and the wall time per call, in microseconds. */
async function saturate(raw, name) {
  const before = await server.cpu();
  const { client, wall } = await raw.ask({ run: name, count: SATURATED_CALLS });
  return { server: ((await server.cpu()) - before) / SATURATED_CALLS, client, wall };
}

async function profile(variant) {
  const count = PROFILED_CALLS;
  const times = {};
  for (const name of ["bare", variant]) {
    await server.run(name, count / 2, request);
    times[name] = await server.profile(() => server.run(name, count, request));
  }
  console.log(profileText(times.bare, times[variant], variant, count, values.json));
}
