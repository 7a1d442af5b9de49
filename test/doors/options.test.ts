/** A mistyped option of any function of the doors is a TypeError that names the one that was meant. */
import { expect, test } from "vitest";
import { KerberosClient, ticketInterceptor } from "../../src/client/index.js";
import {
  addPasswordPrincipal,
  addRandomKeyPrincipal,
  createMemoryRealm,
  guard,
  KeytabFile,
  MemoryReplayCache,
  runRealm,
} from "../../src/services/index.js";
import { createTestRealm } from "../../src/testing/index.js";

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
  ["ticketInterceptor", (option) => ticketInterceptor({} as never, "v/x", option), "protecton", "protection"],
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
  ["MemoryReplayCache", (option) => new MemoryReplayCache({ ...SETTINGS, ...option }), "capcity", "capacity"],
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
];

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
