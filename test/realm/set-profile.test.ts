import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createRealm } from "../../src/realm/create-realm.js";
import { openRealm } from "../../src/realm/open-realm.js";
import { addPasswordPrincipal, addRandomKeyPrincipal } from "../../src/realm/principal-keys.js";
import { changeToRandomKeys } from "../../src/realm/random-keys.js";
import { openRealmDirectory } from "../../src/realm/realm-directory.js";
import { setProfile } from "../../src/realm/set-profile.js";
import { newFolder } from "./folder.js";
import { LATER, MADE, memoryRealm } from "./realm.js";

it("moves a realm, and says who has no current key for the new profile", async () => {
  const directory = await createRealm(join(newFolder(), "realm"), {}, MADE);
  await using realm = await openRealm(directory);
  await addRandomKeyPrincipal(realm, "both", MADE, { etypes: [3, 19] });
  await addPasswordPrincipal(realm, "alice", "secret", MADE);
  // A key of the old version does not count: no ticket is made with it.
  await addRandomKeyPrincipal(realm, "before", MADE, { etypes: [20] });
  await changeToRandomKeys(realm, "before", [3], LATER);
  const { from, to, lacking } = await setProfile(realm, "standard");
  expect([from, to]).toEqual(["textbook", "standard"]);
  expect(lacking.map(({ principal, passwordKeyed }) => [principal, passwordKeyed])).toEqual([
    ["alice@EXAMPLE.TEST", true],
    ["before@EXAMPLE.TEST", false],
    ["krbtgt/EXAMPLE.TEST@EXAMPLE.TEST", false],
    ["v/localhost@EXAMPLE.TEST", false],
  ]);
  expect(realm.settings.profile).toBe("textbook");
  expect(await openRealmDirectory(directory.dir)).toEqual({
    ...directory,
    settings: { ...directory.settings, profile: "standard" },
  });
  await using moved = await openRealm(directory.dir);
  expect(await setProfile(moved, "textbook")).toEqual({ from: "standard", to: "textbook", lacking: [] });
});

it("leaves the rest of the file as its operator wrote it", async () => {
  const directory = await createRealm(join(newFolder(), "realm"), { iterations: 40_000 }, MADE);
  const file = join(directory.dir, "realm.json");
  const written = { ...JSON.parse(readFileSync(file, "utf8")), maxLife: "600m", iterations: 50_000 };
  writeFileSync(file, JSON.stringify(written));
  await using realm = await openRealm(directory);
  await setProfile(realm, "standard");
  expect(readFileSync(file, "utf8")).toBe(
    `${JSON.stringify({ ...written, profile: "standard" }, undefined, 2)}\n`,
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it("changes nothing where the file is not a JSON object", async () => {
  const directory = await createRealm(join(newFolder(), "realm"), {}, MADE);
  const file = join(directory.dir, "realm.json");
  await using realm = await openRealm(directory);
  for (const text of ["{", "[]"]) {
    writeFileSync(file, text);
    await expect(setProfile(realm, "standard")).rejects.toMatchObject({
      name: "StoreError",
      code: "corrupt",
    });
    expect(readFileSync(file, "utf8")).toBe(text);
  }
});

it("takes a realm with a folder, not one in memory", async () => {
  await expect(setProfile(await memoryRealm(), "textbook")).rejects.toThrow(
    new TypeError("realm: expected one with a folder, got one in memory"),
  );
});
