/** A call under a session, at the service: how it is let in and answered, and what its number is good for. */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { isProtected, PROTECTIONS } from "../../../src/protocol/call-binding.js";
import { RESPONSES } from "../../../src/protocol/message-keys.js";
import { MessageOpener } from "../../../src/protocol/message-protection.js";
import { CALL_METADATA, REPLY_METADATA, STATUS_DETAILS_METADATA } from "../../../src/rpc/metadata-names.js";
import { callerOf } from "../../../src/services/guard/caller.js";
import { expectRefusal } from "../../protocol/refusal.js";
import {
  ALICE,
  answer,
  CHAT_SERVICE,
  endOf,
  type HandMadeGuard,
  KEYS,
  methodOf,
  names,
  type OpenedCall,
  openGuard,
  settled,
  ticketFor,
} from "./by-hand.js";
import {
  bindUnder,
  type ClientSession,
  expectUnproven,
  isProven,
  openSession,
  UNKNOWN_SESSION,
} from "./session-by-hand.js";

const KINDS = ["say", "list", "join", "talk"] as const;
const OK = { code: grpc.status.OK, details: "" };

describe.each(KINDS)("a call of %s under a session", (kind) => {
  const method = methodOf(kind);

  test.each(PROTECTIONS)("is let in and its answer proven at protection %s", (protection) => {
    const guard = openGuard({ protection: "call" });
    const session = openSession(guard);
    const sent = bindUnder(session, { number: 5, method, protection });
    const opened = guard.send(sent);
    const { call, handler, wire } = opened;
    expect(names(handler)).toEqual(["metadata"]);
    const metadata = handler[0]![1] as grpc.Metadata;
    expect(callerOf({ metadata })).toMatchObject({ principal: ALICE, service: CHAT_SERVICE, protection });
    expect(metadata.get(CALL_METADATA)).toEqual([]);
    const protects = isProtected(protection, method.requestStream);
    if (method.requestStream) {
      for (const text of ["<a>", "<b>"])
        call.onReceiveMessage(Buffer.from(protects ? sent.protector!.protect(Buffer.from(text)) : text));
      if (protects) call.onReceiveMessage(Buffer.from(sent.protector!.end()));
      call.onReceiveHalfClose();
      expect(handler.slice(1)).toEqual([["message", "a"], ["message", "b"], ["halfClose"]]);
    }
    answer(opened);
    const protectsResponses = isProtected(protection, method.responseStream);
    const endMarkers = protectsResponses && method.responseStream ? 1 : 0;
    expect(isProven(session, 5, opened, endMarkers)).toBe(true);
    expect(isProven(session, 4, opened, endMarkers)).toBe(false);
    const responses = wire.filter(([what]) => what === "message").map(([, bytes]) => bytes as Buffer);
    const texts = method.responseStream ? ["<bye>", "<bye again>"] : ["<bye>"];
    if (!protectsResponses) return expect(responses.map(String)).toEqual(texts);
    const { serviceMessages: checksums, serviceSeal: seal } = session.keys;
    const opener = new MessageOpener(RESPONSES, { checksums, seal, call: 5 }, protection);
    const opens = responses
      .map((bytes) => opener.open(bytes).message)
      .filter((message) => message !== undefined);
    expect(opens.map((message) => Buffer.from(message).toString())).toEqual(texts);
  });

  test("has a proof of its refusal too, by a rule, by its level and by a handler", async () => {
    for (const options of [{ allow: {} }, { protection: "privacy" }] as const) {
      const guard = openGuard(options);
      const session = openSessionOf(guard);
      const opened = guard.send(bindUnder(session, { number: 1, method }));
      await settled();
      expect(endOf(opened.wire)).toMatchObject({
        code: "PERMISSION_DENIED",
        reason: "KDC_ERR_POLICY",
        apRep: undefined,
        details:
          "allow" in options
            ? { rule: "allow: none", client: ALICE, method: method.path }
            : { rule: "protection", floor: "privacy", protection: "authenticate", client: ALICE },
      });
      expect(isProven(session, 1, opened)).toBe(true);
      expect(opened.handler).toEqual([]);
    }
    const guard = openGuard();
    const session = openSession(guard);
    const opened = guard.send(bindUnder(session, { number: 1, method }));
    const metadata = new grpc.Metadata();
    metadata.set(STATUS_DETAILS_METADATA, Buffer.from("a handler's own"));
    metadata.set(REPLY_METADATA, Buffer.from("a handler's too"));
    opened.call.sendStatus({ code: grpc.status.NOT_FOUND, details: "no such line: ø", metadata });
    expect(endOf(opened.wire)).toMatchObject({ statusDetails: Buffer.from("a handler's own") });
    expect(isProven(session, 1, opened)).toBe(true);
    expect(names(opened.wire)).not.toContain("metadata");
  });

  /** A session whose first call was refused. */
  function openSessionOf(guard: HandMadeGuard): ClientSession {
    const sessions = guard.config.policy.sessions!;
    const lenient = openGuard();
    const session = openSession(lenient);
    const held = lenient.config.policy.sessions!.find(session.id, 0)!;
    sessions.add(held, performance.now());
    return session;
  }
});

describe("what the session's ticket says holds for each call under it", () => {
  test("its addresses: from another one the call is refused, and the refusal proven", () => {
    const guard = openGuard();
    const credentials = ticketFor(KEYS, { addresses: ["192.0.2.1", "127.0.0.1"] });
    const session = openSession(guard, { credentials, remoteAddress: "192.0.2.1" });
    const from = (number: number, remoteAddress: string | undefined) =>
      guard.send(bindUnder(session, { number }), { remoteAddress });
    expect(names(from(1, "127.0.0.1").handler)).toEqual(["metadata"]);
    for (const [number, peer] of [
      [2, "192.0.2.2"],
      [3, undefined],
    ] as const) {
      const opened = from(number, peer);
      expect(endOf(opened.wire)).toMatchObject({ code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_BADADDR" });
      expect(isProven(session, number, opened)).toBe(true);
      expect(opened.handler).toEqual([]);
    }
  });

  test("its authorization data, as far as the service understands it", () => {
    const guard = openGuard({ authorizationData: [99] });
    const authorizationData = [{ type: 99, data: Uint8Array.of(1) }];
    const session = openSession(guard, { credentials: ticketFor(KEYS, { authorizationData }) });
    for (const number of [1, 2]) {
      const [, metadata] = guard.send(bindUnder(session, { number })).handler[0]!;
      const caller = callerOf({ metadata: metadata as grpc.Metadata });
      expect(caller.authorizationData).toEqual(authorizationData);
    }
  });

  test("its client's certificate is looked at for each call", () => {
    const certificate = { subject: { CN: "alice" } };
    const guard = openGuard({ bindClientCertificate: (_, shown) => (shown as object) === certificate });
    const session = openSession(guard, { certificate });
    const opened = guard.send(bindUnder(session, { number: 1 }), { certificate: {} });
    expect(endOf(opened.wire)).toMatchObject({ reason: "KRB_AP_ERR_BADMATCH", details: { client: ALICE } });
    expect(isProven(session, 1, opened)).toBe(true);
    expect(names(guard.send(bindUnder(session, { number: 2 }), { certificate }).handler)).toEqual([
      "metadata",
    ]);
  });
});

describe("a number", () => {
  const repeat = (number: number) => ({ reason: "KRB_AP_ERR_REPEAT", details: { attempt: String(number) } });

  test("is good once, whatever became of its call", () => {
    const guard = openGuard();
    const session = openSession(guard);
    const sent = bindUnder(session, { number: 1 });
    const [first, second] = [
      guard.send(sent),
      guard.send(bindUnder(session, { number: 1, text: "<other>" })),
    ];
    expect(names(first.handler)).toEqual(["metadata"]);
    expectUnproven(second, repeat(1));
    answer(first);
    expect(isProven(session, 1, first)).toBe(true);
    expectUnproven(guard.send(bindUnder(session, { number: 1 })), repeat(1));
    const cancelled = guard.send(bindUnder(session, { number: 2 }));
    cancelled.call.onCancel();
    expectUnproven(guard.send(bindUnder(session, { number: 2 })), repeat(2));
  });

  test("of a call that is refused for its level is marked all the same, and has one reply", () => {
    const guard = openGuard();
    const session = openSession(guard);
    const refused = guard.send(bindUnder(session, { number: 1, protection: "call" }));
    expect(endOf(refused.wire).reason).toBe("KDC_ERR_POLICY");
    expect(isProven(session, 1, refused)).toBe(true);
    expectUnproven(guard.send(bindUnder(session, { number: 1 })), repeat(1));
  });

  test("may be far ahead and as high as numbers go; of those below, 1,024 are waited for", () => {
    const guard = openGuard();
    const session = openSession(guard);
    const highest = Number.MAX_SAFE_INTEGER;
    for (const number of [1_000_000, 1_000_000 - 1024, highest, highest - 1024]) {
      const opened = guard.send(bindUnder(session, { number }));
      answer(opened);
      expect(isProven(session, number, opened)).toBe(true);
    }
    for (const number of [1, 999_999, highest - 1025, highest - 1024, highest])
      expectUnproven(guard.send(bindUnder(session, { number })), repeat(number));
  });

  test("of a slow upload is waited for, however many fast calls overtake it", () => {
    const guard = openGuard();
    const session = openSession(guard);
    const slow = bindUnder(session, { number: 1 });
    const opened = guard.open();
    opened.call.onReceiveMetadata(slow.metadata);
    for (let number = 2; number < 5_000; number++) guard.send(bindUnder(session, { number }));
    opened.call.onReceiveMessage(slow.request);
    expect(names(opened.handler)).toEqual(["metadata"]);
  });

  test("has one reply, whatever happens once the status was sent", () => {
    const guard = openGuard();
    const session = openSession(guard);
    const method = methodOf("talk");
    for (const [number, more] of [
      [1, ({ call }: OpenedCall) => call.onReceiveMessage(Buffer.from("<forged>"))],
      [2, ({ call }: OpenedCall) => call.onReceiveHalfClose()],
      [3, ({ call }: OpenedCall) => call.sendStatus({ code: grpc.status.NOT_FOUND, details: "no" })],
      [4, ({ call }: OpenedCall) => call.sendStatus(OK)],
      [5, ({ call }: OpenedCall) => call.sendMessage("late", () => {})],
    ] as const) {
      const opened = guard.send(bindUnder(session, { number, method }));
      opened.call.sendStatus(OK);
      const sent = names(opened.wire);
      more(opened);
      expect(names(opened.wire)).toEqual(sent);
      expect(isProven(session, number, opened, 1)).toBe(true);
    }
  });

  test("is that of a retry: requests are bound to the call's first number, responses to the attempt's own", () => {
    const guard = openGuard();
    const session = openSession(guard);
    const method = methodOf("talk");
    const sent = bindUnder(session, { number: 9, call: 7, method });
    const opened = guard.send(sent);
    opened.call.onReceiveMessage(Buffer.from(sent.protector!.protect(Buffer.from("<a>"))));
    opened.call.onReceiveMessage(Buffer.from(sent.protector!.end()));
    opened.call.onReceiveHalfClose();
    expect(names(opened.handler)).toEqual(["metadata", "message", "halfClose"]);
    answer(opened);
    expect(isProven(session, 9, opened, 1)).toBe(true);
    expect(isProven(session, 7, opened, 1)).toBe(false);
    const [, response] = opened.wire.find(([what]) => what === "message")!;
    const open = (call: number) => {
      const { serviceMessages: checksums, serviceSeal: seal } = session.keys;
      return new MessageOpener(RESPONSES, { checksums, seal, call }, "authenticate").open(response as Buffer);
    };
    expect(Buffer.from(open(9).message!).toString()).toBe("<bye>");
    expectRefusal(() => open(7), "KRB_AP_ERR_MODIFIED", { field: "response" });
  });
});

describe("the age of a call", () => {
  const guardAt = () => {
    let uptime = 1_000;
    const guard = openGuard({ uptime: () => uptime });
    return {
      guard,
      wait: (ms: number) => {
        uptime += ms;
      },
    };
  };

  test("may be 60 s behind the service's own count, and no more", () => {
    const { guard, wait } = guardAt();
    const session = openSession(guard);
    wait(60_000);
    expect(names(guard.send(bindUnder(session, { number: 1 })).handler)).toEqual(["metadata"]);
    wait(1);
    const late = guard.send(bindUnder(session, { number: 2 }));
    expectUnproven(late, { ...UNKNOWN_SESSION, text: expect.stringContaining("held back") });
    expect(names(guard.send(bindUnder(session, { number: 3, age: 1 })).handler)).toEqual(["metadata"]);
    wait(3_600_000);
    expect(names(guard.send(bindUnder(session, { number: 4, age: 3_601 })).handler)).toEqual(["metadata"]);
  });

  test("marks the number of a call that was held back: it does not run later", () => {
    const { guard, wait } = guardAt();
    const session = openSession(guard);
    wait(60_001);
    guard.send(bindUnder(session, { number: 1 }));
    expectUnproven(guard.send(bindUnder(session, { number: 1, age: 60 })), {
      reason: "KRB_AP_ERR_REPEAT",
      details: { attempt: "1" },
    });
  });
});
