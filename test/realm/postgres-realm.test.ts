/** A realm whose principals are in PostgreSQL: made, served by two machines, and given a new master key. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { KerberosClient, profileEtypes } from "../../src/client/index.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { createRealm } from "../../src/realm/create-realm.js";
import { beginNewMasterKey, newMasterKey } from "../../src/realm/new-master-key.js";
import { openRealm } from "../../src/realm/open-realm.js";
import {
  addPasswordPrincipal,
  addRandomKeyPrincipal,
  changePassword,
} from "../../src/realm/principal-keys.js";
import {
  deletePrincipal,
  existingPrincipal,
  listPrincipalNames,
  modifyPrincipal,
} from "../../src/realm/principals.js";
import type { Realm } from "../../src/realm/realm.js";
import { openRealmDirectory } from "../../src/realm/realm-directory.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { runRealm } from "../../src/services/run-realm.js";
import { HAS_POSTGRES, PostgresServer } from "../support/postgres-server.js";
import { newFolder } from "./folder.js";

const NOW = Date.UTC(2026, 2, 1, 12);

describe.skipIf(!HAS_POSTGRES)("a realm in PostgreSQL", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose](), 60_000);

  /** The folder of a new realm, and a copy of it: what a second machine has. */
  async function folders(): Promise<{ one: string; other: string }> {
    server.clear();
    const [one, other] = [join(newFolder(), "realm"), join(newFolder(), "realm")];
    await createRealm(one, { database: server.database() }, NOW);
    cpSync(one, other, { recursive: true });
    return { one, other };
  }

  async function open(dir: string): Promise<Realm> {
    const realm = await openRealm(dir);
    onTestFinished(() => realm.close());
    return realm;
  }

  test("has its settings and its master key in the folder, and names and ciphertext in the database", async () => {
    const { one } = await folders();
    expect(existsSync(join(one, "principals"))).toBe(false);
    expect(JSON.parse(readFileSync(join(one, "realm.json"), "utf8"))).toMatchObject({
      realm: "EXAMPLE.TEST",
      database: server.database(),
    });
    const names = server.sql("SELECT key FROM tessera.principals_1 ORDER BY key").split("\n");
    expect(names).toEqual([
      "principal:krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
      "principal:v/localhost@EXAMPLE.TEST",
    ]);
  });

  test("is changed by two KDCs, either of which sees what the other wrote", async () => {
    const { one, other } = await folders();
    const [here, there] = [await open(one), await open(other)];
    for (const { principals } of [here, there]) principals.follow();
    await addPasswordPrincipal(here, "alice", "secret", NOW);
    expect((await existingPrincipal(there, "alice")).passwordKeyed).toBe(true);
    await modifyPrincipal(there, "alice", { disabled: true }, NOW);
    await until(async () => (await existingPrincipal(here, "alice")).disabled);
    await changePassword(here, "alice", "another", [], NOW);
    expect((await existingPrincipal(here, "alice")).disabled).toBe(true);
    const { principal: service } = await existingPrincipal(here, "v/localhost");
    // Both at once, on one principal and on many.
    await Promise.all(
      [here, there].flatMap((realm, at) => [
        ...Array.from({ length: 10 }, (_, i) => addRandomKeyPrincipal(realm, `s${i}/host${at}`, NOW)),
        ...Array.from({ length: 5 }, () =>
          realm.principals.change(service, (entry) => ({ ...entry, maxLife: (entry.maxLife ?? 0) + 1000 })),
        ),
      ]),
    );
    expect((await there.principals.getAnew(service))?.maxLife).toBe(10_000);
    const names: string[] = [];
    for await (const name of listPrincipalNames(here, "s*")) names.push(name);
    expect(names).toHaveLength(20);
    await deletePrincipal(there, "alice");
    await until(() =>
      existingPrincipal(here, "alice").then(
        () => false,
        () => true,
      ),
    );
  });

  test("is made once: the second machine copies the first one's folder", async () => {
    await folders();
    const dir = join(newFolder(), "realm");
    await expect(createRealm(dir, { database: server.database() }, NOW)).rejects.toMatchObject({
      name: "StoreError",
      code: "exists",
      hint: "for another KDC of that realm, copy the folder of the first",
    });
    expect(existsSync(dir)).toBe(false);
    // A second realm may be in the same database.
    await createRealm(dir, { realm: "OTHER.TEST", database: server.database() }, NOW);
    await using realm = await openRealm(dir);
    expect(realm.settings.realm).toBe("OTHER.TEST");
  });

  test("leaves nothing in the database where the folder can't be made", async () => {
    server.clear();
    const above = newFolder();
    const dir = join(above, "realm");
    const making = createRealm(dir, { database: server.database() }, NOW);
    // Somebody else makes something of that name while the realm has a temporary one.
    await until(async () => readdirSync(above).length > 0);
    mkdirSync(dir);
    writeFileSync(join(dir, "file"), "");
    await expect(making).rejects.toMatchObject({ code: "exists" });
    expect(server.sql("SELECT count(*) FROM tessera.principals_1")).toBe("0");
    const again = join(newFolder(), "realm");
    await createRealm(again, { database: server.database() }, NOW);
  });

  test("is refused with another realm's settings, another master key, or an emptied table", async () => {
    const { one, other } = await folders();
    const file = join(other, "realm.json");
    const settings = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...settings, realm: "OTHER.TEST" }));
    await expect(openRealm(other)).rejects.toMatchObject({ code: "missing" });
    for (const database of ["mysql://kdc:hunter2@h/d", `${server.database()}?realm=X`, 5]) {
      writeFileSync(file, JSON.stringify({ ...settings, database }));
      const error = await openRealmDirectory(other).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "corrupt", message: expect.stringContaining('"database"') });
      expect(String(error)).not.toContain("hunter2");
    }
    server.sql("TRUNCATE tessera.principals_1");
    await expect(openRealm(one)).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("it was emptied"),
    });
  });

  test("gets a new master key while two machines serve it, without a record that one of them can't open", async () => {
    const { one, other } = await folders();
    const [here, there] = [await open(one), await open(other)];
    for (const { principals } of [here, there]) principals.follow();
    await addPasswordPrincipal(here, "alice", "secret", NOW);
    const copy = () => cpSync(join(one, "master.key"), join(other, "master.key"));
    const opens = async () => {
      for (const realm of [here, there])
        for (const name of ["alice", "v/localhost"])
          await realm.principals.getAnew((await existingPrincipal(realm, name)).principal);
    };
    const directory = await openRealmDirectory(one);
    expect(await beginNewMasterKey(directory)).toBe(true);
    expect(await beginNewMasterKey(directory)).toBe(false);
    await opens();
    copy();
    await addPasswordPrincipal(there, "bob", "secret", NOW);
    await opens();
    expect(await newMasterKey(directory)).toMatchObject({ records: 3, resumed: true });
    await opens();
    await addPasswordPrincipal(there, "carol", "secret", NOW);
    expect((await existingPrincipal(here, "carol")).passwordKeyed).toBe(true);
    copy();
    await addPasswordPrincipal(there, "dave", "secret", NOW);
    expect((await existingPrincipal(here, "dave")).passwordKeyed).toBe(true);
    await using anew = await openRealm(other);
    expect((await existingPrincipal(anew, "alice")).passwordKeyed).toBe(true);
  });

  test("whose master key another machine has made anew says so, whatever is asked, and takes nothing in", async () => {
    const { one, other } = await folders();
    const here = await open(one);
    here.principals.follow();
    await addPasswordPrincipal(here, "alice", "secret", NOW);
    const log: LogRecord[] = [];
    await using running = await runRealm({
      realm: here,
      ports: { as: 0, tgs: 0 },
      log: (line) => log.push(line),
    });
    const kdc = { as: running.address("as"), tgs: running.address("tgs") };
    using client = new KerberosClient({ kdc, etypes: profileEtypes("textbook") });
    const alice = parsePrincipal("alice@EXAMPLE.TEST", "alice");
    await client.login(alice, "secret");
    expect(await newMasterKey(await openRealmDirectory(other))).toMatchObject({ records: 3 });
    const records = () => server.sql("SELECT key, md5(value) FROM tessera.principals_1 ORDER BY key");
    const before = records();
    const named = {
      code: "wrong-key",
      message: expect.stringMatching(
        /sealed under another master key.*`tessera realm new-master-key` was run on another machine, copy it/,
      ),
    };
    await expect(openRealm(one)).rejects.toMatchObject(named);
    await expect(here.principals.getAnew(alice)).rejects.toMatchObject(named);
    await expect(addPasswordPrincipal(here, "bob", "secret", NOW)).rejects.toMatchObject(named);
    await expect(addRandomKeyPrincipal(here, "s/host", NOW)).rejects.toMatchObject(named);
    await expect(changePassword(here, "alice", "another", [], NOW)).rejects.toMatchObject(named);
    await expect(newMasterKey(await openRealmDirectory(one))).rejects.toMatchObject(named);
    expect(records()).toBe(before);
    await expect(client.login("alice@EXAMPLE.TEST", "secret")).rejects.toMatchObject({
      reason: "KDC_ERR_SVC_UNAVAILABLE",
    });
    expect(log.at(-1)).toMatchObject({ level: "error", cause: "wrong-key", text: named.message });
    cpSync(join(other, "master.key"), join(one, "master.key"));
    await client.login("alice@EXAMPLE.TEST", "secret");
    await addPasswordPrincipal(here, "bob", "secret", NOW);
  });

  test("gets one of two new master keys that two machines make at once", async () => {
    const { one, other } = await folders();
    const [here, there] = [await openRealmDirectory(one), await openRealmDirectory(other)];
    const ends = await Promise.allSettled([newMasterKey(here), newMasterKey(there)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [won, lost] = ends[0]!.status === "fulfilled" ? [one, other] : [other, one];
    expect(ends.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "wrong-key" } });
    await using realm = await openRealm(won);
    expect((await existingPrincipal(realm, "v/localhost")).passwordKeyed).toBe(false);
    await expect(openRealm(lost)).rejects.toMatchObject({ code: "wrong-key" });
    cpSync(join(won, "master.key"), join(lost, "master.key"));
    await using again = await openRealm(lost);
    await existingPrincipal(again, "v/localhost");
  });
});

async function until(isRight: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await isRight())) {
    if (performance.now() > end) throw new Error("it did not become right");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
