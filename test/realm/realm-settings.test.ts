import { describe, expect, it } from "vitest";
import { ATTEMPT_LIMIT_FORM, DEFAULT_ATTEMPT_LIMITS } from "../../src/protocol/attempt-limits.js";
import {
  checkSettings,
  DEFAULT_SETTINGS,
  formatSettings,
  parseObject,
  parseSettings,
  policyOf,
  type RealmSettings,
} from "../../src/realm/realm-settings.js";

const FILE = "/r/realm.json";
const TEN_YEARS = 10 * 366 * 86_400_000;
const GOOD = {
  format: 1,
  realm: "EXAMPLE.TEST",
  profile: "textbook",
  maxLife: "10h",
  maxRenewableLife: "7d",
  clockSkew: "5m",
};

/** Reads settings that differ from good ones. */
function read(changes: Record<string, unknown>): RealmSettings {
  return parseSettings(JSON.stringify({ ...GOOD, ...changes }), FILE);
}

/** What a refusal says. */
function refused(code: string, text: string) {
  return expect.objectContaining({ name: "StoreError", code, message: `${FILE}: ${text}` });
}

it("the defaults are those of RFC 4120's customs, and can't be changed", () => {
  expect(DEFAULT_SETTINGS).toEqual({
    realm: "EXAMPLE.TEST",
    profile: "textbook",
    maxLife: 36_000_000,
    maxRenewableLife: 604_800_000,
    clockSkew: 300_000,
  });
  expect(Object.isFrozen(DEFAULT_SETTINGS)).toBe(true);
  expect(() => checkSettings(DEFAULT_SETTINGS)).not.toThrow();
});

it("settings make a policy: the profile's encryption types and the limits as they are", () => {
  expect(policyOf(DEFAULT_SETTINGS)).toEqual({
    realm: "EXAMPLE.TEST",
    permittedEtypes: [20, 19, 16, 3, -2, -1],
    keyEtypes: [3],
    maxLife: 36_000_000,
    maxRenewableLife: 604_800_000,
    clockSkew: 300_000,
    iterations: undefined,
    attempts: DEFAULT_ATTEMPT_LIMITS,
  });
  expect(policyOf({ ...DEFAULT_SETTINGS, profile: "standard", iterations: 40_000 })).toMatchObject({
    permittedEtypes: [20, 19],
    keyEtypes: [20, 19],
    iterations: 40_000,
  });
});

describe("settings that a program made", () => {
  const check = (changes: object) => () => checkSettings({ ...DEFAULT_SETTINGS, ...changes });

  it.each([
    { maxLife: 1000 },
    { maxLife: TEN_YEARS },
    { maxRenewableLife: 0 },
    { maxRenewableLife: TEN_YEARS },
    { clockSkew: 1000 },
    { clockSkew: 3_600_000 },
    { iterations: 32_768 },
    { iterations: 10_000_000 },
    { iterations: undefined },
    { profile: "standard" },
    { realm: "R" },
  ])("are good: %o", (changes) => {
    expect(check(changes)).not.toThrow();
  });

  it.each<[object, string]>([
    [{ realm: "example" }, 'realm: not a realm name: "example"'],
    [{ realm: "" }, 'realm: not a realm name: ""'],
    [{ profile: "strong" }, 'profile: unknown: "strong"'],
    [{ profile: undefined }, "profile: unknown: nothing"],
    [{ maxLife: 999 }, "maxLife: expected 1s to 3660d, got 999 ms"],
    [{ maxLife: TEN_YEARS + 1 }, "maxLife: expected 1s to 3660d, got 316224000001 ms"],
    [{ maxLife: Number.NaN }, "maxLife: expected 1s to 3660d, got NaN ms"],
    [{ maxRenewableLife: -1 }, "maxRenewableLife: expected 0s to 3660d, got -1 ms"],
    [{ maxRenewableLife: TEN_YEARS + 1 }, "maxRenewableLife: expected 0s to 3660d, got 316224000001 ms"],
    [{ clockSkew: 999 }, "clockSkew: expected 1s to 1h, got 999 ms"],
    [{ clockSkew: 3_600_001 }, "clockSkew: expected 1s to 1h, got 3600001 ms"],
    [{ iterations: 32_767 }, "iterations: expected a whole number from 32768 to 10000000, got 32767"],
    [
      { attempts: { peer: { count: 0, span: 1_000 } } },
      `attempts.peer: expected ${ATTEMPT_LIMIT_FORM}, got {"count":0,"span":1000}`,
    ],
    [{ iterations: 10_000_001 }, "iterations: expected a whole number from 32768 to 10000000, got 10000001"],
  ])("are out of range: %o", (changes, text) => {
    expect(check(changes)).toThrow(new RangeError(text));
  });

  it("are shown in 80 characters at most", () => {
    expect(check({ realm: "x".repeat(100) })).toThrow(
      new RangeError(`realm: not a realm name: "${"x".repeat(79)}`),
    );
  });
});

describe("the text of realm.json", () => {
  it("is for people to read, ends with a line feed, and reads back", () => {
    const text = formatSettings(DEFAULT_SETTINGS);
    expect(text).toBe(
      '{\n  "format": 1,\n  "realm": "EXAMPLE.TEST",\n  "profile": "textbook",\n  "maxLife": "10h",\n' +
        '  "maxRenewableLife": "7d",\n  "clockSkew": "5m"\n}\n',
    );
    expect(parseSettings(text, FILE)).toEqual(DEFAULT_SETTINGS);
    expect(Object.keys(parseSettings(text, FILE))).not.toContain("iterations");
    const settings: RealmSettings = {
      ...DEFAULT_SETTINGS,
      profile: "standard",
      iterations: 50_000,
      attempts: { nameAndPeer: { count: 3, span: 90_000 } },
    };
    expect(JSON.parse(formatSettings(settings))).toEqual({
      ...GOOD,
      profile: "standard",
      iterations: 50_000,
      attempts: { nameAndPeer: "3/1m30s" },
    });
    expect(parseSettings(formatSettings(settings), FILE)).toEqual(settings);
  });

  it.each<[Record<string, unknown>, Partial<RealmSettings>]>([
    [{ maxLife: "1s" }, { maxLife: 1000 }],
    [{ maxLife: "3660d" }, { maxLife: TEN_YEARS }],
    [{ maxRenewableLife: "0s" }, { maxRenewableLife: 0 }],
    [{ maxRenewableLife: "3660d" }, { maxRenewableLife: TEN_YEARS }],
    [{ clockSkew: "1s" }, { clockSkew: 1000 }],
    [{ clockSkew: "1h" }, { clockSkew: 3_600_000 }],
    [{ iterations: 32_768 }, { iterations: 32_768 }],
    [{ iterations: 10_000_000 }, { iterations: 10_000_000 }],
    [{ attempts: {} }, { attempts: {} }],
    [
      { attempts: { name: "1/1s", peer: "1000000/1d" } },
      { attempts: { name: { count: 1, span: 1_000 }, peer: { count: 1_000_000, span: 86_400_000 } } },
    ],
  ])("takes what is just in range: %o", (changes, expected) => {
    expect(read(changes)).toEqual({ ...DEFAULT_SETTINGS, ...expected });
  });

  const KEYS = "format, realm, profile, maxLife, maxRenewableLife, clockSkew, iterations, attempts, database";
  const ITERATIONS = "expected a whole number from 32768 to 10000000, got";
  it.each<[Record<string, unknown>, string]>([
    [{ extra: 1 }, `"extra": expected one of ${KEYS}, got an unknown key`],
    [{ format: undefined }, '"format": expected 1, got nothing'],
    [{ format: "1" }, '"format": expected 1, got "1"'],
    [{ format: 0 }, '"format": expected 1, got 0'],
    [{ format: 1.5 }, '"format": expected 1, got 1.5'],
    [{ realm: "example.test" }, '"realm": expected a name such as "EXAMPLE.TEST", got "example.test"'],
    [{ realm: 7 }, '"realm": expected a name such as "EXAMPLE.TEST", got 7'],
    [{ profile: "weak" }, '"profile": expected "textbook" or "standard", got "weak"'],
    [{ profile: "constructor" }, '"profile": expected "textbook" or "standard", got "constructor"'],
    [{ profile: ["standard"] }, '"profile": expected "textbook" or "standard", got ["standard"]'],
    [{ maxLife: "10 hours" }, '"maxLife": expected a duration from 1s to 3660d, got "10 hours"'],
    [{ maxLife: 36000 }, '"maxLife": expected a duration from 1s to 3660d, got 36000'],
    [{ maxLife: "0s" }, '"maxLife": expected a duration from 1s to 3660d, got "0s"'],
    [{ maxLife: "3661d" }, '"maxLife": expected a duration from 1s to 3660d, got "3661d"'],
    [
      { maxRenewableLife: undefined },
      '"maxRenewableLife": expected a duration from 0s to 3660d, got nothing',
    ],
    [{ maxRenewableLife: "3661d" }, '"maxRenewableLife": expected a duration from 0s to 3660d, got "3661d"'],
    [{ clockSkew: "0s" }, '"clockSkew": expected a duration from 1s to 1h, got "0s"'],
    [{ clockSkew: "61m" }, '"clockSkew": expected a duration from 1s to 1h, got "61m"'],
    [{ iterations: 32_767 }, `"iterations": ${ITERATIONS} 32767`],
    [{ iterations: 10_000_001 }, `"iterations": ${ITERATIONS} 10000001`],
    [{ iterations: 40000.5 }, `"iterations": ${ITERATIONS} 40000.5`],
    [{ iterations: "40000" }, `"iterations": ${ITERATIONS} "40000"`],
    [{ attempts: "10/10m" }, '"attempts": expected an object of nameAndPeer, name, peer, got "10/10m"'],
    [
      { attempts: { host: "10/10m" } },
      '"attempts.host": expected one of nameAndPeer, name, peer, got an unknown key',
    ],
    ...["0/10m", "1000001/10m", "10/999ms", "10/25h", "10", "10/", "1.5/10m", 10].map(
      (limit): [Record<string, unknown>, string] => [
        { attempts: { name: limit } },
        `"attempts.name": expected ${ATTEMPT_LIMIT_FORM}, got ${JSON.stringify(limit)}`,
      ],
    ),
  ])("names file and key where it is not as it should be: %o", (changes, text) => {
    expect(() => read(changes)).toThrow(refused("corrupt", text));
  });

  it("of a newer release is said to be one", () => {
    for (const format of [2, 17])
      expect(() => read({ format })).toThrow(
        refused("version", `format ${format} is of a newer release; use that release`),
      );
  });

  it("is a JSON object", () => {
    expect(parseObject('{"a": [1]}', FILE)).toEqual({ a: [1] });
    for (const text of ["[]", "null", "7", '"text"'])
      expect(() => parseObject(text, FILE)).toThrow(refused("corrupt", "expected a JSON object"));
    const broken = expect.objectContaining({
      code: "corrupt",
      message: expect.stringMatching(/^\/r\/realm\.json: not JSON \(.*JSON.*\)$/),
      cause: expect.any(SyntaxError),
    });
    expect(() => parseObject("{", FILE)).toThrow(broken);
    expect(() => parseSettings("{", FILE)).toThrow(broken);
  });
});
