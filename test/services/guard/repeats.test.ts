/** Calls that repeat an attempt: by its session and number, or by the tag of its authenticator. */
import { describe, expect, test, vi } from "vitest";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import type { Repeated } from "../../../src/protocol/session-extensions.js";
import { answer, bind, type CallWish, KEYS, settled, ticketFor } from "./by-hand.js";
import {
  bindUnder,
  bindWith,
  challengeOf,
  expectUnproven,
  isLetIn,
  openSession,
  sessionIn,
  tagOf,
  turningGuard,
  UNKNOWN_SESSION,
} from "./session-by-hand.js";

const MINUTE = 60_000;
const REPEAT = { reason: "KRB_AP_ERR_REPEAT" };
const CHALLENGE_REQUIRED = UNKNOWN_SESSION;

describe("a call that repeats an attempt", () => {
  const PLAINTEXT = { remoteAddress: "192.0.2.1" };
  const peers: readonly [string, CallWish][] = [
    ["over plaintext", PLAINTEXT],
    ["over TLS", { remoteAddress: "192.0.2.1", secure: true }],
    ["from loopback", { remoteAddress: "127.0.0.1" }],
    ["over a Unix socket", { remoteAddress: undefined }],
  ];
  const repeating = (guard: ReturnType<typeof turningGuard>["guard"], repeats: Repeated) =>
    bindWith({ challenge: challengeOf(guard), repeats });

  describe.each(peers)("%s", (_, peer) => {
    test("of a session that is held, is taken where the attempt has not come, which then does not run", () => {
      const { guard } = turningGuard();
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
      const { guard } = turningGuard({ idempotent: ["*"] });
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
      const { world, guard } = turningGuard();
      const session = openSession(guard, peer);
      world.uptime += MINUTE + 1;
      expectUnproven(guard.send(bindUnder(session, { number: 1 }), peer), CHALLENGE_REQUIRED);
      expect(isLetIn(guard.send(repeating(guard, { session: session.id, number: 1 }), peer))).toBe(true);
      expectUnproven(guard.send(repeating(guard, { session: session.id, number: 1 }), peer), REPEAT);
    });

    const here = peer !== PLAINTEXT;
    test(`of a session that is not held, is ${here ? "taken" : "refused, unless the method may run twice"}`, () => {
      for (const idempotent of [[], ["chat.v1.Chat/other"], ["chat.v1.Chat/say"]]) {
        const { guard } = turningGuard({ idempotent });
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
      const { guard } = turningGuard();
      const refused = bindWith({ challenge: challengeOf(guard) });
      expect(isLetIn(guard.send(repeating(guard, { tag: tagOf(refused) }), peer))).toBe(true);
      expectUnproven(guard.send(refused, peer), REPEAT);
      expectUnproven(guard.send(repeating(guard, { tag: tagOf(refused) }), peer), REPEAT);
    });

    test("by its tag, is refused where the authenticator came, and stays good for nothing else", () => {
      const { guard } = turningGuard({ idempotent: ["*"] });
      const ran = bindWith({ challenge: challengeOf(guard) });
      expect(isLetIn(guard.send(ran, peer))).toBe(true);
      const repeat = repeating(guard, { tag: tagOf(ran) });
      for (let i = 0; i < 2; i++) expectUnproven(guard.send(repeat, peer), REPEAT);
    });
  });

  test("of another client's session marks nothing: it is not held for this client", () => {
    const { guard } = turningGuard();
    const bob = ticketFor(KEYS, { client: parsePrincipal("bob@TEST.EXAMPLE", "client") });
    const his = openSession(guard, { credentials: bob });
    const repeats = { session: his.id, number: 1 };
    expectUnproven(guard.send(repeating(guard, repeats), PLAINTEXT), REPEAT);
    guard.send(repeating(guard, repeats), { secure: true });
    expect(isLetIn(guard.send(bindUnder(his, { number: 1 })))).toBe(true);
  });

  test("of a session that has ended is one that is not held", () => {
    const { world, guard } = turningGuard({ sessions: { life: 1_000 } });
    const session = openSession(guard);
    guard.send(bindUnder(session, { number: 1 }));
    world.uptime += 1_001;
    expectUnproven(guard.send(repeating(guard, { session: session.id, number: 1 }), PLAINTEXT), REPEAT);
  });

  test("needs a challenge like any other, where there is no replay cache", () => {
    const { guard } = turningGuard();
    const session = openSession(guard);
    expectUnproven(guard.send(bindWith({ repeats: { session: session.id, number: 1 } })), CHALLENGE_REQUIRED);
    expect(isLetIn(guard.send(bindUnder(session, { number: 1 })))).toBe(true);
  });

  test("by its tag, with a replay cache: the cache is asked for both, the repeated one first", async () => {
    const ran = new Set<string>();
    const store = vi.fn(async (tag: Uint8Array) => {
      const name = Buffer.from(tag).toString("hex");
      if (ran.has(name)) throw Object.assign(new Error("came before"));
      ran.add(name);
    });
    const { guard } = turningGuard({ store });
    const first = bind();
    const repeat = bindWith({ repeats: { tag: tagOf(first) } });
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
    const { guard } = turningGuard({ store, sessions: true });
    const first = bindWith({ asksForSession: true });
    const made = guard.send(first);
    await settled();
    answer(made);
    const session = sessionIn(first, made.wire)!;
    const repeats = { session: session.id, number: 1 };
    const opened = guard.send(bindWith({ repeats }), PLAINTEXT);
    await settled();
    expect(isLetIn(opened)).toBe(true);
    const again = guard.send(bindWith({ repeats }), PLAINTEXT);
    expectUnproven(again, REPEAT);
    expect(store).toHaveBeenCalledTimes(2);
  });
});
