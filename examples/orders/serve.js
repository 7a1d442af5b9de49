// @ts-check
/**
 * Serves orders until it is told to end, with a key that its clients share, or with a keytab:
 *
 *   node serve.js --key FILE [--address HOST:PORT]
 *   node serve.js KEYTAB [--profile textbook] [--replay-cache FOLDER] [--address HOST:PORT]
 *
 * With a replay cache it takes clients that do not answer challenges, such as those in Python, and several of it
 * may stand behind a proxy.
 */
import { parseArgs, promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { openReplayCache, sharedKey } from "tessera-sso/server";
import { makeOrdersServer } from "./server.js";

// A key that can't be read, an address in use: what is wrong is said in one line.
process.once("uncaughtException", ({ message }) => {
  console.error(message);
  process.exit(1);
});

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    key: { type: "string" },
    profile: { type: "string" },
    "replay-cache": { type: "string" },
    address: { type: "string" },
  },
});
const { key, address = process.env.ORDERS_ADDRESS ?? "localhost:50051" } = values;
const [path = "orders.keytab"] = positionals;
// #region keytab
const keytab = key === undefined ? path : sharedKey(key);
// #endregion
const profile = /** @type {import("tessera-sso/server").ProfileName | undefined} */ (values.profile);
const { "replay-cache": folder } = values;
const skew = 300_000;
const replayCache =
  folder === undefined ? undefined : await openReplayCache(`lmdb:${folder}`, { skew, startedAt: Date.now() });
const server = await makeOrdersServer({ keytab, profile, replayCache });
await promisify(server.bindAsync.bind(server))(address, grpc.ServerCredentials.createInsecure());
console.log(`orders are taken at ${address}`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.tryShutdown(() => void end()));

async function end() {
  await replayCache?.close();
  process.exit();
}
