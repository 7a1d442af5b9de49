// A process that writes all that a realm and its clients write, round and round, and prints a line for each
// change that was acknowledged: `KIND NUMBER`. It goes on until it is killed. DIR NAME, which tells it from
// others.
import { join } from "node:path";
import { fileCache } from "../../dist/client/file-credential-cache.js";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { randomKey } from "../../dist/protocol/keys.js";
import { parsePrincipal } from "../../dist/protocol/principal.js";
import { exportNewKeys } from "../../dist/realm/keytab.js";
import { newMasterKey } from "../../dist/realm/new-master-key.js";
import { openRealm } from "../../dist/realm/open-realm.js";
import {
  addPasswordPrincipal,
  addRandomKeyPrincipal,
  changePassword,
  purgeKeys,
} from "../../dist/realm/principal-keys.js";
import { modifyPrincipal } from "../../dist/realm/principals.js";
import { openRealmDirectory } from "../../dist/realm/realm-directory.js";
import { LoginAttempts } from "../../dist/store/attempts/login-attempts.js";
import { openLmdbStore } from "../../dist/store/lmdb/store.js";
import { StoreReplayCache } from "../../dist/store/replay/store-replay-cache.js";

const [dir, name] = process.argv.slice(2);
const NOW = Date.UTC(2026, 2, 1, 12);
const directory = await openRealmDirectory(join(dir, "realm"));
const realm = await openRealm(directory);
const user = `user-${name}`;
const service = `service-${name}/localhost`;
await addPasswordPrincipal(realm, user, "password 0", NOW, { etypes: [3] });
await addRandomKeyPrincipal(realm, service, NOW);
const replays = await StoreReplayCache.open(await openLmdbStore(join(dir, "replays")), { skew: 300_000 });
const attempts = await LoginAttempts.open(join(dir, "attempts"));
const cache = fileCache(join(dir, `cc-${name}`));
const principal = parsePrincipal(`${user}@EXAMPLE.TEST`, "user");
const limit = { count: 1_000_000, span: 3_600_000_000 };
const limits = { nameAndPeer: limit, name: limit, peer: limit };

/** Each kind of change; the number counts from 1. */
const CHANGES = {
  addprinc: (n) => addRandomKeyPrincipal(realm, `added-${name}-${n}`, NOW),
  cpw: (n) => changePassword(realm, user, `password ${n}`, [3], NOW + n),
  modprinc: (n) => modifyPrincipal(realm, service, { maxLife: 1000 * n }, NOW + n),
  purgekeys: () => purgeKeys(realm, user, NOW),
  "new-master-key": async (n) => {
    // A roll-over of the other process is refused as busy: no change, and no acknowledgement.
    if (n % 3 !== 1) return false;
    return newMasterKey(directory).then(
      () => true,
      (error) => (error.code === "busy" ? false : Promise.reject(error)),
    );
  },
  replay: (n) => replays.store(Buffer.from(`${name} ${n}`.padEnd(16)), NOW, NOW + 300_000, NOW),
  attempt: async (n) =>
    attempts.begin(principal, "192.0.2.1", limits, NOW).failed(Buffer.from(`proof ${name} ${n}`)),
  ccache: (n) => cache.store(loginOf(n)),
  keytab: (n) => exportNewKeys(realm, [service], { path: join(dir, `keytab-${name}`) }, [20], NOW + n),
};

function loginOf(n) {
  const server = parsePrincipal("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST", "server");
  const times = { authtime: NOW, starttime: NOW, endtime: NOW + 1000 * n, renewTill: undefined };
  const ticket = Buffer.alloc(3000, n);
  ticket[0] = 0x0a; // as a ticket of ours begins
  return {
    client: principal,
    kdcOffset: 0,
    credentials: [{ client: principal, server, key: randomKey(etypeOf(20)), ticket, flags: [], ...times }],
  };
}

process.stdout.write("ready 0\n");
for (let n = 1; ; n++)
  for (const [kind, change] of Object.entries(CHANGES))
    if ((await change(n)) !== false) process.stdout.write(`${kind} ${n}\n`);
