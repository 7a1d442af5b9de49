/** What a guard makes of its options. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { type Principal, parsePrincipal } from "../../../src/protocol/principal.js";
import { nextTurn } from "../../../src/rpc/next-turn.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";
import { type GuardOptions, readGuardOptions } from "../../../src/services/guard/config.js";
import { OwnNames } from "../../../src/services/guard/own-names.js";
import { SessionTable } from "../../../src/services/guard/sessions.js";
import { CHAT_SERVICE, KEYS, NOW, ticketFor } from "./by-hand.js";

const REQUIRED: GuardOptions = { keytab: () => KEYS, replayCache: { store: async () => {} } };

const read = (options: object = {}) => readGuardOptions({ ...REQUIRED, ...options });

test("a keytab and a replay cache are enough", () => {
  const config = read();
  expect(config.policy).toEqual({
    floor: "authenticate",
    permittedEtypes: [20, 19],
    strongEtypes: [20, 19],
    authorizationData: [],
    bindClientCertificate: undefined,
    clockSkew: 300_000,
    openTicket: expect.any(Function),
    names: expect.any(OwnNames),
    sessions: undefined,
    hasReplayCache: true,
    uptime: expect.any(Function),
  });
  expect(config.callers.isEmpty).toBe(true);
  expect(config.clock).toBe(Date.now);
  expect(config.log).toBeUndefined();
  expect(config.keys).toBe(REQUIRED.keytab);
});

describe("without a replay cache", () => {
  const readAlone = (options: object = {}) => readGuardOptions({ keytab: REQUIRED.keytab, ...options });

  test("a keytab is enough: authenticators need a challenge, and sessions are granted", () => {
    for (const options of [{}, { replayCache: undefined }]) {
      const { policy, replayCache } = readAlone(options);
      expect(replayCache).toBeUndefined();
      expect(policy.hasReplayCache).toBe(false);
      expect(policy.sessions).toBeInstanceOf(SessionTable);
      expect(policy.sessions).toMatchObject({ life: 8 * 3_600_000, size: 0 });
    }
  });

  test("sessions may be turned off, and with one they may be turned on", () => {
    expect(readAlone({ sessions: false }).policy.sessions).toBeUndefined();
    expect(read({ sessions: true }).policy.sessions).toBeInstanceOf(SessionTable);
    expect(read({ sessions: { life: 1_000 } }).policy.sessions).toMatchObject({ life: 1_000 });
  });

  test("what is said of sessions is taken, and a wrong word is named", () => {
    expect(readAlone({ sessions: { life: 5_000, bytes: 4_096, share: 1 } }).policy.sessions?.life).toBe(
      5_000,
    );
    for (const [name, range] of [
      ["life", "1000 to 4294967295000"],
      ["bytes", "3000 to 9007199254740991"],
      ["share", "1 to 9007199254740991"],
    ])
      for (const value of [0, -1, 1_000.5, Number.NaN, "8h", 2 ** 53])
        expect(() => readAlone({ sessions: { [name!]: value } })).toThrow(
          new RangeError(`sessions.${name}: expected a whole number from ${range}, got ${value}`),
        );
    expect(() => readAlone({ sessions: { life: 999 } })).toThrow(RangeError);
    expect(() => readAlone({ sessions: { lifetime: 1 } })).toThrow(/lifetime/);
  });
});

test("the methods that may run twice are named like the public ones", () => {
  const { idempotentMethods } = read({ idempotent: ["chat.v1.Chat/Get"] });
  expect(idempotentMethods.find("/chat.v1.Chat/Get")).toBeDefined();
  expect(idempotentMethods.find("/chat.v1.Chat/Say")).toBeUndefined();
  expect(() => read({ idempotent: ["chat v1"] })).toThrow(/^idempotent: /);
});

test("the clock for ages and challenges is one that is never set", () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(1_234.5);
  expect(read().policy.uptime()).toBe(1_234.5);
  clock.mockRestore();
  expect(read({ uptime: () => 7 }).policy.uptime()).toBe(7);
});

test("what is said is taken", () => {
  const bindClientCertificate = () => true;
  const clock = () => NOW;
  const log = vi.fn();
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
  expect(config.clock).toBe(clock);
  config.log?.({ level: "info", a: 1 });
  expect(log.mock.calls).toEqual([[{ level: "info", a: 1 }]]);
  expect(config.callers.isEmpty).toBe(false);
});

test("public are health and reflection, and what is listed", () => {
  const found = (paths: readonly string[], options?: object) =>
    paths.map((path) => read(options).publicMethods.find(path) !== undefined);
  const paths = [
    "/grpc.health.v1.Health/Check",
    "/grpc.reflection.v1.ServerReflection/X",
    "/grpc.reflection.v1alpha.ServerReflection/X",
    "/chat.v1.Chat/Say",
  ];
  expect(found(paths)).toEqual([true, true, true, false]);
  expect(found(paths, { public: ["chat.v1.Chat"] })).toEqual([true, true, true, true]);
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
  [{ replayCache: {} }, TypeError, "replayCache: expected a ReplayCache, or none"],
  [{ replayCache: null }, TypeError, "replayCache: expected a ReplayCache, or none"],
  [
    { protection: "none" },
    TypeError,
    "protection: expected one of call, authenticate, integrity, privacy, got none",
  ],
  [{ clockSkew: -1 }, RangeError, "clockSkew: expected whole milliseconds, got -1"],
  [{ clockSkew: 0.5 }, RangeError, "clockSkew: expected whole milliseconds, got 0.5"],
  [{ replayTimeoutMs: Number.NaN }, RangeError, "replayTimeoutMs: expected whole milliseconds, got NaN"],
  [{ requestTimeoutMs: -1 }, RangeError, "requestTimeoutMs: expected whole milliseconds, got -1"],
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
      void replayCache!.store({ tag: new Uint8Array(16), ctime: 1, expiry: 2 }, 3, waiter);
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

test("entries of a keytab that are passed over are told to the log as a warning", () => {
  const dir = mkdtempSync(join(tmpdir(), "guard-config-"));
  try {
    const path = join(dir, "krb5.keytab");
    const [key] = KEYS.keys;
    const bytes = formatKeytab([
      { principal: CHAT_SERVICE, timestamp: NOW, ...key! },
      { principal: CHAT_SERVICE, timestamp: NOW, kvno: 2, key: key!.key },
    ]);
    // The second entry's encryption type becomes one that is not here.
    const at = Buffer.from(bytes).lastIndexOf(Buffer.from([0, 20, 0, 32]));
    bytes[at + 1] = 23;
    writeFileSync(path, bytes, { mode: 0o600 });
    const log: LogRecord[] = [];
    const { keys } = read({
      keytab: path,
      clock: () => NOW,
      log: (record: LogRecord) => void log.push(record),
    });
    expect(keys().keys.map(({ kvno }) => kvno)).toEqual([1]);
    expect(log).toEqual([
      {
        time: new Date(NOW).toISOString(),
        level: "warn",
        exchange: "GUARD",
        text: expect.stringContaining(`${path}: passed over `),
      },
    ]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("a principal without an instance is told to the log at start, unless authorities is given", () => {
  const log: LogRecord[] = [];
  const nameless = parsePrincipal("chat@TEST.EXAMPLE", "service");
  const keysOf = (principal: Principal, ofWholeRealm = false) => ({
    keytab: { serviceKeys: () => ({ ...KEYS, principal, ofWholeRealm }) },
    clock: () => NOW,
    log: (record: LogRecord) => void log.push(record),
  });
  read(keysOf(CHAT_SERVICE));
  read(keysOf(nameless, true));
  read({ ...keysOf(nameless), authorities: ["api.example.test"] });
  expect(log).toEqual([]);
  read(keysOf(nameless));
  expect(log).toEqual([
    {
      time: new Date(NOW).toISOString(),
      level: "warn",
      exchange: "GUARD",
      text:
        "chat@TEST.EXAMPLE has no instance, and authorities is not given: " +
        "every call from another machine is refused",
    },
  ]);
});

test("a ticket is opened once, and again when it has ended for longer than the clocks may differ", () => {
  const { openTicket } = read({ clockSkew: 1_000 }).policy;
  const { ticket, endtime } = ticketFor();
  const at = (now: number) => openTicket(ticket, KEYS, [20], now);
  const opened = at(NOW);
  expect(at(NOW)).toBe(opened);
  expect(at(endtime + 1_000)).toBe(opened);
  expect(at(endtime + 1_001)).not.toBe(opened);
});

test("calls that arrived together are checked in one turn, in the order in which they came", async () => {
  const { inTurn } = readGuardOptions({ keytab: () => KEYS });
  const steps: string[] = [];
  for (const name of ["a", "b"])
    inTurn(() => {
      steps.push(name);
      inTurn(() => void steps.push(`${name} later`));
    });
  steps.push("arrived");
  await nextTurn();
  expect(steps).toEqual(["arrived", "a", "b"]);
  await nextTurn();
  expect(steps).toEqual(["arrived", "a", "b", "a later", "b later"]);
});
