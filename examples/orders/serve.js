// @ts-check
/**
 * Serves orders until it is told to end:
 *
 *   node serve.js KEYTAB [--profile textbook] [--address HOST:PORT]
 */
import { parseArgs, promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { KeytabFile, openReplayCache } from "tessera-sso/server";
import { makeOrdersServer } from "./server.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: "string" }, address: { type: "string" } },
});
const address = values.address ?? process.env.ORDERS_ADDRESS ?? "localhost:50051";
const [path = "orders.keytab"] = positionals;
const keytab = await KeytabFile.open(path);
// It remembers which proofs it has seen, in a folder, so that a restart forgets none.
const replayCache = await openReplayCache(`lmdb:${path}.seen`, { skew: 300_000, startedAt: Date.now() });
const profile = /** @type {import("tessera-sso/server").ProfileName | undefined} */ (values.profile);
const server = await makeOrdersServer({ keytab, replayCache, profile });
await promisify(server.bindAsync.bind(server))(address, grpc.ServerCredentials.createInsecure());
console.log(`orders are taken at ${address}`);

for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => server.tryShutdown(() => replayCache.close().then(() => process.exit())));
