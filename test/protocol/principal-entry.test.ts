import { describe, expect, test } from "vitest";
import {
  currentKeys,
  currentKvno,
  emptyEntry,
  keyEnd,
  usableKeys,
} from "../../src/protocol/principal-entry.js";
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
    tgtsFrom: NOW,
  });
});

describe("keys that were replaced", () => {
  const [current] = makeKeys([20], 3);
  const [replaced] = makeKeys([20], 2);
  const [oldest] = makeKeys([20], 1);
  const entry = makeEntry("krbtgt/EXAMPLE.TEST", [], {
    keys: [current!, { ...replaced!, goodUntil: 2_000 }, { ...oldest!, goodUntil: 1_000 }],
    keysChangedAt: 500,
  });
  const versions = (now: number) => usableKeys(entry, now, 100).map(({ kvno }) => kvno);

  test("open tickets until their end, whatever order the times come in", () => {
    expect(versions(999)).toEqual([3, 2, 1]);
    expect(versions(1_000)).toEqual([3, 2]);
    expect(versions(1_999)).toEqual([3, 2]);
    expect(versions(2_000)).toEqual([3]);
    expect(versions(9_000_000)).toEqual([3]);
    expect(versions(999)).toEqual([3, 2, 1]);
  });

  test("are the same array as long as they are the same keys", () => {
    expect(usableKeys(entry, 1_000, 100)).toBe(usableKeys(entry, 1_999, 100));
    expect(usableKeys(entry, 2_000, 100)).toBe(usableKeys(entry, 3_000, 100));
  });

  test("end a retention after the change where no end was kept", () => {
    expect(keyEnd(entry, current!, 100)).toBeUndefined();
    expect(keyEnd(entry, entry.keys[1]!, 100)).toBe(2_000);
    expect(keyEnd(entry, oldest!, 100)).toBe(600);
  });
});
