import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { krbtgtOf } from "../../src/protocol/principal.js";
import { createRealm } from "../../src/realm/create-realm.js";
import { openRealm, openUnchecked } from "../../src/realm/open-realm.js";
import { policyOf } from "../../src/realm/realm-settings.js";
import { newFolder } from "./folder.js";
import { MADE } from "./realm.js";

it("opens a realm by its path or its folder, with the policy that its settings make", async () => {
  const directory = await createRealm(join(newFolder(), "realm"), { profile: "standard" }, MADE);
  for (const from of [directory, directory.dir]) {
    await using realm = await openRealm(from);
    expect(realm.directory).toEqual(directory);
    expect(realm.settings).toEqual(directory.settings);
    expect(realm.policy).toEqual(policyOf(directory.settings));
    expect((await realm.principals.get(krbtgtOf("EXAMPLE.TEST")))?.createdAt).toBe(MADE);
  }
});

it("refuses a folder that is no realm, and one without its master key", async () => {
  const directory = await createRealm(join(newFolder(), "realm"), {}, MADE);
  await expect(openRealm(join(directory.dir, "no"))).rejects.toMatchObject({
    name: "StoreError",
    code: "missing",
    message: `${directory.dir}/no: there is no realm here`,
    hint: "check the path, or make the realm first: tessera realm create",
  });
  rmSync(directory.masterKeyFile);
  await expect(openRealm(directory)).rejects.toMatchObject({ name: "PrivateFileError", code: "missing" });
});

it("refuses a database without the realm's TGS, unless it is to be examined", async () => {
  const directory = await createRealm(join(newFolder(), "realm"), {}, MADE);
  const emptied = await openUnchecked(directory);
  await emptied.principals.delete(krbtgtOf("EXAMPLE.TEST"));
  await emptied.close();
  await expect(openRealm(directory)).rejects.toMatchObject({
    name: "StoreError",
    code: "corrupt",
    message: `${directory.dir}: the database has no krbtgt/EXAMPLE.TEST@EXAMPLE.TEST; it was emptied: restore a backup`,
  });
  await using examined = await openUnchecked(directory);
  expect(examined.settings).toEqual(directory.settings);
  expect(await examined.principals.get(krbtgtOf("EXAMPLE.TEST"))).toBeUndefined();
});
