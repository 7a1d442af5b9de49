// A KDC, a process of its own: AS and TGS of the realm in a folder, on the ports it is told, or on free ones.
import { openRealm } from "../../dist/realm/open-realm.js";
import { runRealm } from "../../dist/services/run-realm.js";

const [dir, as, tgs] = process.argv.slice(2);
const realm = await openRealm(dir);
const running = await runRealm({ realm, ports: { as: Number(as), tgs: Number(tgs) }, log: () => {} });
process.on("disconnect", () => process.exit(0));
process.send({ as: running.address("as"), tgs: running.address("tgs") });
