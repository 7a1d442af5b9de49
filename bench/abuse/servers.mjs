// What is attacked, a process of its own: AS, TGS and V of a realm in memory, and a guarded service as the
// README makes one. It answers each message with its resident memory in bytes, after a collection of garbage.
import * as grpc from "@grpc/grpc-js";
import { guardedServer } from "../../dist/services/index.js";
import { runRealm } from "../../dist/services/run-realm.js";
import { CLIENT, makeRealm } from "../exchange/realm.mjs";
import { CALL } from "../guard/method.mjs";
import { issue, makeServiceKeys } from "../guard/ticket.mjs";

const realm = await makeRealm(Number(process.argv[2]));
const running = await runRealm({
  realm,
  ports: { as: 0, tgs: 0, v: 0 },
  log: (record) => void JSON.stringify(record),
});
const serviceKeys = makeServiceKeys();
const guarded = guardedServer({ keytab: () => serviceKeys, authorities: ["localhost"] });
guarded.addService({ call: CALL }, { call: (_call, callback) => callback(null, Buffer.alloc(256)) });
const port = await new Promise((resolve, reject) =>
  guarded.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  ),
);
const { keys } = await realm.principals.get(CLIENT);

process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  if (message === "settle") globalThis.gc?.();
  process.send({ rss: process.memoryUsage.rss() });
});
process.send({
  AS: running.address("as"),
  TGS: running.address("tgs"),
  V: running.address("v"),
  guarded: `127.0.0.1:${port}`,
  client: Buffer.from(keys[0].key.exportBytes()).toString("hex"),
  issued: issue(serviceKeys),
});
