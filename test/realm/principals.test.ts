import { describe, expect, it } from "vitest";
import { krbtgtOf, parsePrincipal } from "../../src/protocol/principal.js";
import { addRandomKeyPrincipal } from "../../src/realm/principal-keys.js";
import {
  deletePrincipal,
  existingPrincipal,
  isTgs,
  listPrincipals,
  localPrincipal,
  modifyPrincipal,
} from "../../src/realm/principals.js";
import type { Realm } from "../../src/realm/realm.js";
import { LATER, MADE, memoryRealm, refusal } from "./realm.js";

const TGS = "krbtgt/EXAMPLE.TEST";
const PROTECTED = refusal("protected", `${TGS}@EXAMPLE.TEST is the realm's TGS: without it nobody logs in`);
const MISSING = refusal(
  "missing",
  "there is no principal alice@EXAMPLE.TEST",
  "`tessera kadmin listprincs` lists them",
);

async function names(realm: Realm, pattern?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { principal } of listPrincipals(realm, pattern)) found.push(principal);
  return found;
}

describe("a name", () => {
  it("without a realm is in this one; with this realm it is the same", async () => {
    const realm = await memoryRealm();
    expect(localPrincipal(realm, "alice/admin")).toBe("alice/admin@EXAMPLE.TEST");
    expect(localPrincipal(realm, "alice/admin@EXAMPLE.TEST")).toBe("alice/admin@EXAMPLE.TEST");
  });

  it.each(["alice@ELSEWHERE.TEST", "alice@SUB.EXAMPLE.TEST", "alice@TEST"])(
    "of another realm is refused: %s",
    async (name) => {
      const realm = await memoryRealm();
      const foreign = refusal("foreign", `${name} is not of this realm, EXAMPLE.TEST`);
      expect(() => localPrincipal(realm, name)).toThrow(expect.objectContaining(foreign));
      await expect(existingPrincipal(realm, name)).rejects.toMatchObject(foreign);
      await expect(modifyPrincipal(realm, name, {}, LATER)).rejects.toMatchObject(foreign);
      await expect(deletePrincipal(realm, name)).rejects.toMatchObject(foreign);
    },
  );

  it("outside the grammar is refused as the protocol does", async () => {
    const realm = await memoryRealm();
    expect(() => localPrincipal(realm, "a//b")).toThrow(
      expect.objectContaining({ name: "KrbError", reason: "KRB_ERR_GENERIC" }),
    );
  });

  it("is the TGS's or not", async () => {
    const realm = await memoryRealm();
    expect(isTgs(realm, TGS)).toBe(true);
    expect(isTgs(realm, krbtgtOf("EXAMPLE.TEST"))).toBe(true);
    expect(isTgs(realm, "krbtgt/ELSEWHERE.TEST")).toBe(false);
    expect(isTgs(realm, "alice")).toBe(false);
  });
});

describe("a principal", () => {
  it("is found by its name", async () => {
    const realm = await memoryRealm();
    expect(await existingPrincipal(realm, "v/localhost")).toMatchObject({
      principal: "v/localhost@EXAMPLE.TEST",
      createdAt: MADE,
    });
  });

  it("that is not there is refused", async () => {
    const realm = await memoryRealm();
    await expect(existingPrincipal(realm, "alice")).rejects.toMatchObject(MISSING);
    await expect(modifyPrincipal(realm, "alice", {}, LATER)).rejects.toMatchObject(MISSING);
    await expect(deletePrincipal(realm, "alice")).rejects.toMatchObject(MISSING);
  });

  it("is deleted once", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "alice", MADE);
    expect(await deletePrincipal(realm, "alice")).toBe("alice@EXAMPLE.TEST");
    await expect(deletePrincipal(realm, "alice")).rejects.toMatchObject(MISSING);
  });

  it("gets the limits given, keeps the others, and loses those that are undefined", async () => {
    const realm = await memoryRealm();
    const first = { disabled: true, expiresAt: 1, passwordExpiresAt: 2, maxLife: 3, maxRenewableLife: 4 };
    const made = await addRandomKeyPrincipal(realm, "alice", MADE);
    const limited = await modifyPrincipal(realm, "alice", first, LATER);
    expect(limited).toEqual({ ...made, ...first, modifiedAt: LATER });
    const changed = await modifyPrincipal(realm, "alice", { disabled: false, maxLife: undefined }, LATER + 1);
    expect(changed).toEqual({ ...limited, disabled: false, maxLife: undefined, modifiedAt: LATER + 1 });
    expect(await existingPrincipal(realm, "alice")).toEqual(changed);
  });
});

describe("the realm's TGS", () => {
  it.each([{ disabled: true }, { expiresAt: LATER }, { disabled: true, maxLife: 1 }])(
    "can't be taken away: %o",
    async (limits) => {
      const realm = await memoryRealm();
      await expect(modifyPrincipal(realm, TGS, limits, LATER)).rejects.toMatchObject(PROTECTED);
      expect(await existingPrincipal(realm, TGS)).toMatchObject({ disabled: false, modifiedAt: MADE });
    },
  );

  it("can't be deleted", async () => {
    const realm = await memoryRealm();
    await expect(deletePrincipal(realm, TGS)).rejects.toMatchObject(PROTECTED);
    expect(await names(realm)).toContain("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST");
  });

  it("can be limited, and enabled", async () => {
    const realm = await memoryRealm();
    const limits = { disabled: false, expiresAt: undefined, maxLife: 1000 };
    expect(await modifyPrincipal(realm, TGS, limits, LATER)).toMatchObject({
      maxLife: 1000,
      modifiedAt: LATER,
    });
  });

  it("of another realm is a principal like any other", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "krbtgt/ELSEWHERE.TEST", MADE);
    await modifyPrincipal(realm, "krbtgt/ELSEWHERE.TEST", { disabled: true }, LATER);
    expect(await deletePrincipal(realm, "krbtgt/ELSEWHERE.TEST")).toBe("krbtgt/ELSEWHERE.TEST@EXAMPLE.TEST");
  });
});

describe("a list", () => {
  const ALL = ["krbtgt/EXAMPLE.TEST", "notes/a", "notes/ab", "notes/b", "notes/ba", "v/localhost"];
  const full = (found: readonly string[]) => found.map((name) => `${name}@EXAMPLE.TEST`);

  async function realmOfAll(): Promise<Realm> {
    const realm = await memoryRealm();
    for (const name of ["notes/b", "notes/a", "notes/ba", "notes/ab"])
      await addRandomKeyPrincipal(realm, name, MADE);
    return realm;
  }

  it.each<[string | undefined, string[]]>([
    [undefined, ALL],
    ["*", ALL],
    ["*@EXAMPLE.TEST", ALL],
    ["notes/a", ["notes/a"]],
    ["notes/a@EXAMPLE.TEST", ["notes/a"]],
    ["notes", []],
    ["otes/a", []],
    ["notes/*", ["notes/a", "notes/ab", "notes/b", "notes/ba"]],
    ["*/a", ["notes/a"]],
    ["*a", ["notes/a", "notes/ba"]],
    ["notes/a*b", ["notes/ab"]],
    ["notes/*a*", ["notes/a", "notes/ab", "notes/ba"]],
    ["notes/b*b", []],
    ["n*t*s/*", ["notes/a", "notes/ab", "notes/b", "notes/ba"]],
    ["n*t*t*", []],
    ["*es*a", ["notes/a", "notes/ba"]],
    ["*a*a", []],
    ["**", ALL],
    ["notes/?", ["notes/a", "notes/b"]],
    ["notes/??", ["notes/ab", "notes/ba"]],
    ["notes/[b-z]*", ["notes/b", "notes/ba"]],
    ["notes/[!b]*", ["notes/a", "notes/ab"]],
    ["notes/[^b]?", ["notes/ab"]],
    ["notes/[ab][ab]@*", ["notes/ab", "notes/ba"]],
    ["notes/\\*", []],
    ["notes/\\a", ["notes/a"]],
    ["notes/[a", []],
    ["notes/*@ELSEWHERE.TEST", []],
    ["*TEST", ["krbtgt/EXAMPLE.TEST"]],
  ])("of %s has those whose names match, in order", async (pattern, expected) => {
    expect(await names(await realmOfAll(), pattern)).toEqual(full(expected));
  });

  it("does not let pieces of a pattern share a letter", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "aba", MADE);
    expect(await names(realm, "ab*ba")).toEqual([]);
    expect(await names(realm, "ab*a")).toEqual(["aba@EXAMPLE.TEST"]);
    expect(await names(realm, "*ab*ba*")).toEqual([]);
  });

  it("takes no longer for many stars", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "a".repeat(60), MADE);
    expect(await names(realm, `${"*a".repeat(59)}*b`)).toEqual([]);
  });

  it("holds whole entries", async () => {
    const realm = await memoryRealm();
    for await (const entry of listPrincipals(realm, "v/localhost"))
      expect(entry).toEqual(await realm.principals.get(parsePrincipal("v/localhost@EXAMPLE.TEST", "test")));
    expect.assertions(1);
  });
});
