/** Sessions at the service: who gets one, and when it ends. */
import { describe, expect, test } from "vitest";
import { openApRep } from "../../../src/protocol/ap-rep.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { AP_REP_EXTENSIONS, TRAILERS_ONLY } from "../../../src/protocol/session-extensions.js";
import {
  answer,
  bind,
  endOf,
  type HandMadeGuard,
  KEYS,
  methodOf,
  NOW,
  names,
  openGuard,
  serviceKeys,
  settled,
  ticketFor,
} from "./by-hand.js";
import {
  bindUnder,
  type ClientSession,
  challengeOf,
  expectUnproven,
  isProven,
  openSession,
  sessionIn,
  UNKNOWN_SESSION,
} from "./session-by-hand.js";

/** What a session counts for in its table, with a ticket of the usual length. */
const SESSION_BYTES = 3_000;

describe("a session is granted", () => {
  const ask = (guard: HandMadeGuard, credentials = ticketFor()) => {
    const extensions = { challenge: challengeOf(guard), asksForSession: true };
    return bind(methodOf("say"), "authenticate", { credentials, extensions });
  };

  test("to whoever asks for one: 16 bytes, and a life in seconds", () => {
    const guard = openGuard({ sessions: { life: 5_999 } });
    const bound = ask(guard);
    const opened = guard.send(bound);
    answer(opened);
    const session = sessionIn(bound, opened.wire)!;
    expect(session.id).toHaveLength(16);
    expect(session.life).toBe(5);
    expect(guard.config.policy.sessions!.size).toBe(1);
  });

  test("and each is another", () => {
    const guard = openGuard();
    const [first, second] = [openSession(guard), openSession(guard)];
    expect(first.id).not.toEqual(second.id);
    expect(guard.config.policy.sessions!.size).toBe(2);
  });

  test("and the answer to the call that made it is proven as number 0", () => {
    const guard = openGuard();
    const bound = ask(guard);
    const opened = guard.send(bound);
    answer(opened);
    const session = sessionIn(bound, opened.wire)!;
    expect(names(opened.wire)).toEqual(["startRead", "metadata", "message", "OK"]);
    expect(isProven(session, 0, opened)).toBe(true);
    expect(isProven(session, 1, opened)).toBe(false);
  });

  test.each([
    ["its level", { protection: "integrity" }, "KDC_ERR_POLICY"],
    ["a rule", { allow: {} }, "KDC_ERR_POLICY"],
    ["its certificate", { bindClientCertificate: () => true }, "KRB_AP_ERR_BADMATCH"],
  ] as const)(
    "also where the call is refused for %s: the refusal is proven, in trailers alone",
    async (...row) => {
      const [, options, reason] = row;
      const guard = openGuard(options);
      const bound = ask(guard);
      const opened = guard.send(bound);
      await settled();
      expect(names(opened.wire)).toEqual(["startRead", endOf(opened.wire).code]);
      const end = endOf(opened.wire);
      expect(end.reason).toBe(reason);
      expect(opened.handler).toEqual([]);
      const { extensions } = openApRep(end.apRep!, bound.pending, AP_REP_EXTENSIONS);
      expect(extensions.at(-1)).toEqual(TRAILERS_ONLY);
      expect(isProven(sessionIn(bound, opened.wire)!, 0, opened)).toBe(true);
    },
  );

  test("also where the request does not decode", () => {
    const guard = openGuard();
    const extensions = { challenge: challengeOf(guard), asksForSession: true };
    const bound = bind(methodOf("say"), "authenticate", { text: "<", extensions });
    const opened = guard.send(bound);
    expect(endOf(opened.wire)).toMatchObject({ code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC" });
    expect(isProven(sessionIn(bound, opened.wire)!, 0, opened)).toBe(true);
  });

  test("to nobody who does not ask", () => {
    const guard = openGuard();
    const bound = bind(methodOf("say"), "integrity", { extensions: { challenge: challengeOf(guard) } });
    const opened = guard.send(bound);
    answer(opened);
    expect(sessionIn(bound, opened.wire)).toBeUndefined();
    expect(endOf(opened.wire)).toMatchObject({ code: "OK", reply: undefined });
    expect(guard.config.policy.sessions!.size).toBe(0);
  });

  test.each([3, 16])(
    "to nobody whose session key has the encryption type %i: the call is one shot",
    (etype) => {
      const weak = serviceKeys(etype);
      const guard = openGuard({ keytab: () => weak, permittedEtypes: [20, 19, 16, 3] });
      const challenge = challengeWith(guard, ticketFor(weak));
      const extensions = { challenge, asksForSession: true };
      const bound = bind(methodOf("say"), "authenticate", { credentials: ticketFor(weak), extensions });
      const opened = guard.send(bound);
      answer(opened);
      expect(endOf(opened.wire)).toMatchObject({ code: "OK", reply: undefined });
      expect(sessionIn(bound, opened.wire)).toBeUndefined();
      expect(guard.config.policy.sessions!.size).toBe(0);
    },
  );

  test("to nobody whose ticket is sealed by a weak key, be the session key strong", () => {
    const weak = serviceKeys(3);
    const guard = openGuard({ keytab: () => weak, permittedEtypes: [20, 19, 3] });
    const credentials = ticketFor(weak, { sessionKey: randomKey(etypeOf(20)) });
    const challenge = challengeWith(guard, credentials);
    const bound = bind(methodOf("say"), "authenticate", {
      credentials,
      extensions: { challenge, asksForSession: true },
    });
    const opened = guard.send(bound);
    answer(opened);
    expect(endOf(opened.wire).code).toBe("OK");
    expect(sessionIn(bound, opened.wire)).toBeUndefined();
  });

  test.each([{ store: async () => {} }, { sessions: false }])(
    "by nobody who has none: with a replay cache, or where they are off: %o",
    async (options) => {
      const guard = openGuard(options);
      const challenge = "store" in options ? undefined : challengeOf(guard);
      const bound = bind(methodOf("say"), "authenticate", {
        extensions: { challenge, asksForSession: true },
      });
      expect(guard.config.policy.sessions).toBeUndefined();
      const opened = guard.send(bound);
      await settled();
      answer(opened);
      expect(endOf(opened.wire)).toMatchObject({ code: "OK", reply: undefined });
      expect(sessionIn(bound, opened.wire)).toBeUndefined();
    },
  );

  test("without a challenge, where there is a replay cache and sessions are wanted", async () => {
    const guard = openGuard({ store: async () => {}, sessions: true });
    const bound = bind(methodOf("say"), "authenticate", { extensions: { asksForSession: true } });
    const opened = guard.send(bound);
    await settled();
    answer(opened);
    const session = sessionIn(bound, opened.wire)!;
    expect(isProven(session, 0, opened)).toBe(true);
    expect(names(guard.send(bindUnder(session, { number: 1 })).handler)).toEqual(["metadata"]);
  });

  test("and not where its call was refused before it was proven", async () => {
    const guard = openGuard({ store: () => Promise.reject(new Error("down")), sessions: true });
    const opened = guard.send(
      bind(methodOf("say"), "authenticate", { extensions: { asksForSession: true } }),
    );
    await settled();
    expectUnproven(opened, { code: "UNAVAILABLE", reason: "KDC_ERR_SVC_UNAVAILABLE" });
    expect(guard.config.policy.sessions!.size).toBe(0);
  });

  function challengeWith(guard: HandMadeGuard, credentials: ReturnType<typeof ticketFor>): Uint8Array {
    return endOf(guard.send(bind(methodOf("say"), "authenticate", { credentials })).wire).challenge!;
  }
});

describe("a session ends", () => {
  /** A guard whose clocks and keys the test turns. */
  function turning(options: Parameters<typeof openGuard>[0] = {}) {
    const world = { now: NOW, uptime: 0, keys: KEYS };
    const guard = openGuard({
      clock: () => world.now,
      uptime: () => world.uptime,
      keytab: () => world.keys,
      ...options,
    });
    let number = 1;
    const isTaken = (session: ClientSession) => {
      const age = Math.floor(world.uptime / 1_000);
      const opened = guard.send(bindUnder(session, { number: number++, age }));
      if (opened.handler.length > 0) return true;
      expectUnproven(opened, UNKNOWN_SESSION);
      expect(names(opened.wire)).toEqual(["UNAUTHENTICATED"]);
      return false;
    };
    return { world, guard, isTaken };
  }

  test("with its ticket, and the skew of clocks", () => {
    const { world, guard, isTaken } = turning({ clockSkew: 1_000 });
    const session = openSession(guard);
    world.now = NOW + 3_600_000 + 1_000;
    expect(isTaken(session)).toBe(true);
    world.now++;
    expect(isTaken(session)).toBe(false);
    world.now = NOW;
    expect(isTaken(session)).toBe(false);
    expect(guard.config.policy.sessions!.size).toBe(0);
  });

  test("after its life, by the clock that is never set", () => {
    const { world, guard, isTaken } = turning({ sessions: { life: 10_000 } });
    world.uptime = 5_000;
    const session = openSession(guard);
    world.now += 60_000;
    world.uptime = 15_000;
    expect(isTaken(session)).toBe(true);
    world.uptime = 15_001;
    expect(isTaken(session)).toBe(false);
  });

  test("when the keytab drops the key of its ticket, and not while it holds it", () => {
    const { world, guard, isTaken } = turning();
    const session = openSession(guard);
    const next = { kvno: 2, key: randomKey(etypeOf(20)) };
    world.keys = { ...KEYS, keys: [next, ...KEYS.keys] };
    expect(isTaken(session)).toBe(true);
    world.keys = { ...KEYS, keys: [...KEYS.keys] };
    expect(isTaken(session)).toBe(true);
    world.keys = { ...KEYS, keys: [next] };
    expect(isTaken(session)).toBe(false);
    world.keys = KEYS;
    expect(isTaken(session)).toBe(false);
  });

  test("when the key of its version is another", () => {
    const { world, guard, isTaken } = turning();
    const session = openSession(guard);
    world.keys = { ...KEYS, keys: [{ kvno: 1, key: randomKey(etypeOf(20)) }] };
    expect(isTaken(session)).toBe(false);
  });

  test("when it is the one longest unused, and the table is full", () => {
    const { guard, isTaken } = turning({ sessions: { bytes: 2 * SESSION_BYTES, share: 2 } });
    const [first, second] = [openSession(guard), openSession(guard)];
    expect(isTaken(first)).toBe(true);
    const third = openSession(guard);
    expect(guard.config.policy.sessions!.size).toBe(2);
    expect([first, second, third].map(isTaken)).toEqual([true, false, true]);
  });

  test("when the numbers that are waited for take its room", () => {
    const { guard, isTaken } = turning({ sessions: { bytes: 8 * SESSION_BYTES, share: 8 } });
    const [first, second] = [openSession(guard), openSession(guard)];
    const skip = (session: typeof first, number: number) => guard.send(bindUnder(session, { number }));
    // 1,024 numbers are missing under each, which take as much as five and a half sessions.
    skip(first, 1_025);
    expect(guard.config.policy.sessions!.size).toBe(2);
    skip(second, 1_025);
    expect(guard.config.policy.sessions!.size).toBe(1);
    expect([first, second].map(isTaken)).toEqual([false, true]);
  });

  test("when its client makes more than its share: a client without end displaces its own alone", () => {
    const { guard, isTaken } = turning({ sessions: { bytes: 100 * SESSION_BYTES, share: 3 } });
    const bob = () => ticketFor(KEYS, { client: parsePrincipal("bob@TEST.EXAMPLE", "client") });
    const mine = [openSession(guard), openSession(guard)];
    const his = Array.from({ length: 50 }, () => openSession(guard, { credentials: bob() }));
    expect(guard.config.policy.sessions!.size).toBe(5);
    expect(mine.map(isTaken)).toEqual([true, true]);
    expect(his.slice(-3).map(isTaken)).toEqual([true, true, true]);
    expect(his.slice(0, -3).some(isTaken)).toBe(false);
    // The one longest unused goes first, also within a share.
    isTaken(his.at(-3)!);
    openSession(guard, { credentials: bob() });
    expect(his.slice(-3).map(isTaken)).toEqual([true, false, true]);
  });

  test("while a call is on its way: what counts is whether it is held when the request is there", () => {
    const { world, guard } = turning({ sessions: { life: 10_000, bytes: SESSION_BYTES } });
    for (const end of [
      () => {
        world.uptime += 10_001;
      },
      () => {
        world.keys = serviceKeys(20);
      },
      () => openSession(guard),
    ]) {
      world.keys = KEYS;
      const session = openSession(guard);
      const sent = bindUnder(session, { number: 1, age: 10 });
      const opened = guard.open();
      opened.call.onReceiveMetadata(sent.metadata);
      expect(names(opened.wire)).toEqual(["startRead"]);
      end();
      opened.call.onReceiveMessage(sent.request);
      expectUnproven(opened, UNKNOWN_SESSION);
    }
  });

  test("without harm to calls that run under it", () => {
    const { world, guard } = turning({ sessions: { life: 10_000 } });
    const session = openSession(guard);
    const opened = guard.send(bindUnder(session, { number: 1 }));
    world.uptime = 20_000;
    expectUnproven(guard.send(bindUnder(session, { number: 2, age: 20 })), UNKNOWN_SESSION);
    answer(opened);
    expect(isProven(session, 1, opened)).toBe(true);
  });
});
