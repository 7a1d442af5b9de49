// The measured server of bench/guard/clients.mjs, a process of its own: for each number of clients a guard of
// its own, with a grpc-js server before it and without one. It answers `cpu` with the CPU time that it has
// used, and `{ guard, calls }` with that of admitting and answering these calls in process, in microseconds.
import * as grpc from "@grpc/grpc-js";
import { sha256 } from "../../dist/crypto/hash.js";
import { parsePrincipal } from "../../dist/protocol/principal.js";
import { readGuardOptions } from "../../dist/services/guard/config.js";
import { readProof } from "../../dist/services/guard/proof.js";
import { guard } from "../../dist/services/index.js";
import { MemoryReplayCache } from "../../dist/store/replay/memory-replay-cache.js";
import { HOST, REQUEST } from "./many-clients.mjs";
import { CALL } from "./method.mjs";
import { issue, makeServiceKeys } from "./ticket.mjs";

const principal = (name) => parsePrincipal(`${name}@BENCH.EXAMPLE`, "client");
const counts = process.argv.slice(2).map(Number);
const serviceKeys = makeServiceKeys();
const RESPONSE = Buffer.alloc(256, 7);
const OK = { code: grpc.status.OK, message: "", details: new Uint8Array() };
const PEER = { peerAddress: "127.0.0.1" };

function options() {
  const replayCache = new MemoryReplayCache({ skew: 300_000, startedAt: Date.now(), restart: "fresh" });
  return { keytab: () => serviceKeys, replayCache, sessions: true };
}

/** Admits and answers a call as the guard does, from the bytes of its proof to those of its answer. */
class InProcess {
  #options = options();
  #gate = readGuardOptions(this.#options).gate;

  async call({ apReq, session }) {
    const now = Date.now();
    const proof = readProof(apReq ? [apReq] : [], session ? [session] : []);
    const looked = this.#gate.look(proof, serviceKeys, PEER, now);
    const { path: method, requestStream, responseStream } = CALL;
    const call = { method, authority: HOST, requestStream, responseStream, requestSha256: sha256(REQUEST) };
    const { replays, refusal, messages } = this.#gate.admit(looked, serviceKeys, call, PEER, now);
    if (refusal !== undefined) throw refusal;
    for (const { tag, ctime, expiry } of replays)
      await this.#options.replayCache.store(tag, ctime, expiry, now);
    messages.open(REQUEST);
    const apRep = messages.answer();
    messages.protect(RESPONSE);
    messages.close(OK);
    messages.wipe();
    return apRep;
  }
}

async function listen(interceptors) {
  const server = new grpc.Server({ interceptors });
  server.addService({ call: CALL }, { call: (_call, callback) => callback(null, RESPONSE) });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return `127.0.0.1:${port}`;
}

function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const inProcess = Object.fromEntries(counts.map((count) => [count, new InProcess()]));
const bytesOf = (base64) => base64 && Buffer.from(base64, "base64");

process.on("disconnect", () => process.exit(0));
process.on("message", async (message) => {
  if (message === "cpu") process.send({ cpu: cpu() });
  else if (message === "end") process.exit(0);
  else {
    const calls = message.calls.map(({ apReq, session }) => ({
      apReq: bytesOf(apReq),
      session: bytesOf(session),
    }));
    const before = cpu();
    const apReps = [];
    for (const call of calls) apReps.push(await inProcess[message.guard].call(call));
    const us = (cpu() - before) / calls.length;
    process.send({ us, apReps: apReps.map((apRep) => apRep?.toString("base64")) });
  }
});
const addresses = {};
for (const count of counts) addresses[count] = await listen([guard(options())]);
process.send({
  addresses,
  bare: await listen([]),
  issued: Array.from({ length: Math.max(...counts) }, (_, i) => issue(serviceKeys, principal(`user${i}`))),
});
