import { describe, expect, it, vi } from "vitest";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key, keyFromPassword, type LongTermKey } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import {
  addPasswordPrincipal,
  addRandomKeyPrincipal,
  changePassword,
  newKeyEtypes,
  purgeKeys,
} from "../../src/realm/principal-keys.js";
import { existingPrincipal } from "../../src/realm/principals.js";
import { changeToRandomKeys, withRandomKeysPrepared } from "../../src/realm/random-keys.js";
import { HOUR, keyBytes, keysOf, LATER, MADE, memoryRealm, refusal } from "./realm.js";

const NOT_PERMITTED = refusal(
  "etype",
  "the profile standard does not permit des3-cbc-sha1-kd, des-cbc-md5",
  "it permits aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha256-128",
);
const EXISTS = refusal(
  "exists",
  "alice@EXAMPLE.TEST exists already",
  "cpw changes its password or keys, modprinc its limits",
);
const FOREIGN = { name: "RealmError", reason: "foreign" };
const MISSING = { name: "RealmError", reason: "missing" };

/** The bytes of the key that a password makes, in hexadecimal. */
async function fromPassword(etype: number, password: string, salt: string, params = new Uint8Array()) {
  const key = await keyFromPassword(etypeOf(etype), password, { salt, params });
  return Buffer.from(key.exportBytes()).toString("hex");
}

describe("the encryption types of new keys", () => {
  it("are those asked for, each once, in that order", async () => {
    const realm = await memoryRealm({ profile: "textbook" });
    expect(newKeyEtypes(realm, [19, 3, 19, 20])).toEqual([19, 3, 20]);
  });

  it("are otherwise those of the current keys that are permitted", async () => {
    const realm = await memoryRealm({ profile: "textbook" });
    await addRandomKeyPrincipal(realm, "db", MADE, { etypes: [16] });
    const entry = await changeToRandomKeys(realm, "db", [20, 3], LATER);
    expect(keysOf(entry)).toEqual(["2:20", "2:3", "1:16"]);
    expect(newKeyEtypes(realm, [], entry)).toEqual([20, 3]);
    expect(newKeyEtypes(await memoryRealm(), [], entry)).toEqual([20]);
  });

  it("are otherwise the policy's", async () => {
    const textbook = await memoryRealm({ profile: "textbook" });
    const entry = await addRandomKeyPrincipal(textbook, "db", MADE, { etypes: [3] });
    const standard = await memoryRealm();
    expect(newKeyEtypes(standard, [], entry)).toEqual([20, 19]);
    expect(newKeyEtypes(standard, [])).toEqual([20, 19]);
    expect(newKeyEtypes(textbook, [])).toEqual([3]);
    expect(newKeyEtypes(await memoryRealm({}, { keyEtypes: [19] }), [])).toEqual([19]);
  });

  it("that the profile does not permit are refused, all by name", async () => {
    const realm = await memoryRealm();
    const old = await addRandomKeyPrincipal(realm, "alice", MADE);
    const attempts = [
      async () => newKeyEtypes(realm, [16, 20, 3]),
      () => addRandomKeyPrincipal(realm, "bob", MADE, { etypes: [16, 3] }),
      () => addPasswordPrincipal(realm, "bob", () => expect.fail("asked"), MADE, { etypes: [16, 3] }),
      () => changePassword(realm, "alice", () => expect.fail("asked"), [16, 3], LATER),
      () => changeToRandomKeys(realm, "alice", [16, 3], LATER),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(NOT_PERMITTED);
    await expect(existingPrincipal(realm, "bob")).rejects.toMatchObject(MISSING);
    expect(await existingPrincipal(realm, "alice")).toEqual(old);
    expect(() => newKeyEtypes(realm, [17])).toThrow("the profile standard does not permit etype 17");
  });
});

describe("a new principal", () => {
  it("with a password has keys made from it", async () => {
    const realm = await memoryRealm({ profile: "textbook" });
    const entry = await addPasswordPrincipal(realm, "alice", "secret", LATER, { etypes: [20, 3] });
    expect(entry).toMatchObject({
      principal: "alice@EXAMPLE.TEST",
      passwordKeyed: true,
      disabled: false,
      createdAt: LATER,
      modifiedAt: LATER,
      keysChangedAt: LATER,
    });
    expect(keysOf(entry)).toEqual(["1:20", "1:3"]);
    const salt = "EXAMPLE.TESTalice";
    expect(keyBytes(entry)).toEqual([
      await fromPassword(20, "secret", salt),
      await fromPassword(3, "secret", salt),
    ]);
    expect(await existingPrincipal(realm, "alice")).toEqual(entry);
  });

  it("has keys with the realm's number of iterations", async () => {
    const realm = await memoryRealm({ iterations: 40_000 });
    const entry = await addPasswordPrincipal(realm, "alice", "secret", MADE, { etypes: [19] });
    const params = Buffer.from([0, 0, 0x9c, 0x40]);
    expect([...entry.stringToKey.values()]).toEqual([
      { salt: "EXAMPLE.TESTalice", params: new Uint8Array(params) },
    ]);
    expect(keyBytes(entry)).toEqual([await fromPassword(19, "secret", "EXAMPLE.TESTalice", params)]);
  });

  it("with random keys has one of each encryption type, and no password", async () => {
    const realm = await memoryRealm();
    const entry = await addRandomKeyPrincipal(realm, "notes/db", LATER);
    expect(entry).toMatchObject({
      principal: "notes/db@EXAMPLE.TEST",
      passwordKeyed: false,
      stringToKey: new Map(),
      createdAt: LATER,
      keysChangedAt: LATER,
    });
    expect(keysOf(entry)).toEqual(["1:20", "1:19"]);
    expect(await existingPrincipal(realm, "notes/db")).toEqual(entry);
    const other = await addRandomKeyPrincipal(realm, "notes/other", LATER, { etypes: [19] });
    expect(keysOf(other)).toEqual(["1:19"]);
    expect(new Set([...keyBytes(entry), ...keyBytes(other)]).size).toBe(3);
  });

  it("has the limits that it is made with", async () => {
    const realm = await memoryRealm();
    const limits = { disabled: true, expiresAt: 1, passwordExpiresAt: 2, maxLife: 3, maxRenewableLife: 4 };
    expect(await addRandomKeyPrincipal(realm, "notes/db", MADE, { limits })).toMatchObject(limits);
    expect(await addPasswordPrincipal(realm, "alice", "secret", MADE, { limits })).toMatchObject(limits);
    expect(await existingPrincipal(realm, "alice")).toMatchObject(limits);
  });

  it("of a name that is taken is refused, before anybody types a password", async () => {
    const realm = await memoryRealm();
    const old = await addRandomKeyPrincipal(realm, "alice", MADE);
    await expect(addRandomKeyPrincipal(realm, "alice", LATER)).rejects.toMatchObject(EXISTS);
    await expect(
      addPasswordPrincipal(realm, "alice", () => expect.fail("asked"), LATER),
    ).rejects.toMatchObject(EXISTS);
    expect(await existingPrincipal(realm, "alice")).toEqual(old);
  });

  it("is not made twice where somebody else was quicker", async () => {
    const realm = await memoryRealm();
    const password = async () => {
      await addRandomKeyPrincipal(realm, "alice", MADE);
      return "secret";
    };
    await expect(addPasswordPrincipal(realm, "alice", password, MADE)).rejects.toMatchObject({
      name: "StoreError",
      code: "exists",
    });
  });

  it("of another realm is refused", async () => {
    const realm = await memoryRealm();
    const name = "alice@ELSEWHERE.TEST";
    await expect(addRandomKeyPrincipal(realm, name, MADE)).rejects.toMatchObject(FOREIGN);
    await expect(addPasswordPrincipal(realm, name, "secret", MADE)).rejects.toMatchObject(FOREIGN);
  });

  it("needs a password that is none too short", async () => {
    const realm = await memoryRealm();
    await expect(addPasswordPrincipal(realm, "alice", "", MADE)).rejects.toMatchObject({
      name: "KrbError",
      reason: "KRB_ERR_GENERIC",
    });
    await expect(existingPrincipal(realm, "alice")).rejects.toMatchObject(MISSING);
  });
});

describe("a new password", () => {
  it("makes keys of a new version, and no old key remains", async () => {
    const realm = await memoryRealm();
    const limits = { passwordExpiresAt: LATER, maxLife: HOUR };
    const old = await addPasswordPrincipal(realm, "alice", "one", MADE, { etypes: [19], limits });
    const entry = await changePassword(realm, "alice", "two", [], LATER);
    expect(entry).toEqual({
      ...old,
      keys: entry.keys,
      stringToKey: old.stringToKey,
      passwordKeyed: true,
      passwordExpiresAt: undefined,
      modifiedAt: LATER,
      keysChangedAt: LATER,
      tgtsFrom: LATER,
    });
    expect(keysOf(entry)).toEqual(["2:19"]);
    expect(keyBytes(entry)).toEqual([await fromPassword(19, "two", "EXAMPLE.TESTalice")]);
    expect(await existingPrincipal(realm, "alice")).toEqual(entry);
  });

  it("takes the place of random keys", async () => {
    const realm = await memoryRealm({ iterations: 40_000 });
    await addRandomKeyPrincipal(realm, "alice", MADE);
    const entry = await changePassword(realm, "alice", async () => "two", [20], LATER);
    expect(entry).toMatchObject({ passwordKeyed: true, createdAt: MADE });
    expect(keysOf(entry)).toEqual(["2:20"]);
    const params = Buffer.from([0, 0, 0x9c, 0x40]);
    expect([...entry.stringToKey]).toEqual([
      [20, { salt: "EXAMPLE.TESTalice", params: new Uint8Array(params) }],
    ]);
    expect(keyBytes(entry)).toEqual([await fromPassword(20, "two", "EXAMPLE.TESTalice", params)]);
  });

  it("keeps what somebody else changed while it was typed, but not keys", async () => {
    const realm = await memoryRealm();
    const { principal } = await addPasswordPrincipal(realm, "alice", "one", MADE);
    const disable = async () => {
      await realm.principals.change(principal, (entry) => ({ ...entry, disabled: true }));
      return "two";
    };
    expect(await changePassword(realm, "alice", disable, [], LATER)).toMatchObject({ disabled: true });
    const rekey = async () => {
      await changeToRandomKeys(realm, "alice", [], LATER, { endPassword: true });
      return "three";
    };
    await expect(changePassword(realm, "alice", rekey, [], LATER)).rejects.toMatchObject(
      refusal(
        "changed",
        "alice@EXAMPLE.TEST was given other keys in the meantime; nothing was changed",
        "try again",
      ),
    );
    expect(await existingPrincipal(realm, "alice")).toMatchObject({ passwordKeyed: false });
  });

  it("is never the TGS's", async () => {
    const realm = await memoryRealm();
    const tgs = await existingPrincipal(realm, "krbtgt/EXAMPLE.TEST");
    await expect(
      changePassword(realm, "krbtgt/EXAMPLE.TEST", () => expect.fail("asked"), [], LATER),
    ).rejects.toMatchObject(
      refusal("protected", "the realm's TGS has random keys, never a password", "use -randkey"),
    );
    expect(await existingPrincipal(realm, "krbtgt/EXAMPLE.TEST")).toEqual(tgs);
  });

  it("needs a principal of this realm that is there", async () => {
    const realm = await memoryRealm();
    await expect(changePassword(realm, "bob", () => expect.fail("asked"), [], LATER)).rejects.toMatchObject(
      MISSING,
    );
    await expect(changePassword(realm, "bob@ELSEWHERE.TEST", "two", [], LATER)).rejects.toMatchObject(
      FOREIGN,
    );
  });
});

describe("new random keys", () => {
  it("are of a new version; the one replaced remains", async () => {
    const realm = await memoryRealm();
    const limits = { passwordExpiresAt: 1, maxLife: HOUR };
    const old = await addRandomKeyPrincipal(realm, "notes/db", MADE, { limits });
    const entry = await changeToRandomKeys(realm, "notes/db", [19], LATER);
    expect(entry).toEqual({
      ...old,
      keys: entry.keys,
      passwordExpiresAt: undefined,
      modifiedAt: LATER,
      keysChangedAt: LATER,
    });
    expect(keysOf(entry)).toEqual(["2:19", "1:20", "1:19"]);
    expect(keyBytes(entry).slice(1)).toEqual(keyBytes(old));
    expect(keyBytes(old)).not.toContain(keyBytes(entry)[0]);
    expect(await existingPrincipal(realm, "notes/db")).toEqual(entry);
  });

  it("keep every old version under which a ticket may live: for the longest life afterwards", async () => {
    const maxLife = 10 * HOUR;
    const clockSkew = 300_000;
    const versions = async (...gaps: number[]) => {
      const realm = await memoryRealm({ maxLife });
      await addRandomKeyPrincipal(realm, "notes/db", MADE, { etypes: [20] });
      let now = MADE;
      for (const gap of gaps) {
        now += gap;
        await changeToRandomKeys(realm, "notes/db", [], now);
      }
      return keysOf(await existingPrincipal(realm, "notes/db"));
    };
    expect(await versions(1, 1, 1)).toEqual(["4:20", "3:20", "2:20", "1:20"]);
    // Version 1 was replaced that long before: no ticket under it is left.
    const longest = maxLife + clockSkew;
    expect(await versions(1, longest)).toEqual(["3:20", "2:20"]);
    expect(await versions(1, longest - 1)).toEqual(["3:20", "2:20", "1:20"]);
    expect(await versions(1, longest, 1)).toEqual(["4:20", "3:20", "2:20"]);
    expect(await versions(1, 1, longest, longest)).toEqual(["5:20", "4:20"]);
  });

  it("end a password only where that is asked for, and no key of it remains", async () => {
    const realm = await memoryRealm();
    await addPasswordPrincipal(realm, "alice", "secret", MADE);
    await expect(changeToRandomKeys(realm, "alice", [], LATER)).rejects.toMatchObject(
      refusal(
        "password-keyed",
        "alice@EXAMPLE.TEST has a password: it is a person's, and random keys would end it",
        "a service needs a principal of its own: tessera kadmin addprinc -randkey NAME",
      ),
    );
    expect(keysOf(await existingPrincipal(realm, "alice"))).toEqual(["1:20", "1:19"]);
    const entry = await changeToRandomKeys(realm, "alice", [], LATER, { endPassword: true });
    expect(entry).toMatchObject({ passwordKeyed: false, stringToKey: new Map(), tgtsFrom: LATER });
    expect(keysOf(entry)).toEqual(["2:20", "2:19"]);
  });

  it("leave logins alone, unless these are to end", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "notes/db", MADE);
    expect((await changeToRandomKeys(realm, "notes/db", [], LATER)).tgtsFrom).toBe(MADE);
    const ended = await changeToRandomKeys(realm, "notes/db", [], LATER, { endTgts: true });
    expect(ended.tgtsFrom).toBe(LATER);
  });

  it("are the TGS's to have", async () => {
    const realm = await memoryRealm();
    expect(keysOf(await changeToRandomKeys(realm, "krbtgt/EXAMPLE.TEST", [20], LATER))).toEqual([
      "2:20",
      "1:20",
      "1:19",
    ]);
  });

  it("need a principal of this realm that is there", async () => {
    const realm = await memoryRealm();
    await expect(changeToRandomKeys(realm, "bob", [], LATER)).rejects.toMatchObject(MISSING);
    await expect(changeToRandomKeys(realm, "bob@ELSEWHERE.TEST", [], LATER)).rejects.toMatchObject(FOREIGN);
  });
});

describe("old keys", () => {
  const threeVersions = async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "notes/db", MADE, { etypes: [20] });
    await changeToRandomKeys(realm, "notes/db", [], MADE + 1);
    await changeToRandomKeys(realm, "notes/db", [], MADE + 2);
    return realm;
  };

  it.each<[number | undefined, string[], number[]]>([
    [undefined, ["3:20"], [2, 1]],
    [3, ["3:20"], [2, 1]],
    [2, ["3:20", "2:20"], [1]],
    [1, ["3:20", "2:20", "1:20"], []],
  ])("are purged below version %s", async (keepFrom, left, gone) => {
    const realm = await threeVersions();
    const { entry, purged } = await purgeKeys(realm, "notes/db", LATER, keepFrom);
    expect(keysOf(entry)).toEqual(left);
    expect(purged).toEqual(gone);
    expect(entry.modifiedAt).toBe(gone.length > 0 ? LATER : MADE + 2);
    expect(entry.tgtsFrom).toBe(MADE);
    expect(await existingPrincipal(realm, "notes/db")).toEqual(entry);
  });

  it("are never purged along with the current ones", async () => {
    const realm = await threeVersions();
    await expect(purgeKeys(realm, "notes/db", LATER, 4)).rejects.toMatchObject(
      refusal(
        "version",
        "notes/db@EXAMPLE.TEST: its current keys are version 3: none would be left from 4 on",
      ),
    );
    expect(keysOf(await existingPrincipal(realm, "notes/db"))).toEqual(["3:20", "2:20", "1:20"]);
    await expect(purgeKeys(realm, "bob", LATER)).rejects.toMatchObject(MISSING);
  });
});

describe("keys that are prepared", () => {
  it("are made anew while somebody else is faster, five times at most", async () => {
    const realm = await memoryRealm();
    await addRandomKeyPrincipal(realm, "a", MADE);
    const tries: string[][] = [];
    const attempt = withRandomKeysPrepared(realm, "a", [20], LATER, async ({ entry, write }) => {
      tries.push(keysOf(entry));
      await changeToRandomKeys(realm, "a", [20], LATER);
      return write();
    });
    await expect(attempt).rejects.toMatchObject(
      refusal(
        "changed",
        "a@EXAMPLE.TEST was given other keys in the meantime; nothing was changed",
        "try again",
      ),
    );
    expect(tries.map(([newest]) => newest)).toEqual(["2:20", "3:20", "4:20", "5:20", "6:20"]);
    const failing = vi.fn().mockRejectedValue(new Error("no"));
    await expect(withRandomKeysPrepared(realm, "a", [20], LATER, failing)).rejects.toThrow("no");
    expect(failing).toHaveBeenCalledTimes(1);
  });

  it("are not written over keys of the same version that were made at another time", async () => {
    const realm = await memoryRealm();
    const { principal } = await addRandomKeyPrincipal(realm, "a", MADE);
    let tries = 0;
    const entry = await withRandomKeysPrepared(realm, "a", [20], LATER, async ({ write }) => {
      if (tries++ === 0)
        await realm.principals.change(principal, (latest) => ({ ...latest, keysChangedAt: MADE + 1 }));
      return write();
    });
    expect([tries, keysOf(entry)[0]]).toEqual([2, "2:20"]);
  });

  it("are in the database or not: each key of the version, its type and its bytes", async () => {
    const realm = await memoryRealm({ profile: "textbook" });
    const { principal } = await addRandomKeyPrincipal(realm, "a", MADE);
    await withRandomKeysPrepared(realm, "a", [20, 3], LATER, async ({ entry, write, isWritten }) => {
      const put = (...keys: LongTermKey[]) =>
        realm.principals.change(principal, (latest) => ({ ...latest, keys }));
      expect(await isWritten()).toBe(false);
      await write();
      expect(await isWritten()).toBe(true);
      const [aes, des] = entry.keys.filter(({ kvno }) => kvno === 2) as [LongTermKey, LongTermKey];
      const other = {
        kvno: 2,
        key: (await addRandomKeyPrincipal(realm, "b", MADE, { etypes: [20] })).keys[0]!.key,
      };
      const otherType = { kvno: 2, key: new Key(etypeOf(-1), des.key.exportBytes()) };
      const later = [aes, des].map(({ key }) => ({ kvno: 3, key }));
      for (const keys of [[aes], [aes, des, other], [other, des], [aes, otherType], later]) {
        await put(...keys);
        expect([keysOf({ ...entry, keys }), await isWritten()]).toEqual([expect.any(Array), false]);
      }
      await put(aes, des);
      expect(await isWritten()).toBe(true);
    });
  });
});

it("a name may be given in full", async () => {
  const realm = await memoryRealm();
  const alice = parsePrincipal("alice@EXAMPLE.TEST", "test");
  expect((await addRandomKeyPrincipal(realm, alice, MADE)).principal).toBe(alice);
});
