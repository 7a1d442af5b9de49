import { describe, expect, test } from "vitest";
import { currentKeys, currentKvno, emptyEntry } from "../../src/protocol/principal-entry.js";
import { makeEntry, makeKeys, NOW, named } from "../support/entries.js";

describe("the keys of a principal", () => {
  const newest = makeKeys([20, 3], 7);
  const older = makeKeys([3], 2);
  const entry = makeEntry("notes/localhost", [], { keys: [...newest, ...older] });

  test("are current where their version is the highest", () => {
    expect(currentKvno(entry)).toBe(7);
    expect(currentKeys(entry)).toEqual(newest);
  });

  test("are current whatever their order", () => {
    expect(currentKeys({ ...entry, keys: [...older, ...newest] })).toEqual(newest);
  });

  test("may be none", () => {
    const keyless = makeEntry("nobody", []);
    expect(currentKvno(keyless)).toBe(0);
    expect(currentKeys(keyless)).toEqual([]);
  });
});

test("a new principal has no keys, no limits, no password, and is not disabled", () => {
  const principal = named("alice");
  expect(emptyEntry(principal, NOW)).toEqual({
    principal,
    keys: [],
    stringToKey: new Map(),
    passwordKeyed: false,
    disabled: false,
    expiresAt: undefined,
    passwordExpiresAt: undefined,
    maxLife: undefined,
    maxRenewableLife: undefined,
    createdAt: NOW,
    modifiedAt: NOW,
    keysChangedAt: NOW,
  });
});
