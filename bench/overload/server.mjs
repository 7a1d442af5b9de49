// The measured server, a process of its own: the AS of a realm in memory. It answers `measure` with its CPU
// time in microseconds and its resident memory in bytes.
import { runRealm } from "../../dist/services/run-realm.js";
import { CLIENT, makeRealm } from "../exchange/realm.mjs";

const realm = await makeRealm(Number(process.argv[2] ?? 20));
const running = await runRealm({ realm, ports: { as: 0 }, log: (record) => void JSON.stringify(record) });
const { keys } = await realm.principals.get(CLIENT);
process.on("disconnect", () => process.exit(0));
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system, rss: process.memoryUsage.rss() });
});
process.send({ as: running.address("as"), client: Buffer.from(keys[0].key.exportBytes()).toString("hex") });
