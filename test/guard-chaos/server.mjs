// One process of the service: `server.mjs KEY-FILE LOG`. It prints its port, and writes a line for each
// handler that runs, at once and before it answers: it will be killed.
import { openSync, writeSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { fromServiceError } from "../../dist/rpc/status.js";
import { guard } from "../../dist/services/guard/interceptor.js";
import { sharedKey } from "../../dist/shared-key/shared-key.js";
import { attemptOf, proofIn } from "./attempt.mjs";
import { ATTEMPT, METHODS, REPLAYER } from "./methods.mjs";

/** How often the answers to replays are written down, in milliseconds. */
const COUNTED_MS = 200;

const [keyFile, logFile] = process.argv.slice(2);
const log = openSync(logFile, "a");
const write = (...words) => writeSync(log, `${words.join("\t")}\n`);
const key = sharedKey(keyFile);

const isReplay = (peer) => peer.startsWith(`${REPLAYER}:`);

/** The proofs of the calls that have not ended, by the names that the clients give them. */
const proofs = new Map();
/** Proofs that this process has refused, as they travelled. */
const refused = new Set();
/** How replays ended, since that was written down the last time. */
const answers = new Map();

/** Writes that an attempt runs, and how it came. Gives its name, which is the answer. */
function run(method, call) {
  const peer = call.getPeer();
  const [name] = call.metadata.get(ATTEMPT);
  const proof = proofs.get(`${peer} ${name}`);
  const { attempt, repeats = "-" } = attemptOf(proof, key.serviceKeys());
  const isRefused = refused.has(proof.bytes.toString("latin1"));
  const [previous = 0] = call.metadata.get("grpc-previous-rpc-attempts");
  write("ran", name, method, attempt, repeats, peer, isReplay(peer), isRefused, previous, Date.now());
  return name;
}

/** The reason of a refusal, which is read once for each text; undefined for any other status. */
const reasons = new Map();
function reasonOf(status) {
  const { code, details } = status;
  if (code === grpc.status.OK) return undefined;
  if (!reasons.has(details))
    reasons.set(details, fromServiceError(Object.assign(new Error(details), status)).reason);
  return reasons.get(details);
}

/** Sees each call before the guard does: its proof as it came, and how it ends. */
const watching = (_method, call) => {
  const peer = call.getPeer();
  let proof;
  let name;
  return new grpc.ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          proof = proofIn(metadata);
          name = `${peer} ${metadata.get(ATTEMPT)[0]}`;
          proofs.set(name, proof);
          pass(metadata);
        },
        onCancel: () => proofs.delete(name),
      }),
    sendStatus: (status, pass) => {
      const reason = reasonOf(status);
      if (reason !== undefined && proof?.bytes !== undefined) refused.add(proof.bytes.toString("latin1"));
      if (isReplay(peer)) {
        const ended = reason ?? grpc.status[status.code];
        answers.set(ended, (answers.get(ended) ?? 0) + 1);
      }
      pass(status);
    },
  });
};

setInterval(() => {
  if (answers.size > 0) write("answered", JSON.stringify(Object.fromEntries(answers)));
  answers.clear();
}, COUNTED_MS).unref();

const later = (ms, action) => setTimeout(action, Math.random() * ms);

const handlers = {
  plain: (call, answer) => answer(null, run("Plain", call)),
  retried(call, answer) {
    const attempt = run("Retried", call);
    const isFirst = call.metadata.get("grpc-previous-rpc-attempts").length === 0;
    if (call.request !== "fail" || !isFirst) answer(null, attempt);
    else answer({ code: grpc.status.UNAVAILABLE, details: "not yet" });
  },
  hedged(call, answer) {
    const attempt = run("Hedged", call);
    later(30, () => answer(null, attempt));
  },
  slow(call, answer) {
    const attempt = run("Slow", call);
    later(100, () => answer(null, attempt));
  },
  watch(call) {
    const attempt = run("Watch", call);
    for (let i = 0; i < 3; i++) call.write(attempt);
    call.end();
  },
  collect(call, answer) {
    const attempt = run("Collect", call);
    call.on("data", () => {}).on("end", () => answer(null, attempt));
  },
  chat(call) {
    const attempt = run("Chat", call);
    call.on("data", () => call.write(attempt)).on("end", () => call.end());
  },
};

const guarded = guard({ keytab: key, idempotent: ["chaos.v1.ChaosService/Hedged"] });
const server = new grpc.Server({
  interceptors: [watching, guarded],
  "grpc.max_connection_age_ms": 3_000,
  "grpc.max_connection_age_grace_ms": 5_000,
});
server.addService(METHODS, handlers);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
// It ends with whoever started it.
process.stdin.resume().on("end", () => process.exit());
