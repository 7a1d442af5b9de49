/** What a guard makes of its options. */
import { describe, expect, test, vi } from "vitest";
import type { LogRecord } from "../../../src/services/exchange-log.js";
import { type GuardOptions, readGuardOptions } from "../../../src/services/guard/config.js";
import { CHAT_SERVICE, KEYS, NOW } from "./by-hand.js";

const REQUIRED: GuardOptions = { keytab: () => KEYS, replayCache: { store: async () => {} } };

const read = (options: object = {}) => readGuardOptions({ ...REQUIRED, ...options });

test("two options are enough", () => {
  const config = read();
  expect(config.policy).toEqual({
    floor: "authenticate",
    permittedEtypes: [20, 19],
    strongEtypes: [20, 19],
    authorizationData: [],
    bindClientCertificate: undefined,
    clockSkew: 300_000,
    openTicket: expect.any(Function),
  });
  expect(config.callers.isEmpty).toBe(true);
  expect(config.clock).toBe(Date.now);
  expect(config.log).toBeUndefined();
  expect(config.keys).toBe(REQUIRED.keytab);
});

test("what is said is taken", () => {
  const bindClientCertificate = () => true;
  const clock = () => NOW;
  const log = () => {};
  const said = {
    protection: "privacy",
    permittedEtypes: [19],
    authorizationData: [99],
    bindClientCertificate,
    clockSkew: 0,
    allow: {},
    clock,
    log,
  };
  const config = read(said);
  expect(config.policy).toMatchObject({
    floor: "privacy",
    permittedEtypes: [19],
    authorizationData: [99],
    bindClientCertificate,
    clockSkew: 0,
  });
  expect(config).toMatchObject({ clock, log });
  expect(config.callers.isEmpty).toBe(false);
});

test("public are health and reflection, and what is listed", () => {
  const found = (paths: readonly string[], options?: object) =>
    paths.map((path) => read(options).publicMethods.find(path) !== undefined);
  const paths = [
    "/grpc.health.v1.Health/Check",
    "/grpc.reflection.v1.ServerReflection/X",
    "/chat.v1.Chat/Say",
  ];
  expect(found(paths)).toEqual([true, true, false]);
  expect(found(paths, { public: ["chat.v1.Chat"] })).toEqual([true, true, true]);
});

describe("encryption types", () => {
  test("are those of a profile, the strong ones apart", () => {
    const { permittedEtypes, strongEtypes } = read({ profile: "textbook" }).policy;
    expect(permittedEtypes).toEqual(expect.arrayContaining([20, 19, 16, 3]));
    expect(strongEtypes).toEqual([20, 19]);
  });

  test("are one list where none is weak, so that no call is asked where it comes from", () => {
    const { permittedEtypes, strongEtypes } = read({ permittedEtypes: [20] }).policy;
    expect(strongEtypes).toBe(permittedEtypes);
  });

  test("are known ones", () => {
    expect(() => read({ permittedEtypes: [23] })).toThrow(
      expect.objectContaining({ reason: "KDC_ERR_ETYPE_NOSUPP" }),
    );
    expect(() => read({ profile: "none" })).toThrow(
      new TypeError("profile: expected one of textbook, standard, got none"),
    );
  });
});

test.each<[object, new (text: string) => Error, string]>([
  [
    { replayCache: undefined },
    TypeError,
    "replayCache: expected a ReplayCache, for without it every call could be repeated",
  ],
  [
    { replayCache: {} },
    TypeError,
    "replayCache: expected a ReplayCache, for without it every call could be repeated",
  ],
  [
    { protection: "none" },
    TypeError,
    "protection: expected one of authenticate, integrity, privacy, got none",
  ],
  [{ clockSkew: -1 }, RangeError, "clockSkew: expected whole milliseconds, got -1"],
  [{ clockSkew: 0.5 }, RangeError, "clockSkew: expected whole milliseconds, got 0.5"],
  [{ replayTimeoutMs: Number.NaN }, RangeError, "replayTimeoutMs: expected whole milliseconds, got NaN"],
])("a wrong option is named: %o", (wrong, type, text) => {
  expect(() => read(wrong)).toThrow(new type(text));
});

test("a public method is named as one", () => {
  expect(() => read({ public: ["chat v1"] })).toThrow(/^public: /);
});

test("a replay cache has a quarter of a second, or what is said", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    for (const [options, limit] of [
      [{}, 250],
      [{ replayTimeoutMs: 7 }, 7],
    ] as const) {
      const told: unknown[] = [];
      const { replayCache } = read({ ...options, replayCache: { store: () => new Promise(() => {}) } });
      const waiter = { giveUp: () => void told.push("late"), onFailure: () => {} };
      void replayCache.store({ tag: new Uint8Array(16), ctime: 1, expiry: 2 }, 3, waiter);
      vi.advanceTimersByTime(limit - 1);
      expect(told).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(told).toEqual(["late"]);
    }
  } finally {
    vi.useRealTimers();
  }
});

test("a keytab that can't be used is told to the log, by the guard's clock", () => {
  const log: LogRecord[] = [];
  const config = read({
    keytab: "/nowhere/krb5.keytab",
    service: CHAT_SERVICE,
    clock: () => NOW,
    log: (record: LogRecord) => void log.push(record),
  });
  expect(config.keys).toThrow(/no such file/);
  expect(log).toEqual([
    {
      time: new Date(NOW).toISOString(),
      level: "error",
      exchange: "GUARD",
      text: expect.stringContaining("/nowhere/krb5.keytab"),
    },
  ]);
});
