// A grpc-js server whose handler returns bytes, as many as asked for, a process of its own: bare, or, with
// the argument `ours`, with this project's settings, limits and entrance. It tells its address.
import * as grpc from "@grpc/grpc-js";
import { makeServer } from "../../dist/rpc/server-options.js";
import { EMPTY_SERVICE } from "../empty-service.mjs";

const [kind, bytes] = process.argv.slice(2);
const answer = Buffer.alloc(Number(bytes));
const server = kind === "ours" ? makeServer() : new grpc.Server({ "grpc.max_concurrent_streams": 100 });
server.addService(EMPTY_SERVICE, { call: (_, callback) => callback(null, answer) });
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send({ address: `127.0.0.1:${port}` });
});
process.on("disconnect", () => process.exit(0));
