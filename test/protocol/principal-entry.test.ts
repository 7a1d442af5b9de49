import { describe, expect, test } from "vitest";
import { currentKeys, currentKvno } from "../../src/protocol/principal-entry.js";
import { makeEntry, makeKeys } from "../support/entries.js";

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
