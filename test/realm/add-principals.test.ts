import { describe, expect, it } from "vitest";
import { addPrincipals, checkNewPrincipal } from "../../src/realm/add-principals.js";
import { addRandomKeyPrincipal } from "../../src/realm/principal-keys.js";
import { existingPrincipal } from "../../src/realm/principals.js";
import { keysOf, MADE, memoryRealm } from "./realm.js";

const service = (name: string) => ({ name, password: undefined });

describe("many principals at once", () => {
  it("are added each with its settings, and told of in their order", async () => {
    const realm = await memoryRealm();
    const people = [
      { name: "alice", password: "secret", etypes: [19] },
      ...Array.from({ length: 200 }, (_, i) => service(`db/h${i}`)),
      { name: "bob", password: "secret", limits: { disabled: true } },
    ];
    const told: string[] = [];
    for await (const { principal, entry } of addPrincipals(realm, people, MADE, "refuse")) {
      told.push(principal);
      expect(entry).toEqual(await existingPrincipal(realm, principal));
    }
    expect(told).toEqual(people.map(({ name }) => `${name}@EXAMPLE.TEST`));
    expect(keysOf(await existingPrincipal(realm, "alice"))).toEqual(["1:19"]);
    expect(await existingPrincipal(realm, "bob")).toMatchObject({ disabled: true, passwordKeyed: true });
  });

  it("leave one that is there as it is where they are asked to", async () => {
    const realm = await memoryRealm();
    const before = await addRandomKeyPrincipal(realm, "db/a", MADE);
    const all = [];
    for await (const added of addPrincipals(realm, [service("db/a"), service("db/b")], MADE + 1, "skip"))
      all.push(added);
    expect(all.map(({ principal, entry }) => [principal, entry?.createdAt])).toEqual([
      ["db/a@EXAMPLE.TEST", undefined],
      ["db/b@EXAMPLE.TEST", MADE + 1],
    ]);
    expect(await existingPrincipal(realm, "db/a")).toEqual(before);
  });

  it("fail at one that is there, otherwise; nothing is on its way afterwards", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "db/b", MADE);
    const names = ["db/a", "db/b", "db/c"].map(service);
    const told: string[] = [];
    const adding = (async () => {
      for await (const { principal } of addPrincipals(realm, names, MADE, "refuse")) told.push(principal);
    })();
    await expect(adding).rejects.toMatchObject({ reason: "exists" });
    expect(told).toEqual(["db/a@EXAMPLE.TEST"]);
  });
});

describe("a new principal is checked before it is added", () => {
  it("for its name, its encryption types, its password, and whether there is one already", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "db", MADE);
    expect(await checkNewPrincipal(realm, service("db"))).toEqual({
      principal: "db@EXAMPLE.TEST",
      exists: true,
    });
    expect(await checkNewPrincipal(realm, service("other"))).toMatchObject({ exists: false });
    const refused = (fields: object) => checkNewPrincipal(realm, { ...service("x"), ...fields });
    await expect(refused({ name: "x@OTHER.TEST" })).rejects.toMatchObject({ reason: "foreign" });
    await expect(refused({ etypes: [3] })).rejects.toMatchObject({ reason: "etype" });
    await expect(refused({ password: "a\u0007" })).rejects.toMatchObject({ reason: "KRB_ERR_GENERIC" });
    await expect(refused({ password: "p".repeat(1025) })).rejects.toMatchObject({
      reason: "KRB_ERR_FIELD_TOOLONG",
    });
  });
});
