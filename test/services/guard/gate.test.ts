/** What the gate takes an authenticator for: challenges, and the attempts that a call repeats. */
import { describe, expect, test, vi } from "vitest";
import { EncryptedDataSchema } from "../../../src/gen/kerberos/v1/encryption_pb.js";
import { replayTag } from "../../../src/protocol/authenticator.js";
import { readApReq } from "../../../src/protocol/call-binding.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import type { Repeated } from "../../../src/protocol/session-extensions.js";
import { decodeBlob } from "../../../src/protocol/strict-decode.js";
import { TakenTags } from "../../../src/services/guard/taken-tags.js";
import {
  answer,
  type Bound,
  bind,
  type CallWish,
  CHAT_SERVICE,
  endOf,
  KEYS,
  methodOf,
  NOW,
  names,
  openGuard,
  settled,
  ticketFor,
} from "./by-hand.js";
import {
  bindUnder,
  challengeOf,
  expectUnproven,
  isProven,
  openSession,
  sessionIn,
  UNKNOWN_SESSION,
} from "./session-by-hand.js";

const MINUTE = 60_000;
const REPEAT = { reason: "KRB_AP_ERR_REPEAT" };
const CHALLENGE_REQUIRED = UNKNOWN_SESSION;

/** A call with these extensions in its authenticator. */
const withExtensions = (extensions: NonNullable<Parameters<typeof bind>[2]>["extensions"]) =>
  bind(methodOf("say"), "authenticate", { extensions: extensions! });

/** What a replay cache knows a call's authenticator by. */
function tagOf({ apReq }: Bound): Uint8Array {
  const { authenticator } = readApReq(apReq).blobs;
  return replayTag(CHAT_SERVICE, decodeBlob(EncryptedDataSchema, authenticator, "authenticator"));
}

/** A guard without a replay cache, whose clocks the test turns. */
function turning(options: Parameters<typeof openGuard>[0] = {}) {
  const world = { now: NOW, uptime: 1_000.5 };
  const guard = openGuard({ clock: () => world.now, uptime: () => world.uptime, ...options });
  return { world, guard };
}

const isLetIn = ({ handler }: { handler: readonly unknown[] }) => handler.length > 0;

describe("an authenticator without a challenge", () => {
  test("is refused at the headers where there is no replay cache: nothing is read, and a challenge is given", () => {
    const { guard } = turning();
    const { call, wire, handler, log } = guard.open();
    call.onReceiveMetadata(bind().metadata);
    expect(names(wire)).toEqual(["UNAUTHENTICATED"]);
    expect(handler).toEqual([]);
    const end = endOf(wire);
    expect(end).toMatchObject({ ...CHALLENGE_REQUIRED, apRep: undefined, reply: undefined });
    expect(end.details).toEqual({});
    expect(end.challenge).toHaveLength(48);
    expect(end.text).toContain("replay cache that they share");
    expect(log.at(-1)).toMatchObject({ level: "warn", result: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" });
  });

  test("is refused so for streams too, and as often as it comes", () => {
    const { guard } = turning();
    const bound = bind(methodOf("join"));
    for (let i = 0; i < 3; i++) expect(names(guard.send(bound).wire)).toEqual(["UNAUTHENTICATED"]);
  });

  test("is refused for its ticket and its seal first, without a challenge", () => {
    const { guard } = turning();
    const other = { ...ticketFor(), key: ticketFor().key };
    expectUnproven(guard.send(bind(methodOf("say"), "authenticate", { credentials: other })), {
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "authenticator" },
      challenge: undefined,
    });
    const elsewhere = ticketFor({
      ...KEYS,
      principal: parsePrincipal("mail/m.test@TEST.EXAMPLE", "service"),
    });
    expectUnproven(guard.send(bind(methodOf("say"), "authenticate", { credentials: elsewhere })), {
      reason: "KRB_AP_ERR_NOT_US",
      challenge: undefined,
    });
  });

  test("is judged by clock and replay cache where there is one, and told of no challenge", async () => {
    const store = vi.fn(async () => {});
    const { world, guard } = turning({ store });
    const bound = bind();
    const opened = guard.send(bound);
    await settled();
    expect(isLetIn(opened)).toBe(true);
    expect(store.mock.calls).toMatchObject([[tagOf(bound), NOW, NOW + 5 * MINUTE, NOW]]);
    world.now += 5 * MINUTE + 1;
    expectUnproven(guard.send(bind()), { reason: "KRB_AP_ERR_SKEW", challenge: undefined });
    expectUnproven(guard.send(withExtensions({ challenge: new Uint8Array(48) })), {
      ...CHALLENGE_REQUIRED,
      challenge: undefined,
    });
    expect(store).toHaveBeenCalledTimes(1);
  });
});

describe("an authenticator with a challenge", () => {
  test("is taken by the process that made it, and once", () => {
    const { guard } = turning();
    const bound = withExtensions({ challenge: challengeOf(guard) });
    const [first, second] = [guard.send(bound), guard.send(bound)];
    expect(isLetIn(first)).toBe(true);
    expectUnproven(second, REPEAT);
    answer(first);
    expectUnproven(guard.send(bound), REPEAT);
  });

  test("is taken whatever the client's clock says", () => {
    const { world, guard } = turning();
    world.now = NOW + 50 * MINUTE;
    expect(isLetIn(guard.send(withExtensions({ challenge: challengeOf(guard) })))).toBe(true);
    const { guard: early, world: before } = turning();
    before.now = NOW - 5 * MINUTE;
    expect(isLetIn(early.send(withExtensions({ challenge: challengeOf(early) })))).toBe(true);
  });

  test("is refused while its ticket is not good, whatever its challenge", () => {
    const { world, guard } = turning();
    const bound = withExtensions({ challenge: challengeOf(guard) });
    world.now = NOW + 66 * MINUTE;
    expectUnproven(guard.send(bound), { reason: "KRB_AP_ERR_TKT_EXPIRED" });
  });

  test("is refused by every other process, and by the same one started anew", () => {
    const { guard } = turning();
    const challenge = challengeOf(guard);
    const captured = withExtensions({ challenge });
    for (let i = 0; i < 3; i++) expectUnproven(turning().guard.send(captured), CHALLENGE_REQUIRED);
    expect(isLetIn(guard.send(captured))).toBe(true);
    expectUnproven(turning().guard.send(captured), CHALLENGE_REQUIRED);
  });

  test("is good for 60,000 ms by the clock that is never set, and no longer", () => {
    const { world, guard } = turning();
    const challenge = challengeOf(guard);
    const [early, late] = [withExtensions({ challenge }), withExtensions({ challenge })];
    world.now += 1;
    world.uptime += MINUTE + 0.4;
    expect(isLetIn(guard.send(early))).toBe(true);
    world.uptime += 0.1;
    expectUnproven(guard.send(late), CHALLENGE_REQUIRED);
  });

  test("is refused again for as long as its challenge is good, to the fraction of a millisecond", () => {
    for (const fraction of [0, 0.1, 0.5, 0.9]) {
      const { world, guard } = turning();
      world.uptime = 1_000 + fraction;
      const bound = withExtensions({ challenge: challengeOf(guard) });
      guard.send(bound);
      for (const later of [1, 59_999, 60_000, 60_000.9, 60_001, 120_000]) {
        world.uptime = 1_000 + later;
        expect(isLetIn(guard.send(bound))).toBe(false);
      }
    }
  });

  test("is refused where the challenge was altered", () => {
    const { guard } = turning();
    const challenge = challengeOf(guard);
    for (let bit = 0; bit < challenge.length * 8; bit += 5) {
      const changed = Uint8Array.from(challenge);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expectUnproven(guard.send(withExtensions({ challenge: changed })), CHALLENGE_REQUIRED);
    }
    for (const wrong of [challenge.subarray(1), Uint8Array.of(...challenge, 0), new Uint8Array(48)])
      expectUnproven(guard.send(withExtensions({ challenge: wrong })), CHALLENGE_REQUIRED);
    expectUnproven(guard.send(withExtensions({ challenge: new Uint8Array(65) })), {
      code: "INVALID_ARGUMENT",
      reason: "KRB_ERR_GENERIC",
      details: { field: "authenticator.challenge" },
    });
  });

  test("is not taken, and so still good, where the call is not its own", () => {
    const { guard } = turning();
    const bound = withExtensions({ challenge: challengeOf(guard) });
    expectUnproven(guard.send({ ...bound, request: Buffer.from("<other>") }), {
      reason: "KRB_AP_ERR_MODIFIED",
      details: { field: "checksum", method: "/chat.v1.Chat/say" },
    });
    expect(isLetIn(guard.send(bound))).toBe(true);
  });

  test("is taken also where level or rules refuse the call: the refusal is proven, and the next is a repeat", async () => {
    for (const options of [{ protection: "integrity" }, { allow: {} }] as const) {
      const { guard } = turning(options);
      const bound = withExtensions({ challenge: challengeOf(guard) });
      const opened = guard.send(bound);
      await settled();
      const end = endOf(opened.wire);
      expect(end).toMatchObject({ code: "PERMISSION_DENIED", reason: "KDC_ERR_POLICY", reply: undefined });
      expect(end.apRep).toBeDefined();
      expect(opened.handler).toEqual([]);
      expectUnproven(guard.send(bound), REPEAT);
    }
  });

  test("is refused where the table of tags is full, and none of them is dropped", () => {
    const take = vi.spyOn(TakenTags.prototype, "take");
    const { world, guard } = turning();
    const challenge = challengeOf(guard);
    const session = openSession(guard);
    const first = withExtensions({ challenge });
    guard.send(first);
    const [tags] = take.mock.contexts as [TakenTags];
    take.mockRestore();
    for (let i = tags.size; i < 200_000; i++) tags.take([Buffer.from(String(i).padStart(16))], world.uptime);
    const named = { session: session.id, number: 1 };
    for (const extensions of [{ challenge }, { challenge, repeats: named }])
      expectUnproven(guard.send(withExtensions(extensions)), {
        code: "UNAVAILABLE",
        reason: "KDC_ERR_SVC_UNAVAILABLE",
      });
    expectUnproven(guard.send(first), REPEAT);
    // The attempt that was named is not marked: it, or one repeat of it, may still run.
    expect(isLetIn(guard.send(bindUnder(session, { number: 1 })))).toBe(true);
    world.uptime += MINUTE + 1;
    expect(isLetIn(guard.send(withExtensions({ challenge: challengeOf(guard) })))).toBe(true);
  });

  test("keeps one session from the exchange of another call", () => {
    const { guard } = turning();
    const challenge = challengeOf(guard);
    const [a, b] = [1, 2].map(() => withExtensions({ challenge, asksForSession: true })) as [Bound, Bound];
    const [first, second] = [guard.send(a), guard.send(b)];
    answer(first);
    answer(second);
    expect(() => sessionIn(a, second.wire)).toThrow(
      expect.objectContaining({ reason: "KRB_AP_ERR_MUT_FAIL" }),
    );
    expect(isProven(sessionIn(a, first.wire)!, 0, second)).toBe(false);
    expect(isProven(sessionIn(b, second.wire)!, 0, second)).toBe(true);
  });
});

describe("a call that repeats an attempt", () => {
  const PLAINTEXT = { remoteAddress: "192.0.2.1" };
  const peers: readonly [string, CallWish][] = [
    ["over plaintext", PLAINTEXT],
    ["over TLS", { remoteAddress: "192.0.2.1", secure: true }],
    ["from loopback", { remoteAddress: "127.0.0.1" }],
    ["over a Unix socket", { remoteAddress: undefined }],
  ];
  const repeating = (guard: ReturnType<typeof turning>["guard"], repeats: Repeated) =>
    withExtensions({ challenge: challengeOf(guard), repeats });

  describe.each(peers)("%s", (_, peer) => {
    test("of a session that is held, is taken where the attempt has not come, which then does not run", () => {
      const { guard } = turning();
      const session = openSession(guard, peer);
      expect(isLetIn(guard.send(repeating(guard, { session: session.id, number: 1 }), peer))).toBe(true);
      expectUnproven(guard.send(bindUnder(session, { number: 1 }), peer), REPEAT);
      expectUnproven(guard.send(repeating(guard, { session: session.id, number: 1 }), peer), {
        ...REPEAT,
        details: { repeated: "1" },
      });
      expect(isLetIn(guard.send(bindUnder(session, { number: 2 }), peer))).toBe(true);
    });

    test("of a session that is held, is refused where the attempt came, or is waited for no more", () => {
      const { guard } = turning({ idempotent: ["*"] });
      const session = openSession(guard, peer);
      guard.send(bindUnder(session, { number: 2_000 }), peer);
      for (const number of [2_000, 1])
        expectUnproven(guard.send(repeating(guard, { session: session.id, number }), peer), {
          ...REPEAT,
          text: "the attempt that this one repeats was taken: the call ran",
          details: { repeated: String(number) },
        });
      expect(isLetIn(guard.send(bindUnder(session, { number: 1_999 }), peer))).toBe(true);
    });

    test("that was held back and not run, is taken once", () => {
      const { world, guard } = turning();
      const session = openSession(guard, peer);
      world.uptime += MINUTE + 1;
      expectUnproven(guard.send(bindUnder(session, { number: 1 }), peer), CHALLENGE_REQUIRED);
      expect(isLetIn(guard.send(repeating(guard, { session: session.id, number: 1 }), peer))).toBe(true);
      expectUnproven(guard.send(repeating(guard, { session: session.id, number: 1 }), peer), REPEAT);
    });

    const here = peer !== PLAINTEXT;
    test(`of a session that is not held, is ${here ? "taken" : "refused, unless the method may run twice"}`, () => {
      for (const idempotent of [[], ["chat.v1.Chat/other"], ["chat.v1.Chat/say"]]) {
        const { guard } = turning({ idempotent });
        const opened = guard.send(repeating(guard, { session: new Uint8Array(16), number: 1 }), peer);
        if (here || idempotent.includes("chat.v1.Chat/say")) expect(isLetIn(opened)).toBe(true);
        else
          expectUnproven(opened, {
            ...REPEAT,
            text: expect.stringContaining("use TLS, or declare the method idempotent"),
            details: { repeated: "1" },
          });
      }
    });

    test("by its tag, is taken where the authenticator has not come, which then does not run", () => {
      const { guard } = turning();
      const refused = withExtensions({ challenge: challengeOf(guard) });
      expect(isLetIn(guard.send(repeating(guard, { tag: tagOf(refused) }), peer))).toBe(true);
      expectUnproven(guard.send(refused, peer), REPEAT);
      expectUnproven(guard.send(repeating(guard, { tag: tagOf(refused) }), peer), REPEAT);
    });

    test("by its tag, is refused where the authenticator came, and stays good for nothing else", () => {
      const { guard } = turning({ idempotent: ["*"] });
      const ran = withExtensions({ challenge: challengeOf(guard) });
      expect(isLetIn(guard.send(ran, peer))).toBe(true);
      const repeat = repeating(guard, { tag: tagOf(ran) });
      for (let i = 0; i < 2; i++) expectUnproven(guard.send(repeat, peer), REPEAT);
    });
  });

  test("of another client's session marks nothing: it is not held for this client", () => {
    const { guard } = turning();
    const bob = ticketFor(KEYS, { client: parsePrincipal("bob@TEST.EXAMPLE", "client") });
    const his = openSession(guard, { credentials: bob });
    const repeats = { session: his.id, number: 1 };
    expectUnproven(guard.send(repeating(guard, repeats), PLAINTEXT), REPEAT);
    guard.send(repeating(guard, repeats), { secure: true });
    expect(isLetIn(guard.send(bindUnder(his, { number: 1 })))).toBe(true);
  });

  test("of a session that has ended is one that is not held", () => {
    const { world, guard } = turning({ sessions: { life: 1_000 } });
    const session = openSession(guard);
    guard.send(bindUnder(session, { number: 1 }));
    world.uptime += 1_001;
    expectUnproven(guard.send(repeating(guard, { session: session.id, number: 1 }), PLAINTEXT), REPEAT);
  });

  test("needs a challenge like any other, where there is no replay cache", () => {
    const { guard } = turning();
    const session = openSession(guard);
    expectUnproven(
      guard.send(withExtensions({ repeats: { session: session.id, number: 1 } })),
      CHALLENGE_REQUIRED,
    );
    expect(isLetIn(guard.send(bindUnder(session, { number: 1 })))).toBe(true);
  });

  test("by its tag, with a replay cache: the cache is asked for both, the repeated one first", async () => {
    const ran = new Set<string>();
    const store = vi.fn(async (tag: Uint8Array) => {
      const name = Buffer.from(tag).toString("hex");
      if (ran.has(name)) throw Object.assign(new Error("came before"));
      ran.add(name);
    });
    const { guard } = turning({ store });
    const first = bind();
    const repeat = withExtensions({ repeats: { tag: tagOf(first) } });
    const opened = guard.send(repeat);
    await settled();
    expect(isLetIn(opened)).toBe(true);
    expect(store.mock.calls.map(([tag]) => tag)).toEqual([tagOf(first), tagOf(repeat)]);
    const late = guard.send(first);
    await settled();
    expect(isLetIn(late)).toBe(false);
  });

  test("of a session, with a replay cache and sessions: number and tag", async () => {
    const store = vi.fn(async () => {});
    const { guard } = turning({ store, sessions: true });
    const first = withExtensions({ asksForSession: true });
    const made = guard.send(first);
    await settled();
    answer(made);
    const session = sessionIn(first, made.wire)!;
    const repeats = { session: session.id, number: 1 };
    const opened = guard.send(withExtensions({ repeats }), PLAINTEXT);
    await settled();
    expect(isLetIn(opened)).toBe(true);
    const again = guard.send(withExtensions({ repeats }), PLAINTEXT);
    expectUnproven(again, REPEAT);
    expect(store).toHaveBeenCalledTimes(2);
  });
});

describe("a name of the service", () => {
  const far = { remoteAddress: "192.0.2.1", secure: true };
  const call = (authority: string, received: string, options: object = {}, peer: CallWish = far) => {
    const { guard } = turning(options);
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
    const { guard } = turning({ authorities: ["a.test", "b.test"] });
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
