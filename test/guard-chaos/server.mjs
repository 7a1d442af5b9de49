// One process of the service: `server.mjs KEY-FILE LOG`. It prints its port, and writes a line for each handler
// that runs, each refusal and each answer to a replay, at once: it will be killed.
import { openSync, writeSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { fromServiceError } from "../../dist/rpc/status.js";
import { guard, sharedKey } from "../../dist/services/index.js";
import { ATTEMPT, METHODS, REPLAYER } from "./methods.mjs";

const [keyFile, logFile] = process.argv.slice(2);
const log = openSync(logFile, "a");
const write = (...words) => writeSync(log, `${words.join(" ")}\n`);

const attemptOf = (metadata) => String(metadata.get(ATTEMPT)[0]);
const isReplay = (peer) => peer.startsWith(`${REPLAYER}:`);

/** Writes that an attempt runs, and whose it is. Gives its name, which is the answer. */
function run(call) {
  const attempt = attemptOf(call.metadata);
  write(isReplay(call.getPeer()) ? "replayed" : "ran", attempt, process.pid);
  return attempt;
}

/** Writes how replays end, and which of the clients' own calls are refused; it stands before the guard. */
const refusals = (_method, call) => {
  const isOwn = !isReplay(call.getPeer());
  let attempt = "none";
  return new grpc.ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          attempt = attemptOf(metadata);
          pass(metadata);
        },
      }),
    sendStatus: (status, pass) => {
      const { reason } = fromServiceError(Object.assign(new Error(status.details), status));
      if (!isOwn) write("answered", attempt, reason ?? grpc.status[status.code]);
      else if (reason !== undefined) write("refused", attempt, reason);
      pass(status);
    },
  });
};

const later = (ms, action) => setTimeout(action, Math.random() * ms);

const handlers = {
  plain: (call, answer) => answer(null, run(call)),
  retried(call, answer) {
    const attempt = run(call);
    const isFirst = call.metadata.get("grpc-previous-rpc-attempts").length === 0;
    if (call.request !== "fail" || !isFirst) answer(null, attempt);
    else answer({ code: grpc.status.UNAVAILABLE, details: "not yet" });
  },
  hedged(call, answer) {
    const attempt = run(call);
    later(30, () => answer(null, attempt));
  },
  slow(call, answer) {
    const attempt = run(call);
    later(100, () => answer(null, attempt));
  },
  watch(call) {
    const attempt = run(call);
    for (let i = 0; i < 3; i++) call.write(attempt);
    call.end();
  },
  collect(call, answer) {
    const attempt = run(call);
    call.on("data", () => {}).on("end", () => answer(null, attempt));
  },
  chat(call) {
    const attempt = run(call);
    call.on("data", () => call.write(attempt)).on("end", () => call.end());
  },
};

const guarded = guard({
  keytab: sharedKey(keyFile),
  idempotent: ["chaos.v1.ChaosService/Hedged"],
});
const server = new grpc.Server({
  interceptors: [refusals, guarded],
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
