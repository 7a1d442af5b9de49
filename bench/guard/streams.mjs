// What the messages of guarded streams cost the server beyond those of bare ones, beside the cipher and the
// hash alone over the same bytes, in one run. `npm run bench:guard:streams`; options: --json, --quick,
// --profile.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { ticketInterceptor } from "../../dist/client/index.js";
import { SEND, TAKE } from "./method.mjs";
import { startProcess } from "./over-sockets.mjs";
import { profileText } from "./report.mjs";
import { credentialsOf, SERVICE } from "./ticket.mjs";
import { writeAll } from "./write-all.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    profile: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:guard:streams [-- --json] [--quick] [--profile "64 KiB out, integrity, session"]

Prints what the messages of a guarded stream cost the server (AES256_CTS_HMAC_SHA384_192), under the keys of a
one-shot call and of a session: those of 64 KiB beyond bare ones, as a ratio to hash, or cipher and hash, of as
many bytes; those of 64 bytes as a ratio to bare ones. "in" goes to the server, "out" comes from it. Processor
time, medians of alternating rounds. --quick takes fewer; --json prints the same for machines; --profile shows
instead where the server's time goes, guarded beside bare.`);
  process.exit(0);
}

const ROUNDS = values.quick ? 7 : 21;
/** Rounds before the first that counts: the server is warm after some thousand messages of each kind. */
const WARM_UP = 4;
const LARGE = 65_536;
const SMALL = 64;
const COUNTS = { [LARGE]: 500, [SMALL]: 4_000 };
const LABELS = { [LARGE]: "64 KiB", [SMALL]: "64 bytes" };
const PURE = ["sha256", "sha384", "encrypt", "decrypt"];
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);

const server = await startProcess("streams-server.mjs");
const credentials = credentialsOf(server.ready.issued);
const tickets = { serviceProof: async () => ({ credentials, clock: Date.now }) };
const clients = {
  bare: connect(server.ready.bare),
  ...Object.fromEntries(
    ["oneShot", "session"].flatMap((keys) =>
      ["integrity", "privacy"].map((protection) => [
        `${protection}, ${keys}`,
        connect(server.ready[keys], [
          ticketInterceptor(tickets, SERVICE, { protection, sessions: keys === "session" }),
        ]),
      ]),
    ),
  ),
};
const variants = [LARGE, SMALL].flatMap((size) =>
  ["in", "out"].flatMap((way) => Object.keys(clients).map((keys) => ({ size, way, keys }))),
);

if (values.profile === undefined) await measure();
else await profile(values.profile);
for (const client of Object.values(clients)) client.close();
server.end("end");

function connect(address, interceptors = []) {
  return new grpc.Client(address, grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    interceptors,
  });
}

function nameOf({ size, way, keys }) {
  return `${LABELS[size]} ${way}, ${keys}`;
}

async function cpu() {
  return (await server.ask("cpu")).cpu;
}

/** The server's CPU for a message of a stream of `count`, in microseconds. */
async function run({ size, way, keys }, count = COUNTS[size]) {
  const before = await cpu();
  await (way === "in" ? sendTo : takeFrom)(clients[keys], size, count);
  return ((await cpu()) - before) / count;
}

function sendTo(client, size, count) {
  return new Promise((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      TAKE.path,
      TAKE.requestSerialize,
      TAKE.responseDeserialize,
      (error) => (error ? reject(error) : resolve()),
    );
    writeAll(call, size, count);
  });
}

function takeFrom(client, size, count) {
  return new Promise((resolve, reject) => {
    const call = client.makeServerStreamRequest(
      SEND.path,
      SEND.requestSerialize,
      SEND.responseDeserialize,
      Buffer.from(JSON.stringify({ size, count })),
    );
    let taken = 0;
    call.on("data", () => taken++);
    call.on("error", reject);
    call.on("end", () => (taken === count ? resolve() : reject(new Error(`${taken} of ${count} came`))));
  });
}

async function measure() {
  const samples = Object.fromEntries(variants.map((variant) => [nameOf(variant), []]));
  const pure = Object.fromEntries(PURE.map((name) => [name, []]));
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    for (const name of PURE) {
      const { us } = await server.ask({ pure: name, size: LARGE, count: 100 });
      if (round >= 0) pure[name].push(us);
    }
    for (const variant of variants) {
      const us = await run(variant);
      if (round >= 0) samples[nameOf(variant)].push(us);
    }
  }
  progress("");
  const rows = variants.filter(({ keys }) => keys !== "bare").map((variant) => rowOf(variant, samples, pure));
  const results = {
    machine: `${cpus()[0].model}, ${cpus().length} processors, Node ${process.version}`,
    pureUs: Object.fromEntries(PURE.map((name) => [name, median(pure[name])])),
    rows,
  };
  if (values.json) console.log(JSON.stringify(results, undefined, 2));
  else print(results);
}

/** What a kind of message costs, against its target. */
function rowOf(variant, samples, pure) {
  const { size, way, keys } = variant;
  const name = nameOf(variant);
  const guarded = samples[name];
  const bare = samples[nameOf({ size, way, keys: "bare" })];
  const hash = pure[keys.endsWith("session") && keys.startsWith("integrity") ? "sha256" : "sha384"];
  const cipher = pure[way === "in" ? "decrypt" : "encrypt"];
  const needed = hash.map((us, i) => (keys.startsWith("privacy") ? us + cipher[i] : us));
  const ratios =
    size === LARGE
      ? guarded.map((us, i) => (us - bare[i]) / needed[i])
      : guarded.map((us, i) => us / bare[i]);
  const most = size === LARGE ? 2.5 : 1.3;
  const ratio = median(ratios);
  return {
    name,
    bareUs: median(bare),
    us: median(guarded),
    beyondBareUs: median(guarded.map((us, i) => us - bare[i])),
    ratio,
    to: size === LARGE ? (keys.startsWith("privacy") ? "cipher and hash" : "hash") : "bare",
    most,
    reached: ratio <= most,
  };
}

function print({ machine, pureUs, rows }) {
  const number = (value, digits = 1) => value.toFixed(digits).padStart(8);
  console.log(`Messages of streams, server CPU in µs, medians of ${ROUNDS} rounds. ${machine}`);
  console.log(
    `\n64 KiB alone: ${Object.entries(pureUs)
      .map(([name, us]) => `${name} ${us.toFixed(1)}`)
      .join(", ")}`,
  );
  console.log(`\n${"".padEnd(36)}    bare guarded  beyond   ratio`);
  for (const { name, bareUs, us, beyondBareUs, ratio, to, most, reached } of rows)
    console.log(
      `${name.padEnd(36)}${number(bareUs)}${number(us)}${number(beyondBareUs)}${number(ratio, 2)}` +
        `  to ${to.padEnd(15)} at most ${most}  ${reached ? "reached" : "missed"}`,
    );
}

async function profile(name) {
  const guarded = variants.find((variant) => nameOf(variant) === name);
  if (guarded === undefined)
    throw new Error(`--profile: expected one of\n${variants.map(nameOf).join("\n")}`);
  const count = 20 * COUNTS[guarded.size];
  const times = [];
  for (const keys of ["bare", guarded.keys]) {
    const variant = { ...guarded, keys };
    await run(variant, count / 2);
    await server.ask("profile");
    await run(variant, count);
    times.push((await server.ask("profiled")).times);
  }
  console.log(profileText(...times, "guarded", count, values.json));
}
