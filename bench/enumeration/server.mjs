// The measured server, a process of its own: the AS of the realm, until it is told to end.
import { runRealm } from "../../dist/services/run-realm.js";
import { makeRealm } from "./realm.mjs";

const { realm, directory, close } = await makeRealm(
  Number(process.argv[2]),
  process.argv[3],
  process.argv[4],
);
const running = await runRealm({
  realm,
  directory,
  ports: { as: 0 },
  log: (record) => void JSON.stringify(record),
});

process.on("disconnect", () => process.exit(1));
process.on("message", async () => {
  await running.stop(0);
  await close();
  process.exit(0);
});
process.send({ as: running.address("as") });
