// A realm with as many principals as a benchmark asks for. Their keys follow from their number, so that
// whoever knows the number can log in; records are written as `tessera realm load` writes them.
import { createHash } from "node:crypto";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { Key } from "../../dist/protocol/keys.js";
import { emptyEntry } from "../../dist/protocol/principal-entry.js";
import { createRealm } from "../../dist/realm/create-realm.js";
import { fill } from "../../dist/realm/move/fill.js";
import { loadMasterKey } from "../../dist/store/master-key.js";
import { openStore } from "../../dist/store/open-store.js";
import { principalKey } from "../../dist/store/principal-key.js";
import { encodePrincipal } from "../../dist/store/principal-record.js";

export const REALM = "BENCH.EXAMPLE";
export const ETYPE = 20;
/** The services that every user gets tickets for. */
export const SERVICES = 5;

export const userName = (i) => `user${String(i).padStart(7, "0")}@${REALM}`;
export const serviceName = (i) => `svc/host${i}.bench.example@${REALM}`;

/** A user's key, or a service's. */
export function keyOf(name, etype = ETYPE) {
  const row = etypeOf(etype);
  return new Key(row, createHash("sha512").update(`${name} ${etype}`).digest().subarray(0, row.keySize));
}

/**
 * Makes a realm with so many users, and the services.
 * @param {string} dir must not be there yet.
 * @param {number} users
 * @param {string} [database] as `realm create --database` takes it; LMDB in the folder without it.
 */
export async function makeFilledRealm(dir, users, database) {
  const settings = { realm: REALM, profile: "standard", ...(database && { database }) };
  const directory = await createRealm(dir, settings, Date.now());
  await addUsers(directory, 0, users);
  return directory;
}

/** Adds users `from` up to, and without, `to`. */
export async function addUsers(directory, from, to) {
  const masterKey = await loadMasterKey(directory.masterKeyFile);
  const store = await openStore(directory.principals);
  const now = Date.now();
  const record = (name) => {
    const keys = [ETYPE, 19].map((etype) => ({ kvno: 1, key: keyOf(name, etype) }));
    return [principalKey(name), encodePrincipal({ ...emptyEntry(name, now), keys }, masterKey), "keep"];
  };
  async function* records() {
    for (let i = 0; i < SERVICES; i++) yield record(serviceName(i));
    for (let i = from; i < to; i++) yield record(userName(i));
  }
  try {
    await fill(store, records());
  } finally {
    await store.close();
  }
}
