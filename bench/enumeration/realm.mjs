// The measured realm: on disk or in PostgreSQL, with as many principals of each class as were asked for. The
// names of the class `control` cost the AS a little more, which the measurement must find.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDecoy } from "../../dist/protocol/decoy.js";
import { createRealm } from "../../dist/realm/create-realm.js";
import { openRealm } from "../../dist/realm/open-realm.js";
import { activeKeyOf, CLASSES, PLANTED_US, principalOf, REALM } from "./names.mjs";

const PLENTY = { count: 1_000_000, span: 1_000 };
/** Principals that are added at once. */
const BATCH = 1_000;

/**
 * Makes the realm.
 * @param count how many principals of each class.
 * @param limits of failed logins: `plenty`, or `default`.
 * @param database of PostgreSQL, which must have no realm, and has none afterwards; "": none.
 */
export async function makeRealm(count, limits, database = "") {
  const folder = await mkdtemp(join(tmpdir(), "tessera-enumeration-"));
  const directory = await createRealm(
    join(folder, "realm"),
    { realm: REALM, profile: "standard", ...(database !== "" && { database }) },
    Date.now(),
  );
  const realm = await openRealm(directory);
  await addPrincipals(realm, count);
  const control = new Set(Array.from({ length: count }, (_, index) => principalOf("control", index)));
  const { clients } = realm.principals;
  const principals = {
    follow: () => realm.principals.follow(),
    get isFollowing() {
      return realm.principals.isFollowing;
    },
    get: (principal) => realm.principals.get(principal),
    getAnew: (principal) => realm.principals.getAnew(principal),
    clients: {
      isKept: (principal) => clients.isKept(principal),
      atHand: (principal, decoy) => clients.atHand(principal, decoy),
      lastKnown: (principal, decoy) => clients.lastKnown(principal, decoy),
      getOrDecoy: async (principal, decoy) => {
        const client = await clients.getOrDecoy(principal, decoy);
        if (control.has(principal)) spin(PLANTED_US);
        return client;
      },
    },
  };
  const attempts =
    limits === "plenty" ? { nameAndPeer: PLENTY, name: PLENTY, peer: PLENTY } : realm.policy.attempts;
  const close = async () => {
    await realm.close();
    await rm(folder, { recursive: true });
    if (database !== "") await drop(database);
  };
  return { directory, realm: { ...realm, principals, policy: { ...realm.policy, attempts } }, close };
}

async function addPrincipals(realm, count) {
  const now = Date.now();
  const entries = Object.entries(CLASSES).flatMap(([name, state]) =>
    state === undefined
      ? []
      : Array.from({ length: count }, (_, index) => ({
          name: principalOf(name, index),
          state,
          isActive: name === "active",
        })),
  );
  const add = ({ name, state, isActive }) => {
    const decoy = makeDecoy(realm.policy);
    const [first, ...others] = decoy.entry.keys;
    const keys = isActive ? [{ ...first, key: activeKeyOf(name) }, ...others] : decoy.entry.keys;
    const times = { createdAt: now, modifiedAt: now, keysChangedAt: now, tgtsFrom: now };
    const stringToKey = decoy.stringToKeyOf(name);
    return realm.principals.create({
      ...decoy.entry,
      ...times,
      ...state,
      principal: name,
      stringToKey,
      keys,
    });
  };
  for (let at = 0; at < entries.length; at += BATCH)
    await Promise.all(entries.slice(at, at + BATCH).map(add));
}

function spin(us) {
  const end = process.hrtime.bigint() + BigInt(us * 1000);
  while (process.hrtime.bigint() < end);
}

async function drop(database) {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: database, ssl: false });
  await client.connect();
  await client.query("DROP SCHEMA tessera CASCADE");
  await client.end();
}
