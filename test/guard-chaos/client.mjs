// Honest clients, a process of their own: `client.mjs KEY-FILE RESULTS CALLS SECONDS load|edges PORT...`.
// Each port is one channel. Under `load` it has several calls at a time, of all kinds; at the `edges` one at
// a time, with numbers that jump. A line of RESULTS for each call: how it ended, and its attempts.
import { createWriteStream } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { ClientSession } from "../../dist/client/guard/sessions.js";
import { ticketInterceptor } from "../../dist/client/index.js";
import { fromServiceError } from "../../dist/rpc/status.js";
import { sharedKey } from "../../dist/shared-key/shared-key.js";
import { ATTEMPT, METHODS, SERVICE, SERVICE_CONFIG } from "./methods.mjs";

const [keyFile, resultsFile, wanted, seconds, mode, ...ports] = process.argv.slice(2);
const WORKERS = 6;
const DEADLINE_MS = 60_000;
/** How often it tells how far it is, in milliseconds. */
const PROGRESS_MS = 5_000;
const KINDS = [
  ["plain", 60],
  ["retried", 12],
  ["watch", 6],
  ["chat", 6],
  ["hedged", 6],
  ["upload", 4],
  ["cancelled", 4],
  ["collect", 2],
];
/**
 * What is uploaded, in bytes: a byte less than a stream's window with its prefix of 5, as much, more, and
 * beyond.
 */
const UPLOADS = [20_000, 20_000, 20_000, 65_529, 65_530, 65_531, 90_000];
/** How far numbers jump at the window's edges: 1,024 missing numbers are waited for. */
const JUMPS = [0, 1, 1_022, 1_023, 1_024, 1_025, 5_000, 2 ** 40];

const results = createWriteStream(resultsFile);
const until = Date.now() + Number(seconds) * 1_000;
let begun = 0;
/** How far the numbers jumped last. */
let jump = 0;
/** How many calls have ended on each channel. */
const over = ports.map(() => 0);

/** At the edges a session's numbers jump from time to time. */
function letNumbersJump() {
  const jumped = new WeakMap();
  const takeNumber = ClientSession.prototype.takeNumber;
  ClientSession.prototype.takeNumber = function () {
    jump = oneOf(JUMPS);
    const far = (jumped.get(this) ?? 0) + jump;
    jumped.set(this, far);
    return takeNumber.call(this) + far;
  };
}

const oneOf = (list) => list[Math.floor(Math.random() * list.length)];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Has a call wait for a connection: one that never began tells nothing. */
function patient() {
  const metadata = new grpc.Metadata();
  metadata.setOptions({ waitForReady: true });
  return metadata;
}

/** Each kind of call: begins it, and gives how it ends. The answers name the attempt that they come from. */
const CALLS = {
  plain: (client, options) => unary(client, "plain", "text", options),
  retried: (client, options) => unary(client, "retried", Math.random() < 0.3 ? "fail" : "text", options),
  hedged: (client, options) => unary(client, "hedged", "text", options),
  upload: (client, options) => unary(client, "plain", "x".repeat(oneOf(UPLOADS)), options),
  cancelled: (client, options) =>
    unary(client, "slow", "text", options, (call) => setTimeout(() => call.cancel(), Math.random() * 40)),
  watch(client, options) {
    const { path, requestSerialize, responseDeserialize } = METHODS.watch;
    const metadata = patient();
    return readAll(
      client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, "text", metadata, options),
    );
  },
  collect(client, options) {
    return new Promise((resolve) => {
      const { path, requestSerialize, responseDeserialize } = METHODS.collect;
      const call = client.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        patient(),
        options,
        (error, answer) => resolve({ error, answers: [answer] }),
      );
      void slowly(call);
    });
  },
  chat: (client, options) => chat(client, options),
};
/** An upload that takes its time, beside calls that are over at once. */
async function slowly(call) {
  for (let i = 0; i < 5; i++) {
    call.write("x".repeat(500));
    await pause(Math.random() * 150);
  }
  call.end();
}

function unary(client, name, request, options, onCall = () => {}) {
  return new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = METHODS[name];
    const metadata = patient();
    const done = (error, answer) => resolve({ error, answers: [answer] });
    onCall(
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, done),
    );
  });
}

function chat(client, options) {
  const { path, requestSerialize, responseDeserialize } = METHODS.chat;
  const metadata = patient();
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
  for (let i = 0; i < 3; i++) call.write("text");
  call.end();
  return readAll(call);
}

function readAll(call) {
  return new Promise((resolve) => {
    const answers = [];
    call.on("data", (answer) => answers.push(answer));
    call.on("error", () => {});
    call.on("status", (status) => {
      const error = status.code === grpc.status.OK && answers.length === 3 ? null : status;
      resolve({ error, answers });
    });
  });
}

function pick() {
  let at = Math.random() * 100;
  for (const [kind, share] of KINDS) {
    at -= share;
    if (at < 0) return kind;
  }
  return "plain";
}

/** One call, from its beginning to its line among the results. */
async function call(client, channel, kind) {
  const id = `${mode}${begun++}`;
  const attempts = [];
  const naming = (_parameters, callback) => {
    const metadata = new grpc.Metadata();
    metadata.set(ATTEMPT, `${id}.${attempts.length}`);
    attempts.push(`${id}.${attempts.length}`);
    callback(null, metadata);
  };
  const began = Date.now();
  const overBefore = over[channel];
  jump = 0;
  const { error, answers } = await CALLS[kind](client, {
    credentials: grpc.credentials.createFromMetadataGenerator(naming),
    deadline: began + DEADLINE_MS,
  });
  const code = error ? grpc.status[error.code] : "OK";
  // An answer is of one attempt, and of this call.
  const isOwn = error !== null || (attempts.includes(answers[0]) && new Set(answers).size === 1);
  const result = {
    id,
    kind,
    door: Number(ports[channel]),
    began,
    ended: Date.now(),
    code,
    attempts: attempts.length,
    isOwn,
    /** How many others have ended on the channel meanwhile. */
    beside: over[channel]++ - overBefore,
    jump,
  };
  const answered = error ? { text: error.details, reason: reasonOf(error) } : { attempt: answers[0] };
  results.write(`${JSON.stringify({ ...result, ...answered })}\n`);
}

function reasonOf(error) {
  return fromServiceError(Object.assign(new Error(error.details), error)).reason;
}

async function work(client, channel) {
  while (begun < Number(wanted) && Date.now() < until) await call(client, channel, pick());
}

async function workAtTheEdges(client, channel) {
  while (begun < Number(wanted) && Date.now() < until) {
    await call(client, channel, "plain");
    await pause(5);
  }
}

const clients = ports.map((port, channel) => {
  const tickets = sharedKey(keyFile, { client: `client${channel % 3}` });
  return new grpc.Client(`localhost:${port}`, grpc.credentials.createInsecure(), {
    interceptors: [ticketInterceptor(tickets, SERVICE)],
    "grpc.service_config": SERVICE_CONFIG,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.initial_reconnect_backoff_ms": 20,
    "grpc.max_reconnect_backoff_ms": 200,
  });
});

setInterval(() => process.send?.(begun), PROGRESS_MS).unref();
if (mode === "edges") letNumbersJump();
const workers = mode === "edges" ? 1 : WORKERS;
const working = mode === "edges" ? workAtTheEdges : work;
await Promise.all(
  clients.flatMap((client, channel) => Array.from({ length: workers }, () => working(client, channel))),
);
for (const client of clients) client.close();
results.end(() => process.exit());
