// The measured server, a process of its own: AS, TGS and V of one realm, and the empty call beside them, each
// a grpc-js server with the project's settings. It answers `cpu` with the CPU time it has used, in
// microseconds; between `profile` and `profiled` it records where that time goes.
import { randomBytes } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import { runRealm } from "../../dist/services/run-realm.js";
import { EMPTY_SERVICE } from "../empty-service.mjs";
import { startProfile } from "./profile.mjs";
import { CLIENT, makeRealm } from "./realm.mjs";

const realm = await makeRealm(Number(process.argv[2]));
const running = await runRealm({
  realm,
  ports: { as: 0, tgs: 0, v: 0 },
  log: (record) => void JSON.stringify(record),
});

// The floor: a bare grpc-js server and a handler that returns bytes of the size asked for.
const empty = new grpc.Server({ "grpc.max_concurrent_streams": 100 });
const answers = new Map();
empty.addService(EMPTY_SERVICE, {
  call: (call, callback) => {
    const size = call.request.readUInt16BE(0);
    if (!answers.has(size)) answers.set(size, randomBytes(size));
    callback(null, answers.get(size));
  },
});
const emptyPort = await new Promise((resolve, reject) =>
  empty.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  ),
);

const { keys } = await realm.principals.get(CLIENT);

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
  as: running.address("as"),
  tgs: running.address("tgs"),
  v: running.address("v"),
  empty: `127.0.0.1:${emptyPort}`,
  client: Buffer.from(keys[0].key.exportBytes()).toString("hex"),
});
