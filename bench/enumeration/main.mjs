// Whether the AS's time tells which names exist: Welch's t over samples of each class, asked for at random,
// the top tenth cut. `npm run bench:enumeration`; options: --json, --quick, --in-process, --samples N,
// --database.
import { parseArgs } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { makeAsReq } from "../../dist/protocol/as-exchange.js";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { randomKey } from "../../dist/protocol/keys.js";
import { bytesOf, inProcess, overSockets } from "./asked.mjs";
import { activeKeyOf, CLASSES, PLANTED_US, principalOf } from "./names.mjs";
import { mean, welch, withoutTop } from "./statistics.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    "in-process": { type: "boolean" },
    samples: { type: "string" },
    database: { type: "string", default: "" },
    help: { type: "boolean" },
  },
});
const LIMIT = 5;
if (values.help) {
  console.log(`Use: npm run bench:enumeration [-- --json] [--quick] [--in-process] [--samples N] [--database URL]

Prints how long a client of the AS waits for its answer, by what the name is, and Welch's t against unknown
names: below ${LIMIT} nothing is told. Fails where it is not, and where the ${PLANTED_US} µs planted in the class
"control" are not found: then the run does not count. --quick takes 3,000 samples of each class, not 20,000;
--in-process asks without sockets, on a machine that is busy or to see smaller differences. --database keeps the
principals in a PostgreSQL database that has no realm.`);
  process.exit(0);
}
const SAMPLES = Number(values.samples ?? (values.quick ? 3_000 : 20_000));
const WARM_UP = 3_000;
/** Names of each class in steady state. */
const STEADY = 20;

const say = (text) => values.json || console.log(text);
const names = Object.keys(CLASSES);
const results = [];
const open = values["in-process"] ? inProcess : overSockets;

// Each name is asked for once: nothing can be known of it but what the database says.
await part("first contact, no proof", SAMPLES, "plenty", (name, sample) => ({ name, index: sample }));
const again = (name, sample) => ({ name, index: sample % STEADY, proof: true });
await part("steady state, wrong proof", STEADY, "plenty", again);
await part("steady state, told to wait", STEADY, "default", again);
if (values.json) console.log(JSON.stringify(results, undefined, 2));
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;

async function part(title, principals, limits, sampleOf) {
  const as = await open(principals, limits, values.database);
  const key = randomKey(etypeOf(20));
  const ask = async ({ name, index, proof }) => {
    const wish = { etypes: [20, 19] };
    const request = bytesOf(makeAsReq(principalOf(name, index), wish, proof ? key : undefined, Date.now()));
    const began = process.hrtime.bigint();
    const code = await as.ask(request);
    return { us: Number(process.hrtime.bigint() - began) / 1000, code };
  };
  for (let i = 0; i < principals; i++) {
    const name = principalOf("active", i);
    const code = await as.ask(bytesOf(makeAsReq(name, { etypes: [20] }, activeKeyOf(name), Date.now())));
    if (code !== grpc.status.OK) throw new Error(`${name} could not log in: ${grpc.status[code]}`);
  }
  // Names of no class: the server warms up, and where it is to tell to wait, it comes to that.
  for (let i = 0; i < WARM_UP; i++) await ask({ name: "warm", index: i, proof: i % 2 === 0 });
  const times = Object.fromEntries(names.map((name) => [name, []]));
  const codes = new Set();
  for (const { name, sample } of shuffled()) {
    const { us, code } = await ask(sampleOf(name, sample));
    times[name].push(us);
    codes.add(grpc.status[code]);
  }
  await as.close();
  report(title, times, [...codes]);
}

/** Every sample of every class, in no order. */
function shuffled() {
  const all = names.flatMap((name) => Array.from({ length: SAMPLES }, (_, sample) => ({ name, sample })));
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

function report(title, times, codes) {
  const cut = Object.fromEntries(names.map((name) => [name, withoutTop(times[name])]));
  const classes = names.map((name) => ({
    name,
    us: mean(cut[name]),
    medianUs: cut[name][Math.floor(times[name].length / 2)],
    t: name === "unknown" ? undefined : welch(cut[name], cut.unknown),
  }));
  const isFound = classes.some(({ name, t }) => name === "control" && t >= LIMIT);
  const isEven = classes.every(({ name, t }) => name === "control" || t === undefined || Math.abs(t) < LIMIT);
  results.push({ title, samples: SAMPLES, codes, classes, counts: isFound, passed: isFound && isEven });
  say(`\n${title} (${codes.join(", ")}): ${SAMPLES} samples a class`);
  say(`  ${"".padEnd(10)} mean of 90 %      median         t`);
  for (const { name, us, medianUs, t } of classes) {
    const cells = [`${us.toFixed(2)} µs`, `${medianUs.toFixed(2)} µs`, t?.toFixed(1) ?? ""];
    say(`  ${name.padEnd(10)} ${cells.map((cell, i) => cell.padStart(i === 2 ? 9 : 12)).join(" ")}`);
  }
  if (!isFound) say(`  the ${PLANTED_US} µs planted in "control" were not found: the run does not count`);
  else say(isEven ? "  nothing is told" : `  names are told apart: |t| is ${LIMIT} or more`);
}
