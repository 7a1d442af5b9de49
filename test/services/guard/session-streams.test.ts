/** Messages of calls under a session, at the service: in their order, of their call, from their side. */
import { describe, expect, test } from "vitest";
import { REQUESTS, RESPONSES } from "../../../src/protocol/message-keys.js";
import { MessageOpener, MessageProtector } from "../../../src/protocol/message-protection.js";
import { answer, endOf, methodOf, names, openGuard } from "./by-hand.js";
import { bindUnder, isProven, openSession } from "./session-by-hand.js";

describe.each(["integrity", "privacy"] as const)("messages under a session at %s", (protection) => {
  const forged = protection === "privacy" ? "KRB_AP_ERR_BAD_INTEGRITY" : "KRB_AP_ERR_MODIFIED";
  const method = methodOf("join");
  const guard = openGuard();
  const session = openSession(guard);
  let number = 1;
  const begin = () => {
    const sent = bindUnder(session, { number, method, protection });
    return { sent, opened: guard.send(sent), own: number++ };
  };
  const { clientMessages, clientSeal, serviceMessages, serviceSeal } = session.keys;
  const message = (keys: { call: number; skip?: number; back?: boolean }) => {
    const { call, skip = 0, back = false } = keys;
    const of = back
      ? { checksums: serviceMessages, seal: serviceSeal, call }
      : { checksums: clientMessages, seal: clientSeal, call };
    const protector = new MessageProtector(REQUESTS, of, protection);
    for (let i = 0; i < skip; i++) protector.protect(Buffer.from("<lost>"));
    return Buffer.from(protector.protect(Buffer.from("<a>")));
  };

  test.each([
    ["of another call", (own: number) => message({ call: own + 1 }), "KRB_AP_ERR_MODIFIED"],
    ["under the keys of the other direction", (own: number) => message({ call: own, back: true }), forged],
    ["that is not the first", (own: number) => message({ call: own, skip: 1 }), "KRB_AP_ERR_BADORDER"],
    ["in clear", () => Buffer.from("<a>"), forged],
    ["of no bytes", () => Buffer.alloc(0), forged],
  ] as const)("%s are refused, and the refusal is proven", (_, make, reason) => {
    const { opened, own } = begin();
    opened.call.onReceiveMessage(make(own));
    expect(endOf(opened.wire)).toMatchObject({ code: "UNAUTHENTICATED", reason });
    expect(isProven(session, own, opened)).toBe(true);
    expect(names(opened.handler)).toEqual(["metadata"]);
  });

  test("are refused where the stream was cut short", () => {
    const { sent, opened, own } = begin();
    opened.call.onReceiveMessage(Buffer.from(sent.protector!.protect(Buffer.from("<a>"))));
    opened.call.onReceiveHalfClose();
    expect(endOf(opened.wire)).toMatchObject({ code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_MODIFIED" });
    expect(isProven(session, own, opened)).toBe(true);
    expect(names(opened.handler)).toEqual(["metadata", "message"]);
  });

  test("begin at 1, in both directions", () => {
    const { opened, own } = begin();
    opened.call.onReceiveMessage(message({ call: own }));
    expect(names(opened.handler)).toEqual(["metadata", "message"]);
    answer(opened);
    const [, response] = opened.wire.find(([what]) => what === "message")!;
    const keys = { checksums: serviceMessages, seal: serviceSeal, call: own };
    expect(new MessageOpener(RESPONSES, keys, protection).open(response as Buffer).kind).toBe("message");
  });
});

test("at the level `call` messages of streams travel as they are, in both directions", () => {
  const guard = openGuard({ protection: "call" });
  const session = openSession(guard);
  const method = methodOf("talk");
  const opened = guard.send(bindUnder(session, { number: 1, method, protection: "call" }));
  opened.call.onReceiveMessage(Buffer.from("<a>"));
  opened.call.onReceiveHalfClose();
  expect(names(opened.handler)).toEqual(["metadata", "message", "halfClose"]);
  answer(opened);
  expect(isProven(session, 1, opened)).toBe(true);
});
