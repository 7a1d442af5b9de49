/** The names that a proof may be bound to, behind proxies and before a man in the middle. */
import { describe, expect, test } from "vitest";
import { answer, bind, type CallWish, methodOf } from "./by-hand.js";
import {
  bindUnder,
  challengeOf,
  expectUnproven,
  isLetIn,
  sessionIn,
  turningGuard,
} from "./session-by-hand.js";

describe("a name of the service", () => {
  const far = { remoteAddress: "192.0.2.1", secure: true };
  const call = (authority: string, received: string, options: object = {}, peer: CallWish = far) => {
    const { guard } = turningGuard(options);
    const challenge = challengeOf(guard, peer);
    const bound = bind(methodOf("say"), "authenticate", { authority, extensions: { challenge } });
    return guard.send(bound, { ...peer, authority: received });
  };

  test.each(["api.example.test", "api.example.test:443", "API.example.test", "10.0.0.7:8443", "backend", ""])(
    "is what the proof is bound to; a proxy may write another authority: %j",
    (received) => {
      expect(isLetIn(call("api.example.test", received))).toBe(true);
    },
  );

  test("is not that of a man in the middle, who passes the authority on as it came", () => {
    expectUnproven(call("evil.test", "evil.test"), {
      reason: "KRB_AP_ERR_MODIFIED",
      text: expect.stringMatching(
        /; it came for \/chat.v1.Chat\/say at evil.test, and the service's names are api.example.test$/,
      ),
      details: {
        field: "checksum",
        method: "/chat.v1.Chat/say",
        authority: "evil.test",
        authorities: "api.example.test",
      },
    });
    const authorities = ["a.test", "b.test"];
    expectUnproven(call("api.example.test", "b.test:1", { authorities }), {
      reason: "KRB_AP_ERR_MODIFIED",
      details: { authority: "b.test:1", authorities: "b.test a.test" },
    });
    expect(isLetIn(call("a.test", "b.test:1", { authorities }))).toBe(true);
  });

  test("that it has not got is what a refusal says to set", () => {
    const refused = call("api.example.test", "api.example.test", { authorities: [] });
    expectUnproven(refused, {
      reason: "KRB_AP_ERR_MODIFIED",
      text: expect.stringMatching(/; the service has no name of its own: set authorities of its guard$/),
      details: { authority: "api.example.test", authorities: "" },
    });
  });

  test("is loopback's for peers on this machine, and for no other", () => {
    for (const name of ["localhost", "127.0.0.1", "::1"]) {
      expect(isLetIn(call(name, "localhost:1", {}, { remoteAddress: "127.0.0.1" }))).toBe(true);
      expect(isLetIn(call(name, "localhost:1", {}, { remoteAddress: undefined }))).toBe(true);
      expectUnproven(call(name, "localhost:1"), {
        reason: "KRB_AP_ERR_MODIFIED",
        details: { authority: "localhost:1", authorities: "api.example.test" },
      });
    }
  });

  test("counts for calls under a session too, each by itself", () => {
    const { guard } = turningGuard({ authorities: ["a.test", "b.test"] });
    const challenge = challengeOf(guard, far);
    const extensions = { challenge, asksForSession: true };
    const bound = bind(methodOf("say"), "authenticate", { authority: "a.test", extensions });
    const made = guard.send(bound, far);
    answer(made);
    const session = sessionIn(bound, made.wire)!;
    const under = (number: number, authority: string, received: string) =>
      guard.send(bindUnder(session, { number, authority }), { ...far, authority: received });
    expect(isLetIn(under(1, "b.test", "a.test:1"))).toBe(true);
    expectUnproven(under(2, "evil.test", "evil.test"), {
      reason: "KRB_AP_ERR_MODIFIED",
      details: { field: "call.mac", authority: "evil.test", authorities: "a.test b.test" },
    });
  });
});
