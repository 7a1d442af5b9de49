// What a guarded call costs the server with many active clients, beside the same with few: one shot and under
// sessions, in process and over a socket. `npm run bench:guard:clients`; options: --json, --quick,
// --clients 20000.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { AP_REP_METADATA, AP_REQ_METADATA, CALL_METADATA } from "../../dist/rpc/metadata-names.js";
import { BenchClient, REQUEST } from "./many-clients.mjs";
import { CALL } from "./method.mjs";
import { startProcess } from "./over-sockets.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    clients: { type: "string", default: "20000" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:guard:clients [-- --json] [--quick] [--clients 20000]

Prints what a guarded unary call costs the server (AES256_CTS_HMAC_SHA384_192, authenticate, 256 bytes each way)
where 100 clients take turns, and where 20,000 do, each with a ticket and a session of its own: in process, from
the bytes of the proof to those of the answer, and over a socket, beyond a bare call. Processor time, medians of
alternating rounds. --quick takes fewer; --json prints the same for machines.`);
  process.exit(0);
}

const FEW = 100;
const MANY = Number(values.clients);
const ROUNDS = values.quick ? 9 : 31;
const WARM_UP = 5;
const CALLS = 1_000;
const IN_FLIGHT = 32;
/** From one client to the next: a prime, so that all have their turn. */
const STRIDE = 7_919;
const MOST = 1.3;
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const progress = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);

const server = await startProcess("clients-server.mjs", [String(FEW), String(MANY)]);
const { addresses, bare, issued } = server.ready;
const connect = (address) =>
  new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
const bareClient = connect(bare);

/** Those that call one guard: clients in process, and others over a socket. */
class Crowd {
  #guard;
  #inProcess;
  #overSocket;
  #channel;
  #turns = { inProcess: 0, overSocket: 0 };

  constructor(count) {
    this.#guard = count;
    this.#inProcess = issued.slice(0, count).map((ticket) => new BenchClient(ticket));
    this.#overSocket = issued.slice(0, count).map((ticket) => new BenchClient(ticket));
    this.#channel = connect(addresses[count]);
  }

  /** Has each client make a session, and the first call under it, which costs more than the others. */
  async begin() {
    const inProcess = async (apReq) => {
      const { apReps } = await server.ask({
        guard: this.#guard,
        calls: [{ apReq: apReq.toString("base64") }],
      });
      return Buffer.from(apReps[0], "base64");
    };
    for (const client of this.#inProcess) await client.begin(inProcess);
    await spread(this.#overSocket, (client) => client.begin((apReq) => this.#exchange(apReq)));
    for (let called = 0; called < this.#guard; called += CALLS) {
      await this.inProcess("sessionCall");
      await this.overSocket("sessionCall");
    }
  }

  /** The server's CPU for a call in process. @param kind `apReq` or `sessionCall`. */
  async inProcess(kind) {
    const field = kind === "apReq" ? "apReq" : "session";
    const calls = this.#next("inProcess", this.#inProcess).map((client) => ({
      [field]: client[kind]().toString("base64"),
    }));
    return (await server.ask({ guard: this.#guard, calls })).us;
  }

  /** The server's CPU for a call over the socket. */
  async overSocket(kind) {
    const name = kind === "apReq" ? AP_REQ_METADATA : CALL_METADATA;
    const headers = this.#next("overSocket", this.#overSocket).map((client) =>
      metadataOf(name, client[kind]()),
    );
    return cpuOf(this.#channel, headers);
  }

  close() {
    this.#channel.close();
  }

  /** The clients of the next calls: all take turns, in no order that a cache could make use of. */
  #next(where, clients) {
    return Array.from({ length: CALLS }, () => clients[(this.#turns[where]++ * STRIDE) % clients.length]);
  }

  #exchange(apReq) {
    return new Promise((resolve, reject) => {
      const call = unary(
        this.#channel,
        metadataOf(AP_REQ_METADATA, apReq),
        (error) => error && reject(error),
      );
      call.on("metadata", (metadata) => resolve(metadata.get(AP_REP_METADATA)[0]));
    });
  }
}

function metadataOf(name, value) {
  const metadata = new grpc.Metadata();
  metadata.set(name, value);
  return metadata;
}

function unary(channel, metadata, callback) {
  const { path, requestSerialize, responseDeserialize } = CALL;
  return channel.makeUnaryRequest(path, requestSerialize, responseDeserialize, REQUEST, metadata, callback);
}

async function cpuOf(channel, headers) {
  const before = (await server.ask("cpu")).cpu;
  await spread(
    headers,
    (metadata) =>
      new Promise((resolve, reject) =>
        unary(channel, metadata, (error) => (error ? reject(error) : resolve())),
      ),
  );
  return ((await server.ask("cpu")).cpu - before) / headers.length;
}

/** Does something with each item, with many in flight. */
async function spread(items, work) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++]);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

progress(`${MANY} clients make their sessions`);
const crowds = { few: new Crowd(FEW), many: new Crowd(MANY) };
for (const crowd of Object.values(crowds)) await crowd.begin();
const KINDS = { "one shot": "apReq", session: "sessionCall" };
const none = Array.from({ length: CALLS }, () => new grpc.Metadata());
const samples = Object.fromEntries(
  Object.keys(KINDS).map((kind) => [
    kind,
    { inProcess: { few: [], many: [] }, overSocket: { few: [], many: [] } },
  ]),
);
const bares = [];
for (let round = -WARM_UP; round < ROUNDS; round++) {
  progress(`round ${round + 1} of ${ROUNDS}`);
  const floor = await cpuOf(bareClient, none);
  if (round >= 0) bares.push(floor);
  for (const [kind, proof] of Object.entries(KINDS))
    for (const [size, crowd] of Object.entries(crowds))
      for (const where of ["inProcess", "overSocket"]) {
        const us = await crowd[where](proof);
        if (round >= 0) samples[kind][where][size].push(where === "overSocket" ? us - floor : us);
      }
}
progress("");
for (const crowd of Object.values(crowds)) crowd.close();
bareClient.close();
server.end("end");

const rows = Object.entries(samples).flatMap(([kind, places]) =>
  Object.entries(places).map(([where, { few, many }]) => {
    const ratio = median(many) / median(few);
    return { kind, where, fewUs: median(few), manyUs: median(many), ratio, reached: ratio <= MOST };
  }),
);
if (values.json) console.log(JSON.stringify({ clients: MANY, bareUs: median(bares), rows }, undefined, 2));
else {
  console.log(
    `A guarded call, server CPU in µs, medians of ${ROUNDS} rounds. ${cpus()[0].model}, Node ${process.version}`,
  );
  console.log(`A bare call takes ${median(bares).toFixed(1)}.\n`);
  console.log(`${"".padEnd(36)}${`${FEW}`.padStart(9)}${`${MANY}`.padStart(9)}    ratio  at most ${MOST}`);
  const PLACES = { inProcess: "in process", overSocket: "over a socket, beyond bare" };
  for (const { kind, where, fewUs, manyUs, ratio, reached } of rows)
    console.log(
      `${`${kind}, ${PLACES[where]}`.padEnd(36)}${fewUs.toFixed(1).padStart(9)}${manyUs.toFixed(1).padStart(9)}` +
        `${ratio.toFixed(2).padStart(9)}  ${reached ? "reached" : "missed"}`,
    );
}
