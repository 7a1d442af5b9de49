import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import { weakEtypes } from "../../src/protocol/etypes.js";
import { isProfileName, PROFILES, profile } from "../../src/protocol/profile.js";

describe("a profile", () => {
  test("of the name textbook makes DES keys and permits every type there is", () => {
    const { permitted, keyEtypes } = profile("textbook");
    expect(keyEtypes).toEqual([3]);
    expect(permitted).toEqual([20, 19, 16, 3, -2, -1]);
    expect(permitted).toEqual([...ENCRYPTION_TYPES.keys()]);
  });

  test("of the name standard permits AES with SHA-2 alone, strongest first", () => {
    expect(profile("standard")).toEqual({ name: "standard", permitted: [20, 19], keyEtypes: [20, 19] });
    expect(weakEtypes(profile("standard").permitted)).toEqual([]);
  });

  test.each(Object.keys(PROFILES) as (keyof typeof PROFILES)[])("makes only keys it permits: %s", (name) => {
    const { permitted, keyEtypes } = profile(name);
    for (const etype of keyEtypes) expect(permitted).toContain(etype);
    for (const etype of permitted) expect(ENCRYPTION_TYPES.get(etype)?.etype).toBe(etype);
    expect(new Set(permitted).size).toBe(permitted.length);
  });

  test("is known by its own name alone", () => {
    expect(isProfileName("textbook")).toBe(true);
    for (const text of [
      "",
      "Textbook",
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "textbook ",
    ])
      expect(isProfileName(text)).toBe(false);
  });

  test("that permits DES is told apart by its weak types", () => {
    expect(weakEtypes(profile("textbook").permitted).map(({ etype }) => etype)).toEqual([16, 3, -2, -1]);
  });
});
