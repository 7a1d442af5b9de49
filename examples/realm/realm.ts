/**
 * A realm from a program, with nothing but the package: made, served, and logged in to by password and with a
 * keytab.
 *
 *   node realm.js FOLDER       a new folder; everything is left in it
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type KdcAddresses,
  KerberosClient,
  type ServiceTarget,
  WhoAmIRequestSchema,
  WhoAmIResponseSchema,
} from "tessera-sso/client";
import {
  addPasswordPrincipal,
  addRandomKeyPrincipal,
  createRealm,
  existingPrincipal,
  exportKeys,
  FIRST_SERVICE,
  openRealm,
  type Realm,
  runRealm,
} from "tessera-sso/server";

const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };

/** Makes a realm with a user and a service, and writes the service's keytab. */
async function makeRealm(dir: string, keytab: string, password: string): Promise<Realm> {
  // #region make
  const settings = { realm: "EXAMPLE.ORG", profile: "standard" } as const;
  const realm = await openRealm(await createRealm(dir, settings, Date.now()));
  await addPasswordPrincipal(realm, "alice", password, Date.now());
  await addRandomKeyPrincipal(realm, "backup/db.example.test", Date.now());
  await exportKeys(realm, ["backup/db.example.test"], { path: keytab }, Date.now());
  // #endregion
  return realm;
}

/** Logs in, by password and with a keytab, and returns who V says is calling. */
async function callers(kdc: KdcAddresses, v: ServiceTarget, keytab: string, password: string) {
  const alice = new KerberosClient({ kdc });
  await alice.login("alice@EXAMPLE.ORG", password);
  // #region keytab
  const backup = new KerberosClient({ kdc, keytab, principal: "backup/db.example.test" });
  // #endregion
  const found: string[] = [];
  for (const client of [alice, backup]) {
    found.push((await client.access(v, WHO_AM_I, {})).client);
    client.close();
  }
  return found;
}

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node realm.js FOLDER");
await mkdir(folder, { recursive: true });
const keytab = join(folder, "backup.keytab");
const password = "correct horse battery staple";
const realm = await makeRealm(join(folder, "realm"), keytab, password);
const { principal } = await existingPrincipal(realm, FIRST_SERVICE);
// #region run
const running = await runRealm({ realm, ports: { as: 0, tgs: 0, v: 0 } });
const kdc = { as: running.address("as"), tgs: running.address("tgs") };
// #endregion
const v = { principal, address: running.address("v") };
for (const caller of await callers(kdc, v, keytab, password)) console.log(`${caller} calls ${principal}`);
await running.stop();
await realm.close();
