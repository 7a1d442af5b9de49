// The measured server: the AS of a realm on disk, with as many principals of each class as were asked for. The
// names of the class `control` cost it a little more, which the measurement must find.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDecoy } from "../../dist/protocol/decoy.js";
import { createRealm } from "../../dist/realm/create-realm.js";
import { openRealm } from "../../dist/realm/open-realm.js";
import { runRealm } from "../../dist/services/run-realm.js";
import { CLASSES, PLANTED_US, principalOf, REALM } from "./names.mjs";

const [count, limits] = [Number(process.argv[2]), process.argv[3]];
const folder = await mkdtemp(join(tmpdir(), "tessera-enumeration-"));
const directory = await createRealm(join(folder, "realm"), { realm: REALM, profile: "standard" }, Date.now());
const realm = await openRealm(directory);
await addPrincipals();

const control = new Set(Array.from({ length: count }, (_, index) => principalOf("control", index)));
const principals = {
  get: (principal) => realm.principals.get(principal),
  getOrDecoy: async (principal, decoy) => {
    const client = await realm.principals.getOrDecoy(principal, decoy);
    if (control.has(principal)) spin(PLANTED_US);
    return client;
  },
};
const plenty = { count: 1_000_000, span: 1_000 };
const attempts =
  limits === "plenty" ? { nameAndPeer: plenty, name: plenty, peer: plenty } : realm.policy.attempts;
const running = await runRealm({
  realm: { ...realm, principals, policy: { ...realm.policy, attempts } },
  directory,
  ports: { as: 0 },
  log: (record) => void JSON.stringify(record),
});

process.on("disconnect", () => process.exit(1));
process.on("message", async () => {
  await running.stop(0);
  await realm.close();
  await rm(folder, { recursive: true });
  process.exit(0);
});
process.send({ as: running.address("as") });

async function addPrincipals() {
  const now = Date.now();
  const entries = Object.entries(CLASSES).flatMap(([name, state]) =>
    state === undefined
      ? []
      : Array.from({ length: count }, (_, index) => ({ name: principalOf(name, index), state })),
  );
  const BATCH = 1_000;
  for (let at = 0; at < entries.length; at += BATCH)
    await Promise.all(
      entries.slice(at, at + BATCH).map(({ name, state }) => {
        const decoy = makeDecoy(realm.policy);
        const times = { createdAt: now, modifiedAt: now, keysChangedAt: now, tgtsFrom: now };
        const stringToKey = decoy.stringToKeyOf(name);
        return realm.principals.create({ ...decoy.entry, ...times, ...state, principal: name, stringToKey });
      }),
    );
}

function spin(us) {
  const end = process.hrtime.bigint() + BigInt(us * 1000);
  while (process.hrtime.bigint() < end);
}
