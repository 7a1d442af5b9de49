// The measured server, a process of its own: AS, TGS and V of one realm, and the empty call beside them, each a grpc-js
// server with the project's settings. It answers `cpu` with the CPU time it has used, in microseconds; between `profile` and
// `profiled` it looks where that time goes.
import { randomBytes } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import { startAs, startTgs, startV } from "../../dist/services/realm-servers.js";
import { MemoryReplayCache } from "../../dist/store/memory-replay-cache.js";
import { openMemoryStore } from "../../dist/store/memory-store.js";
import { NotesStore } from "../../dist/store/notes-store.js";
import { startProfile } from "./profile.mjs";
import { makePrincipals, policyFor, SERVICE } from "./realm.mjs";

const etype = Number(process.argv[2]);
const policy = policyFor(etype);
const principals = await makePrincipals(etype);
const log = (record) => void JSON.stringify(record);
const clock = Date.now;
const listen = { host: "127.0.0.1", port: 0 };
const replayCache = () =>
  new MemoryReplayCache({ skew: policy.clockSkew, startedAt: clock(), restart: "fresh" });
const { keys } = await principals.get(SERVICE);
const kdc = { principals, policy, clock, log };
const as = await startAs(kdc, listen);
const tgs = await startTgs({ ...kdc, replayCache: replayCache() }, listen);
const v = await startV(
  {
    serviceKeys: () => ({ principal: SERVICE, keys }),
    permittedEtypes: policy.permittedEtypes,
    clockSkew: policy.clockSkew,
    replayCache: replayCache(),
    notes: new NotesStore(openMemoryStore()),
    clock,
    log,
  },
  listen,
);

// The floor: a bare grpc-js server and a handler that returns bytes of the size asked for.
const identity = (bytes) => bytes;
const empty = new grpc.Server({ "grpc.max_concurrent_streams": 100 });
const answers = new Map();
empty.addService(
  {
    call: {
      path: "/bench.Empty/Call",
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  },
  {
    call: (call, callback) => {
      const size = call.request.readUInt16BE(0);
      if (!answers.has(size)) answers.set(size, randomBytes(size));
      callback(null, answers.get(size));
    },
  },
);
const emptyPort = await new Promise((resolve, reject) =>
  empty.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  ),
);

const exported = {};
for (const [name, principal] of Object.entries({ client: (await import("./realm.mjs")).CLIENT }))
  exported[name] = Buffer.from((await principals.get(principal)).keys[0].key.exportBytes()).toString("hex");

process.on("disconnect", () => process.exit(0));
let endProfile;
process.on("message", async (message) => {
  if (message === "cpu") {
    const { user, system } = process.cpuUsage();
    process.send({ cpu: user + system });
  }
  if (message === "profile") {
    endProfile = await startProfile();
    process.send({ profiling: true });
  }
  if (message === "profiled") process.send({ times: await endProfile() });
  if (message === "end") process.exit(0);
});
process.send({
  as: as.address,
  tgs: tgs.address,
  v: v.address,
  empty: `127.0.0.1:${emptyPort}`,
  ...exported,
});
