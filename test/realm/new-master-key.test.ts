/** A realm's master key is rolled over while servers have the realm open. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { KerberosClient, profileEtypes } from "../../src/client/index.js";
import { createRealm } from "../../src/realm/create-realm.js";
import { newMasterKey } from "../../src/realm/new-master-key.js";
import { openRealm } from "../../src/realm/open-realm.js";
import { addPasswordPrincipal, changePassword } from "../../src/realm/principal-keys.js";
import { existingPrincipal } from "../../src/realm/principals.js";
import { runRealm } from "../../src/services/run-realm.js";
import { beginRollOver, loadMasterKeys, MasterKey } from "../../src/store/master-key.js";
import { openStore } from "../../src/store/open-store.js";
import { PrincipalStore } from "../../src/store/principal-store.js";
import { keyBytes, MADE } from "./realm.js";

const root = mkdtempSync(join(tmpdir(), "tessera-roll-over-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const newRealm = () => createRealm(join(root, `realm${count++}`), { profile: "standard" }, MADE);
/** The key that the file holds first, as it stands there. */
const keyIn = (file: string) => readFileSync(file).subarray(8, 40);

describe("a roll-over of the master key", () => {
  it("seals every record anew; an open realm goes on, and the old key opens nothing", async () => {
    const directory = await newRealm();
    const old = Buffer.from(keyIn(directory.masterKeyFile));
    await using realm = await openRealm(directory);
    await addPasswordPrincipal(realm, "alice", "one", MADE, { etypes: [20] });
    const before = await existingPrincipal(realm, "alice");
    const told: string[] = [];
    const result = await newMasterKey(directory, (principal) => told.push(principal));
    expect(result).toEqual({ records: 3, resumed: false });
    expect(told).toEqual(
      ["krbtgt/EXAMPLE.TEST", "alice", "v/localhost"].map((name) => `${name}@EXAMPLE.TEST`),
    );
    const file = readFileSync(directory.masterKeyFile);
    expect(file).toHaveLength(40);
    expect(file.includes(old)).toBe(false);
    expect(statSync(directory.masterKeyFile).mode & 0o777).toBe(0o600);
    // The realm that was open all the time reads, and writes under the new key.
    expect(keyBytes(await existingPrincipal(realm, "alice"))).toEqual(keyBytes(before));
    await changePassword(realm, "alice", "two", [], MADE + 1);
    await using again = await openRealm(directory);
    expect((await existingPrincipal(again, "alice")).keysChangedAt).toBe(MADE + 1);
    const stranger = new PrincipalStore(await openStore(directory.principals), new MasterKey(old));
    await expect(stranger.get(before.principal)).rejects.toMatchObject({ code: "wrong-key" });
    await stranger.close();
  });

  it("ends no login and no ticket of the servers that run", async () => {
    const directory = await newRealm();
    await using realm = await openRealm(directory);
    await addPasswordPrincipal(realm, "alice", "one", MADE, { etypes: [20] });
    await using running = await runRealm({ realm, ports: { as: 0, tgs: 0, v: 0 } });
    const kdc = { as: running.address("as"), tgs: running.address("tgs") };
    using client = new KerberosClient({ kdc, etypes: profileEtypes("standard") });
    await client.login("alice@EXAMPLE.TEST", "one");
    await newMasterKey(directory);
    await client.serviceTicket("v/localhost@EXAMPLE.TEST");
    await client.login("alice@EXAMPLE.TEST", "one");
  });

  it("that was interrupted is finished by the next, under the key it had made", async () => {
    const directory = await newRealm();
    const { masterKeyFile } = directory;
    const old = Uint8Array.from(keyIn(masterKeyFile));
    expect(await beginRollOver(masterKeyFile)).toBe(true);
    const made = Uint8Array.from(keyIn(masterKeyFile));
    expect(made).not.toEqual(old);
    expect(readFileSync(masterKeyFile).subarray(40)).toEqual(Buffer.from(old));
    expect(await loadMasterKeys(masterKeyFile)).toHaveLength(2);
    await using realm = await openRealm(directory);
    await addPasswordPrincipal(realm, "bob", "one", MADE, { etypes: [20] });
    expect(await newMasterKey(directory)).toEqual({ records: 2, resumed: true });
    expect(keyIn(masterKeyFile)).toEqual(Buffer.from(made));
    expect(await loadMasterKeys(masterKeyFile)).toHaveLength(1);
    await existingPrincipal(realm, "bob");
    expect(await newMasterKey(directory)).toEqual({ records: 3, resumed: false });
    expect(keyIn(masterKeyFile)).not.toEqual(Buffer.from(made));
  });

  it("waits for one that runs: two at once leave a realm that opens", async () => {
    const directory = await newRealm();
    const both = await Promise.all([newMasterKey(directory), newMasterKey(directory)]);
    expect(both).toEqual([
      { records: 2, resumed: false },
      { records: 2, resumed: false },
    ]);
    await using realm = await openRealm(directory);
    await existingPrincipal(realm, "v/localhost");
  });
});
