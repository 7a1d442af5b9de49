// A grpc-js server whose handler returns bytes, as many as asked for, a process of its own: bare, or, with
// the argument `ours`, with this project's settings, limits and entrance. It tells its address.
import * as grpc from "@grpc/grpc-js";
import { makeServer } from "../../dist/rpc/server-options.js";

const [kind, bytes] = process.argv.slice(2);
const answer = Buffer.alloc(Number(bytes));
const identity = (message) => message;
const server = kind === "ours" ? makeServer() : new grpc.Server({ "grpc.max_concurrent_streams": 100 });
server.addService(
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
  { call: (_, callback) => callback(null, answer) },
);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send({ address: `127.0.0.1:${port}` });
});
process.on("disconnect", () => process.exit(0));
