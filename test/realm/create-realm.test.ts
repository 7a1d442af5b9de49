import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseKeytab } from "../../src/formats/keytab.js";
import { createMemoryRealm, createRealm, FIRST_SERVICE } from "../../src/realm/create-realm.js";
import { openRealm } from "../../src/realm/open-realm.js";
import { existingPrincipal, listPrincipals } from "../../src/realm/principals.js";
import type { Realm } from "../../src/realm/realm.js";
import { openRealmDirectory } from "../../src/realm/realm-directory.js";
import { DEFAULT_SETTINGS, policyOf } from "../../src/realm/realm-settings.js";
import { folderIn, newFolder } from "./folder.js";
import { keyBytes, keysOf, MADE } from "./realm.js";

async function principalsOf(realm: Realm): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of listPrincipals(realm)) {
    found.push(`${entry.principal} ${keysOf(entry).join(" ")}`);
    expect(entry).toMatchObject({
      createdAt: MADE,
      keysChangedAt: MADE,
      passwordKeyed: false,
      disabled: false,
    });
  }
  return found;
}

describe("a realm in a folder", () => {
  it("has its TGS, and V with its keytab", async () => {
    const dir = join(newFolder(), "realm");
    const made = await createRealm(dir, {}, MADE);
    expect(made).toEqual(await openRealmDirectory(dir));
    expect(made.settings).toEqual(DEFAULT_SETTINGS);
    await using realm = await openRealm(made);
    expect(await principalsOf(realm)).toEqual([
      "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST 1:3",
      "v/localhost@EXAMPLE.TEST 1:3",
    ]);
    const v = await existingPrincipal(realm, FIRST_SERVICE);
    const keytab = parseKeytab(Uint8Array.from(readFileSync(made.keytabFile)));
    expect(keytab.map(({ principal, kvno, timestamp }) => ({ principal, kvno, timestamp }))).toEqual([
      { principal: v.principal, kvno: 1, timestamp: MADE },
    ]);
    expect(keytab.map(({ key }) => Buffer.from(key.exportBytes()).toString("hex"))).toEqual(keyBytes(v));
    expect(statSync(made.keytabFile).mode & 0o777).toBe(0o600);
  });

  it("has the settings given, and the others as by default", async () => {
    const dir = join(newFolder(), "realm");
    const settings = { realm: "EXAMPLE.ORG", profile: "standard", clockSkew: 60_000 } as const;
    const made = await createRealm(dir, settings, MADE);
    expect(made.settings).toEqual({ ...DEFAULT_SETTINGS, ...settings });
    await using realm = await openRealm(made);
    expect(await principalsOf(realm)).toEqual([
      "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG 1:20 1:19",
      "v/localhost@EXAMPLE.ORG 1:20 1:19",
    ]);
  });

  it("gets the folders above it too, closed to others", async () => {
    const parent = newFolder();
    const { dir } = await createRealm(join(parent, "one", "two", "realm"), {}, MADE);
    expect(dir).toBe(join(parent, "one", "two", "realm"));
    for (const name of ["one", "one/two"]) expect(statSync(join(parent, name)).mode & 0o777).toBe(0o700);
  });

  it("is refused where there is something and for settings out of range, and leaves nothing", async () => {
    const parent = newFolder();
    folderIn(folderIn(parent, "full"), "x");
    await expect(createRealm(join(parent, "full"), {}, MADE)).rejects.toMatchObject({ code: "exists" });
    await expect(createRealm(join(parent, "new"), { clockSkew: 999 }, MADE)).rejects.toThrow(RangeError);
    expect(readdirSync(parent)).toEqual(["full"]);
  });

  it("closes its database: another process, or this one, can open it at once", async () => {
    const made = await createRealm(join(newFolder(), "realm"), {}, MADE);
    const one = await openRealm(made);
    await one.close();
    await expect(existingPrincipal(one, FIRST_SERVICE)).rejects.toMatchObject({ code: "unavailable" });
    await using other = await openRealm(made.dir);
    expect((await existingPrincipal(other, FIRST_SERVICE)).principal).toBe("v/localhost@EXAMPLE.TEST");
  });
});

describe("a realm in memory", () => {
  it("has its TGS and V, no folder, and the default settings", async () => {
    const realm = await createMemoryRealm({}, {}, MADE);
    expect(realm.directory).toBeUndefined();
    expect(realm.settings).toEqual(DEFAULT_SETTINGS);
    expect(realm.policy).toEqual(policyOf(DEFAULT_SETTINGS));
    expect(await principalsOf(realm)).toEqual([
      "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST 1:3",
      "v/localhost@EXAMPLE.TEST 1:3",
    ]);
  });

  it("has the settings and limits given", async () => {
    const realm = await createMemoryRealm(
      { realm: "EXAMPLE.ORG", maxLife: 5000 },
      { keyEtypes: [16], clockSkew: 7 },
      MADE,
    );
    expect(realm.settings).toEqual({ ...DEFAULT_SETTINGS, realm: "EXAMPLE.ORG", maxLife: 5000 });
    expect(realm.policy).toEqual({ ...policyOf(realm.settings), keyEtypes: [16], clockSkew: 7 });
    expect(await principalsOf(realm)).toEqual([
      "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG 1:16",
      "v/localhost@EXAMPLE.ORG 1:16",
    ]);
  });

  it("is not made of settings out of range", async () => {
    await expect(createMemoryRealm({ realm: "lower" }, {}, MADE)).rejects.toThrow(
      new RangeError('realm: not a realm name: "lower"'),
    );
  });

  it("ends when it is closed", async () => {
    const realm = await createMemoryRealm({}, {}, MADE);
    await realm.close();
    await expect(existingPrincipal(realm, FIRST_SERVICE)).rejects.toMatchObject({ code: "unavailable" });
    const disposed = await createMemoryRealm({}, {}, MADE);
    await disposed[Symbol.asyncDispose]();
    await expect(existingPrincipal(disposed, FIRST_SERVICE)).rejects.toMatchObject({ code: "unavailable" });
  });
});
