import { describe, expect, test, vi } from "vitest";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key, keyFromPassword, type LongTermKey } from "../../src/protocol/keys.js";
import {
  passwordPrincipal,
  randomKeyPrincipal,
  withPassword,
  withRandomKeys,
} from "../../src/protocol/new-principal.js";
import { HOUR, NOW, named } from "../support/entries.js";

const versions = (keys: readonly LongTermKey[]) => keys.map(({ kvno, key }) => [kvno, key.etype.etype]);

describe("a principal with a password", () => {
  test("has a key of each type, of version 1, by the custom salt", async () => {
    const alice = await passwordPrincipal(named("alice"), "correct horse", [3, 16], NOW);
    expect(versions(alice.keys)).toEqual([
      [1, 3],
      [1, 16],
    ]);
    expect(alice).toMatchObject({
      passwordKeyed: true,
      disabled: false,
      createdAt: NOW,
      modifiedAt: NOW,
      keysChangedAt: NOW,
    });
    expect(alice.stringToKey.get(3)).toEqual({ salt: "EXAMPLE.TESTalice", params: new Uint8Array() });
    const again = await keyFromPassword(etypeOf(3), "correct horse", alice.stringToKey.get(3)!);
    expect(alice.keys[0]!.key.exportBytes()).toEqual(again.exportBytes());
  });

  test("has its AES keys made by the iterations of the policy, and says so; DES knows none", async () => {
    const alice = await passwordPrincipal(named("alice"), "correct horse", [20, 19, 3], NOW, 40_000);
    const params = (etype: number) => alice.stringToKey.get(etype)?.params;
    expect([params(20), params(19), params(3)]).toEqual([
      Uint8Array.of(0, 0, 0x9c, 0x40),
      Uint8Array.of(0, 0, 0x9c, 0x40),
      new Uint8Array(),
    ]);
    const again = await keyFromPassword(etypeOf(20), "correct horse", alice.stringToKey.get(20)!);
    const byDefault = await passwordPrincipal(named("alice"), "correct horse", [20], NOW);
    expect(alice.keys[0]!.key.exportBytes()).toEqual(again.exportBytes());
    expect(alice.keys[0]!.key.exportBytes()).not.toEqual(byDefault.keys[0]!.key.exportBytes());
  });

  test("loses the old password's keys with a new one", async () => {
    const alice = await passwordPrincipal(named("alice"), "old", [3], NOW);
    const changed = await withPassword(alice, "new", [3], NOW + HOUR);
    expect(versions(changed.keys)).toEqual([[2, 3]]);
    expect(changed).toMatchObject({ createdAt: NOW, modifiedAt: NOW + HOUR, keysChangedAt: NOW + HOUR });
    expect(versions(alice.keys)).toEqual([[1, 3]]);
  });

  test("ends the logins of before with another password, not with the same one anew", async () => {
    const alice = { ...(await passwordPrincipal(named("alice"), "old", [3, 16], NOW)), tgtsFrom: NOW };
    const from = async (password: string, entry = alice) =>
      (await withPassword(entry, password, [20], NOW + HOUR)).tgtsFrom;
    expect(await from("old")).toBe(NOW);
    expect(await from("Old")).toBe(NOW + HOUR);
    // Keys that no password made, or that nobody knows how to make again, are another's.
    expect(await from("old", { ...alice, passwordKeyed: false })).toBe(NOW + HOUR);
    expect(await from("old", { ...alice, stringToKey: new Map() })).toBe(NOW + HOUR);
    expect(await from("old", { ...alice, keys: [] })).toBe(NOW + HOUR);
  });

  test("is compared with a key that is wiped at once", async () => {
    const alice = await passwordPrincipal(named("alice"), "old", [3], NOW);
    const wipe = vi.spyOn(Key.prototype, "wipe");
    await withPassword(alice, "old", [3], NOW + HOUR);
    expect(wipe).toHaveBeenCalledTimes(1);
    expect(wipe.mock.contexts[0]).not.toBe(alice.keys[0]!.key);
    wipe.mockRestore();
  });

  test("may not have an empty, an enormous or an ill-formed one", async () => {
    const make = (password: string) => passwordPrincipal(named("alice"), password, [3], NOW);
    await expect(make("")).rejects.toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: "password" },
    });
    await expect(make(undefined as unknown as string)).rejects.toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: "password" },
    });
    await expect(make("a\ud800")).rejects.toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: "password" },
    });
    await expect(make("a".repeat(1025))).rejects.toMatchObject({
      reason: "KRB_ERR_FIELD_TOOLONG",
      details: { length: "1025", limit: "1024" },
    });
    await expect(make("é".repeat(513))).rejects.toMatchObject({
      reason: "KRB_ERR_FIELD_TOOLONG",
      details: { length: "1026" },
    });
    expect((await make("é".repeat(512))).keys).toHaveLength(1);
  });
});

describe("a principal with random keys", () => {
  const service = randomKeyPrincipal(named("notes/localhost"), [20, 3], NOW);

  test("has a key of each type and no password", () => {
    expect(versions(service.keys)).toEqual([
      [1, 20],
      [1, 3],
    ]);
    expect(service).toMatchObject({ passwordKeyed: false });
    expect(service.stringToKey.size).toBe(0);
  });

  test("keeps a version that was replaced for as long as is asked, and not a millisecond longer", () => {
    const second = withRandomKeys(service, [3], NOW, HOUR);
    const third = (now: number) => versions(withRandomKeys(second, [3], now, HOUR).keys);
    expect(second.keys.map(({ goodUntil }) => goodUntil)).toEqual([undefined, NOW + HOUR, NOW + HOUR]);
    expect(third(NOW + HOUR - 1)).toEqual([
      [3, 3],
      [2, 3],
      [1, 20],
      [1, 3],
    ]);
    expect(third(NOW + HOUR)).toEqual([
      [3, 3],
      [2, 3],
    ]);
    expect(versions(withRandomKeys(service, [3], NOW, 0).keys)).toEqual([[2, 3]]);
  });

  test("a version replaced before ends were kept ends as long after its replacement", () => {
    const old = { ...withRandomKeys(service, [3], NOW, HOUR), keysChangedAt: NOW };
    const stored = { ...old, keys: old.keys.map(({ kvno, key }) => ({ kvno, key })) };
    const later = withRandomKeys(stored, [3], NOW + 1, HOUR);
    expect(later.keys.map(({ kvno, goodUntil }) => [kvno, goodUntil])).toEqual([
      [3, undefined],
      [2, NOW + 1 + HOUR],
      [1, NOW + HOUR],
      [1, NOW + HOUR],
    ]);
  });

  test("keeps no key of a password it had before", async () => {
    const alice = await passwordPrincipal(named("alice"), "guessable", [3], NOW);
    const changed = withRandomKeys(alice, [3], NOW + 1, HOUR);
    expect(versions(changed.keys)).toEqual([[2, 3]]);
    expect(changed.passwordKeyed).toBe(false);
    expect(changed.stringToKey.size).toBe(0);
    expect(changed.tgtsFrom).toBe(NOW + 1);
  });

  test("ends no TGT of a principal that had random keys", () => {
    expect(withRandomKeys(service, [3], NOW + 1, HOUR).tgtsFrom).toBe(NOW);
  });
});
