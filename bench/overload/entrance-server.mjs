// The same empty call on three servers of one process: behind an entrance, without one, and behind one that
// lets in a single call. It answers each message with its CPU time in microseconds.
import * as grpc from "@grpc/grpc-js";
import { Entrance } from "../../dist/rpc/entrance/entrance.js";
import { SERVER_OPTIONS, withSettings } from "../../dist/rpc/server-options.js";
import { EMPTY_SERVICE } from "../empty-service.mjs";

const answer = Buffer.alloc(600);
const servers = {
  behind: withSettings([]),
  without: new grpc.Server(SERVER_OPTIONS),
  refusing: withSettings([], {}, new Entrance({ calls: 1 })),
};
const ports = {};
for (const [name, server] of Object.entries(servers)) {
  server.addService(EMPTY_SERVICE, { call: (_, callback) => callback(null, answer) });
  ports[name] = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
}
process.on("disconnect", () => process.exit(0));
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system });
});
process.send(ports);
