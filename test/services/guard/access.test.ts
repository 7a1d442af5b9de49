import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { type LongTermKey, randomKey } from "../../../src/protocol/keys.js";
import { callerOf } from "../../../src/services/guard/caller.js";
import type { GuardOptions } from "../../../src/services/guard/config.js";
import { guard } from "../../../src/services/guard/interceptor.js";
import { createTestRealm } from "../../../src/testing/test-realm.js";
import { CHAT } from "./chat.js";
import { forge, makeProof, rawSay, refusalOf } from "./proof.js";
import { openWorld, SERVICE } from "./world.js";

const never = () => new Promise<void>(() => {});

describe("public methods", () => {
  test.each(["chat.v1.Chat/Say", "/chat.v1.Chat/Say", "chat.v1.Chat", "chat.v1.*", "chat.*", "*"])(
    "%s lets in who has no ticket, and has no caller",
    async (name) => {
      await using world = await openWorld({ guard: { public: [name] } });
      expect(await rawSay(world, [])).toBe("hello");
      expect(world.seen).toEqual([{ method: CHAT.say.path, caller: undefined }]);
    },
  );

  test("leave the others guarded", async () => {
    await using world = await openWorld({ guard: { public: ["chat.v1.Chat/Say"] } });
    expect(await refusalOf(world.client({ interceptors: [] }).list("a"))).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "KDC_ERR_PREAUTH_REQUIRED",
    });
  });

  test("may be called with a client that has tickets", async () => {
    await using world = await openWorld({ guard: { public: ["chat.v1.Chat/Say"] } });
    const client = world.client({ public: ["chat.v1.Chat/Say"] });
    expect(await client.say("hello")).toBe("hello");
    expect(await client.list("a b")).toEqual(["a", "b"]);
  });

  test("have no caller, and callerOf says so", () => {
    expect(() => callerOf({ metadata: new grpc.Metadata() })).toThrow(TypeError);
  });
});

describe("rules", () => {
  const alice = "alice@TEST.EXAMPLE";
  const rows: { allow: GuardOptions["allow"]; rule: string | undefined }[] = [
    { allow: { "*": [alice] }, rule: undefined },
    { allow: { "*": ["*@TEST.EXAMPLE"] }, rule: undefined },
    { allow: { "*": [`bob@TEST.EXAMPLE`] }, rule: "allow: *" },
    { allow: { "*": ["*/admin@TEST.EXAMPLE"] }, rule: "allow: *" },
    { allow: { "*": ["alice/*@TEST.EXAMPLE"] }, rule: "allow: *" },
    { allow: { "*": ["*@OTHER.EXAMPLE"] }, rule: "allow: *" },
    { allow: { "*": [] }, rule: "allow: *" },
    { allow: { "chat.v1.Chat": [alice], "*": [] }, rule: undefined },
    { allow: { "chat.v1.Chat/Say": [], "chat.v1.Chat": [alice] }, rule: "allow: chat.v1.Chat/Say" },
    { allow: { "chat.v1.*": [], "chat.*": [alice] }, rule: "allow: chat.v1.*" },
    { allow: { "chat.v1.Chat/List": [alice] }, rule: "allow: none" },
    { allow: {}, rule: "allow: none" },
    { allow: { "*": ({ principal }) => principal === alice }, rule: undefined },
    { allow: { "*": async ({ principal }) => principal === alice }, rule: undefined },
    { allow: { "*": () => false }, rule: "allow: *" },
    { allow: { "*": () => "yes" as unknown as boolean }, rule: "allow: *" },
  ];

  test.each(rows)("$allow: $rule", async ({ allow, rule }) => {
    await using world = await openWorld({ guard: { allow } });
    if (rule === undefined) {
      expect(await world.client().say("hello")).toBe("hello");
    } else {
      expect(await refusalOf(world.client().say("hello"))).toMatchObject({
        code: "PERMISSION_DENIED",
        reason: "KDC_ERR_POLICY",
        details: { rule, client: alice, method: CHAT.say.path },
      });
      expect(world.seen).toEqual([]);
    }
  });

  test("whose function fails refuse with fixed text", async () => {
    const allow = {
      "*": () => {
        throw new Error("secret");
      },
    };
    await using world = await openWorld({ guard: { allow } });
    expect(await refusalOf(world.client().say("hello"))).toEqual({
      code: "INTERNAL",
      reason: undefined,
      text: "internal error",
      details: {},
    });
    expect(world.log.at(-1)).toMatchObject({ level: "error", text: "Error: secret" });
  });
});

describe("the floor of protection", () => {
  test("refuses less, and takes more", async () => {
    await using world = await openWorld({ guard: { protection: "integrity" } });
    expect(await refusalOf(world.client({ protection: "authenticate" }).say("a"))).toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "KDC_ERR_POLICY",
      details: { rule: "protection", floor: "integrity", protection: "authenticate" },
    });
    expect(world.seen).toEqual([]);
    expect(await world.client({ protection: "integrity" }).say("a")).toBe("a");
    expect(await world.client({ protection: "privacy" }).say("a")).toBe("a");
  });

  test("is `authenticate` where nothing is said", async () => {
    await using world = await openWorld();
    expect(await refusalOf(world.client({ protection: "call" }).say("a"))).toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "KDC_ERR_POLICY",
      details: { rule: "protection", floor: "authenticate", protection: "call" },
    });
    expect(world.seen).toEqual([]);
    expect(await world.client({ protection: "authenticate" }).say("a")).toBe("a");
  });
});

describe("authorization data", () => {
  test("of a type the service understands reaches the handler", async () => {
    await using world = await openWorld({ guard: { authorizationData: [99] } });
    const authorizationData = [{ type: 99, data: Uint8Array.of(1, 2) }];
    await rawSay(world, [await makeProof(world, { credentials: forge(world, { authorizationData }) })]);
    expect(world.seen[0]?.caller?.authorizationData).toEqual(authorizationData);
  });
});

describe("a replay cache that does not answer", () => {
  test("refuses the call in time", async () => {
    await using world = await openWorld({ guard: { replayCache: { store: never } } });
    const ticket = world.client();
    const began = performance.now();
    expect(await refusalOf(ticket.say("a"))).toMatchObject({
      code: "UNAVAILABLE",
      reason: "KDC_ERR_SVC_UNAVAILABLE",
    });
    // 250 ms, and time for a login's ticket on a busy machine.
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(world.seen).toEqual([]);
  });

  test("does not hold a call beyond its deadline", async () => {
    await using world = await openWorld({
      guard: { replayCache: { store: never }, replayTimeoutMs: 60_000 },
    });
    const client = world.client();
    await world.alice.serviceTicket(world.service);
    const call = client.say("a", { deadline: Date.now() + 50 });
    expect(await refusalOf(call)).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(world.seen).toEqual([]);
  });

  test("and answers after all lets nobody in", async () => {
    let answer: () => void = () => {};
    const replayCache = {
      store: () =>
        new Promise<void>((resolve) => {
          answer = resolve;
        }),
    };
    await using world = await openWorld({ guard: { replayCache, replayTimeoutMs: 5 } });
    expect(await refusalOf(world.client().say("a"))).toMatchObject({ reason: "KDC_ERR_SVC_UNAVAILABLE" });
    answer();
    await new Promise(setImmediate);
    expect(world.seen).toEqual([]);
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("connection reset"))],
    [
      "throws",
      () => {
        throw new Error("connection reset");
      },
    ],
  ])("but %s refuses the call, and tells the log alone", async (_, store) => {
    await using world = await openWorld({ guard: { replayCache: { store } } });
    const refusal = await refusalOf(world.client().say("a"));
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "KDC_ERR_SVC_UNAVAILABLE", details: {} });
    expect(refusal.text).not.toContain("connection");
    expect(world.log).toContainEqual(expect.objectContaining({ text: "Error: connection reset" }));
    expect(world.seen).toEqual([]);
  });
});

describe("a keytab", () => {
  test("that was replaced is read without a restart; until then a newer ticket is refused", async () => {
    const dir = mkdtempSync(join(tmpdir(), "guard-"));
    const path = join(dir, "krb5.keytab");
    try {
      await using first = await openWorld();
      const { realm, keys: old, service: principal } = first;
      const write = (keys: readonly LongTermKey[]) =>
        writeFileSync(path, formatKeytab(keys.map((key) => ({ principal, timestamp: realm.now, ...key }))), {
          mode: 0o600,
        });
      write(old.keys);
      await using world = await openWorld({ realm, guard: { keytab: path } });
      expect(await world.client().say("a")).toBe("a");
      const next: LongTermKey = { kvno: 2, key: randomKey(etypeOf(20)) };
      await realm.change(SERVICE, (entry) => ({ ...entry, keys: [next, ...entry.keys] }));
      const bob = await realm.login("bob", "other");
      expect(await refusalOf(world.client({ as: bob }).say("b"))).toMatchObject({
        code: "UNAUTHENTICATED",
        reason: "KRB_AP_ERR_BADKEYVER",
        text: expect.stringContaining("tessera kadmin ktadd"),
        details: { ticket_kvno: "2", held_kvno: "1" },
      });
      write([next, ...old.keys]);
      realm.advance("1s");
      expect(await world.client({ as: bob }).say("b")).toBe("b");
      expect(await world.client().say("a")).toBe("a");
      write([next]);
      realm.advance("1s");
      expect(await refusalOf(world.client().say("a"))).toMatchObject({
        reason: "KRB_AP_ERR_BADKEYVER",
        details: { ticket_kvno: "1", held_kvno: "2" },
      });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test("that can't be read refuses calls with UNAVAILABLE, and says nothing of the file", async () => {
    await using world = await openWorld({ guard: { keytab: "/nowhere/krb5.keytab" } });
    const refusal = await refusalOf(world.client().say("a"));
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "KDC_ERR_SVC_UNAVAILABLE" });
    expect(refusal.text).not.toContain("nowhere");
    expect(world.log).toContainEqual(
      expect.objectContaining({ level: "error", text: expect.stringContaining("/nowhere/krb5.keytab") }),
    );
  });
});

describe("a server assembled wrongly lets nobody in", () => {
  const internal = { code: "INTERNAL", text: "internal error" };
  /** The guard has not come to prove anything. */
  const unproven = {
    reason: "KRB_AP_ERR_MUT_FAIL",
    details: { unproven_code: "13", unproven_text: "internal error" },
  };

  test("with two guards", async () => {
    await using world = await openWorld();
    const { keys, replayCache, realm } = world;
    const second = guard({ keytab: () => keys, replayCache, clock: () => realm.now });
    await using twice = await openWorld({ realm, behind: [second] });
    expect(await refusalOf(twice.client().say("a"))).toMatchObject(internal);
    expect(twice.seen).toEqual([]);
  });

  test("with an interceptor before the guard that changes messages", async () => {
    const change: grpc.ServerInterceptor = (_, call) =>
      new grpc.ServerInterceptingCall(call, {
        start: (next) => next({ onReceiveMessage: (_message, pass) => pass({ text: "mine" }) }),
      });
    await using world = await openWorld({ before: [change] });
    expect(await refusalOf(world.client().say("a"))).toMatchObject(unproven);
    expect(world.log.at(-1)?.text).toContain("list the guard first");
    expect(world.seen).toEqual([]);
  });

  test("with an interceptor behind the guard that answers by itself", async () => {
    class Impatient extends grpc.ServerInterceptingCall {
      override start(listener: Parameters<grpc.ServerInterceptingCall["start"]>[0]): void {
        super.start(listener);
        this.sendMessage({ text: "mine" }, () => {});
      }
    }
    await using world = await openWorld({ behind: [(_, call) => new Impatient(call)] });
    expect(await refusalOf(world.client().say("a"))).toMatchObject(unproven);
    expect(world.seen).toEqual([]);
  });
});

test("interceptors behind the guard see decoded messages and the caller, and no AP-REQ", async () => {
  const seen: unknown[] = [];
  const look: grpc.ServerInterceptor = (_, call) =>
    new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            seen.push(callerOf({ metadata }).principal, metadata.get("kerberos-ap-req-bin"));
            pass(metadata);
          },
          onReceiveMessage: (message, pass) => {
            seen.push(message);
            pass(message);
          },
        }),
    });
  await using world = await openWorld({ behind: [look] });
  await world.client({ protection: "privacy" }).say("a");
  expect(seen).toEqual([world.realm.principal("alice"), [], { text: "a" }]);
});

test.each([
  ["keytab", { keytab: 7 }, TypeError],
  ["replayCache", { replayCache: {} }, TypeError],
  ["replayCache", { replayCache: null }, TypeError],
  ["protection", { protection: "none" }, TypeError],
  ["public", { public: ["chat v1"] }, TypeError],
  ["allow", { allow: { "chat/v1/Chat": [] } }, TypeError],
  ["allow", { allow: { "*": ["alice"] } }, TypeError],
  ["allow", { allow: { "*": ["al*ce@TEST.EXAMPLE"] } }, TypeError],
  ["allow", { allow: { "*": "alice@TEST.EXAMPLE" } }, TypeError],
  ["clockSkew", { clockSkew: -1 }, RangeError],
  ["replayTimeoutMs", { replayTimeoutMs: Number.NaN }, RangeError],
])("a wrong option %s is named: %o", (name, wrong, type) => {
  const options = { keytab: () => ({}), replayCache: { store: never }, ...wrong } as unknown as GuardOptions;
  expect(() => guard(options)).toThrow(type);
  expect(() => guard(options)).toThrow(name);
});

describe("a server that listens on IPv6 and IPv4 alike", () => {
  // Node gives the address of a client on IPv4 as ::ffff:127.0.0.1 there.
  const weak = { profile: "textbook" as const, users: { alice: "secret" }, services: [SERVICE] };

  test("takes weak tickets from loopback all the same, and tickets for that address", async () => {
    await using realm = await createTestRealm(weak);
    await using world = await openWorld({ realm, host: "[::]", guard: { profile: "textbook" } });
    expect(world.keys.keys[0]!.key.etype.weak).toBe(true);
    expect(await world.client().say("a")).toBe("a");
    const there = forge(world, { addresses: ["127.0.0.1"], sessionKey: randomKey(etypeOf(3)) });
    expect(await rawSay(world, [await makeProof(world, { credentials: there })])).toBe("hello");
    const elsewhere = forge(world, { addresses: ["192.0.2.1"], sessionKey: randomKey(etypeOf(3)) });
    expect(
      await refusalOf(rawSay(world, [await makeProof(world, { credentials: elsewhere })])),
    ).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_BADADDR",
    });
  });
});
