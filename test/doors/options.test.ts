/** A mistyped option of any function of the doors is a TypeError that names the one that was meant. */
import { expect, test } from "vitest";
import { KerberosClient, ticketInterceptor } from "../../src/client/index.js";
import {
  addPasswordPrincipal,
  addPrincipals,
  addRandomKeyPrincipal,
  changeToRandomKeys,
  createMemoryRealm,
  exportKeys,
  exportNewKeys,
  guard,
  guardedServer,
  KeytabFile,
  MemoryReplayCache,
  modifyPrincipal,
  openReplayCache,
  runRealm,
  sharedKey,
} from "../../src/services/index.js";
import { createTestRealm } from "../../src/testing/index.js";
import { TicketForge } from "../../src/testing/ticket-forge.js";

const NOW = Date.UTC(2026, 2, 1);
const SETTINGS = { skew: 300_000, startedAt: NOW };
const ALICE = "alice@TEST.EXAMPLE";

// Each is written as a program without types would write it.
type Untyped = never;
const MISTYPED: [string, (option: object) => unknown, string, string][] = [
  [
    "guard",
    (option) => guard({ keytab: "x", replayCache: { store() {} }, ...option } as Untyped),
    "alow",
    "allow",
  ],
  ["guardedServer", (option) => guardedServer({ keytab: "x", ...option }), "serverOption", "serverOptions"],
  ["sharedKey", (option) => sharedKey("/nowhere/orders.key", option as Untyped), "clinet", "client"],
  [
    "ticketInterceptor",
    (option) => ticketInterceptor({ serviceProof: () => {} } as never, "v/x", option),
    "protecton",
    "protection",
  ],
  ["KerberosClient", (option) => new KerberosClient(option), "etype", "etypes"],
  ["kdc", (option) => new KerberosClient({ kdc: { as: "a:1", tgs: "a:2", ...option } }), "tsg", "tgs"],
  ["login", (option) => new KerberosClient().login(ALICE, "x", option), "lief", "life"],
  ["serviceTicket", (option) => new KerberosClient().serviceTicket("v/x@R", option), "lifes", "life"],
  [
    "access",
    (option) => new KerberosClient().access({ principal: ALICE as never, ...option }, {} as never, {}),
    "adress",
    "address",
  ],
  ["MemoryReplayCache", (option) => new MemoryReplayCache({ ...SETTINGS, ...option }), "maxByte", "maxBytes"],
  ["runRealm", (option) => runRealm(option), "replaycache", "replayCache"],
  ["ports", (option) => runRealm({ ports: option }), "tg", "tgs"],
  ["settings", (option) => runRealm({ settings: option }), "clockSkwe", "clockSkew"],
  ["settings", (option) => createMemoryRealm(option, {}, NOW), "proflie", "profile"],
  ["createTestRealm", (option) => createTestRealm(option), "user", "users"],
  ["KeytabFile", (option) => KeytabFile.open("/nowhere", option), "onerror", "onError"],
  [
    "addPasswordPrincipal",
    (option) => addPasswordPrincipal({} as Untyped, "a", "b", NOW, option),
    "etype",
    "etypes",
  ],
  [
    "addRandomKeyPrincipal",
    (option) => addRandomKeyPrincipal({} as Untyped, "a", NOW, option),
    "limit",
    "limits",
  ],
  ["limits", (limits) => addRandomKeyPrincipal({} as Untyped, "a", NOW, { limits }), "expires", "expiresAt"],
  ["modifyPrincipal", (option) => modifyPrincipal({} as Untyped, "a", option, NOW), "disable", "disabled"],
  [
    "changeToRandomKeys",
    (option) => changeToRandomKeys({} as Untyped, "a", [], NOW, option),
    "endTgt",
    "endTgts",
  ],
  [
    "exportKeys",
    (option) => exportKeys({} as Untyped, ["a"], { path: "x", ...option }, NOW),
    "onWriten",
    "onWritten",
  ],
  [
    "exportNewKeys",
    (option) => exportNewKeys({} as Untyped, ["a"], { path: "x", ...option }, [], NOW),
    "onSkiped",
    "onSkipped",
  ],
  [
    "exportNewKeys",
    (option) => exportNewKeys({} as Untyped, ["a"], { path: "x" }, [], NOW, option),
    "endPasword",
    "endPassword",
  ],
  ["addPrincipals", (option) => addOne({ name: "a", password: undefined, ...option }), "pasword", "password"],
  ["openReplayCache", (option) => openReplayCache("memory:", { ...SETTINGS, ...option }), "sekw", "skew"],
  [
    "openReplayCache",
    (option) => openReplayCache("lmdb:/x", { ...SETTINGS, ...option }),
    "maxByte",
    "maxBytes",
  ],
  ["policy", (policy) => createTestRealm({ policy }), "clockSkwe", "clockSkew"],
  ["policy", (limits) => createMemoryRealm({}, limits, NOW), "maxLive", "maxLife"],
  ["ticket", (changes) => new TicketForge({} as Untyped).ticket("a", "v/x", changes), "endTime", "endtime"],
];

/** The first principal of a batch of one. */
async function addOne(principal: object) {
  return addPrincipals({} as Untyped, [principal as Untyped], NOW, "refuse").next();
}

test.each(MISTYPED)("%s", async (what, call, typed, meant) => {
  const failure = await (async () => call({ [typed]: 1 }))().catch((error) => error);
  expect(failure).toEqual(new TypeError(`${what}: no option "${typed}"; did you mean ${meant}?`));
});

test.each([undefined, Number.NaN, "now"])(
  "a replay cache that is not told when it began is refused: %s",
  (startedAt) => {
    expect(() => new MemoryReplayCache({ skew: 300_000, startedAt: startedAt as never })).toThrow(
      /^startedAt: /,
    );
  },
);

test("a replay cache does not guess what `restart` means", () => {
  expect(() => new MemoryReplayCache({ ...SETTINGS, restart: "Fresh" as never })).toThrow(/^restart: /);
});

test("a guard's `service` beside a function that gives the keys is refused", () => {
  const keytab = () => ({ principal: ALICE as never, keys: [] });
  const replayCache = { store: async () => {} };
  expect(() => guard({ keytab, replayCache, service: "orders/api" })).toThrow(/^service: /);
});
