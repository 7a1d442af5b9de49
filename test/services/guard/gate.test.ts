/** What the gate takes an authenticator for: its challenge and its extensions. */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import type { Extension } from "../../../src/gen/kerberos/v1/extension_pb.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import { TakenTags } from "../../../src/services/guard/taken-tags.js";
import { EXTENSION_VECTORS, extension, extensionDetails } from "../../support/extension-vectors.js";
import {
  answer,
  type Bound,
  bind,
  endOf,
  KEYS,
  methodOf,
  NOW,
  names,
  settled,
  ticketFor,
} from "./by-hand.js";
import {
  bindUnder,
  bindWith,
  challengeOf,
  expectUnproven,
  isLetIn,
  isProven,
  openSession,
  sessionIn,
  tagOf,
  turningGuard,
  UNKNOWN_SESSION,
} from "./session-by-hand.js";

const MINUTE = 60_000;
const REPEAT = { reason: "KRB_AP_ERR_REPEAT" };
const CHALLENGE_REQUIRED = UNKNOWN_SESSION;

describe("an authenticator without a challenge", () => {
  test("is refused at the headers where there is no replay cache: nothing is read, and a challenge is given", () => {
    const { guard } = turningGuard();
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
    const { guard } = turningGuard();
    const bound = bind(methodOf("join"));
    for (let i = 0; i < 3; i++) expect(names(guard.send(bound).wire)).toEqual(["UNAUTHENTICATED"]);
  });

  test("is refused for its ticket and its seal first, without a challenge", () => {
    const { guard } = turningGuard();
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
    const { world, guard } = turningGuard({ store });
    const bound = bind();
    const opened = guard.send(bound);
    await settled();
    expect(isLetIn(opened)).toBe(true);
    expect(store.mock.calls).toMatchObject([[tagOf(bound), NOW, NOW + 5 * MINUTE, NOW]]);
    world.now += 5 * MINUTE + 1;
    expectUnproven(guard.send(bind()), { reason: "KRB_AP_ERR_SKEW", challenge: undefined });
    expectUnproven(guard.send(bindWith({ challenge: new Uint8Array(48) })), {
      ...CHALLENGE_REQUIRED,
      challenge: undefined,
    });
    expect(store).toHaveBeenCalledTimes(1);
  });
});

describe("an authenticator with a challenge", () => {
  test("is taken by the process that made it, and once", () => {
    const { guard } = turningGuard();
    const bound = bindWith({ challenge: challengeOf(guard) });
    const [first, second] = [guard.send(bound), guard.send(bound)];
    expect(isLetIn(first)).toBe(true);
    expectUnproven(second, REPEAT);
    answer(first);
    expectUnproven(guard.send(bound), REPEAT);
  });

  test("is taken whatever the client's clock says", () => {
    const { world, guard } = turningGuard();
    world.now = NOW + 50 * MINUTE;
    expect(isLetIn(guard.send(bindWith({ challenge: challengeOf(guard) })))).toBe(true);
    const { guard: early, world: before } = turningGuard();
    before.now = NOW - 5 * MINUTE;
    expect(isLetIn(early.send(bindWith({ challenge: challengeOf(early) })))).toBe(true);
  });

  test("is refused while its ticket is not good, whatever its challenge", () => {
    const { world, guard } = turningGuard();
    const bound = bindWith({ challenge: challengeOf(guard) });
    world.now = NOW + 66 * MINUTE;
    expectUnproven(guard.send(bound), { reason: "KRB_AP_ERR_TKT_EXPIRED" });
  });

  test("is refused by every other process, and by the same one started anew", () => {
    const { guard } = turningGuard();
    const challenge = challengeOf(guard);
    const captured = bindWith({ challenge });
    for (let i = 0; i < 3; i++) expectUnproven(turningGuard().guard.send(captured), CHALLENGE_REQUIRED);
    expect(isLetIn(guard.send(captured))).toBe(true);
    expectUnproven(turningGuard().guard.send(captured), CHALLENGE_REQUIRED);
  });

  test("is good for 60,000 ms by the clock that is never set, and no longer", () => {
    const { world, guard } = turningGuard();
    const challenge = challengeOf(guard);
    const [early, late] = [bindWith({ challenge }), bindWith({ challenge })];
    world.now += 1;
    world.uptime += MINUTE + 0.4;
    expect(isLetIn(guard.send(early))).toBe(true);
    world.uptime += 0.1;
    expectUnproven(guard.send(late), CHALLENGE_REQUIRED);
  });

  test("is refused again for as long as its challenge is good, to the fraction of a millisecond", () => {
    for (const fraction of [0, 0.1, 0.5, 0.9]) {
      const { world, guard } = turningGuard();
      world.uptime = 1_000 + fraction;
      const bound = bindWith({ challenge: challengeOf(guard) });
      guard.send(bound);
      for (const later of [1, 59_999, 60_000, 60_000.9, 60_001, 120_000]) {
        world.uptime = 1_000 + later;
        expect(isLetIn(guard.send(bound))).toBe(false);
      }
    }
  });

  test("is refused where the challenge was altered", () => {
    const { guard } = turningGuard();
    const challenge = challengeOf(guard);
    for (let bit = 0; bit < challenge.length * 8; bit += 5) {
      const changed = Uint8Array.from(challenge);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expectUnproven(guard.send(bindWith({ challenge: changed })), CHALLENGE_REQUIRED);
    }
    for (const wrong of [challenge.subarray(1), Uint8Array.of(...challenge, 0), new Uint8Array(48)])
      expectUnproven(guard.send(bindWith({ challenge: wrong })), CHALLENGE_REQUIRED);
    expectUnproven(guard.send(bindWith({ challenge: new Uint8Array(65) })), {
      code: "INVALID_ARGUMENT",
      reason: "KRB_ERR_GENERIC",
      details: { field: "authenticator.challenge" },
    });
  });

  test("is not taken, and so still good, where the call is not its own", () => {
    const { guard } = turningGuard();
    const bound = bindWith({ challenge: challengeOf(guard) });
    expectUnproven(guard.send({ ...bound, request: Buffer.from("<other>") }), {
      reason: "KRB_AP_ERR_MODIFIED",
      details: { field: "checksum", method: "/chat.v1.Chat/say" },
    });
    expect(isLetIn(guard.send(bound))).toBe(true);
  });

  test("is taken also where level or rules refuse the call: the refusal is proven, and the next is a repeat", async () => {
    for (const options of [{ protection: "integrity" }, { allow: {} }] as const) {
      const { guard } = turningGuard(options);
      const bound = bindWith({ challenge: challengeOf(guard) });
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
    const { world, guard } = turningGuard();
    const challenge = challengeOf(guard);
    const session = openSession(guard);
    const first = bindWith({ challenge });
    guard.send(first);
    const [tags] = take.mock.contexts as [TakenTags];
    take.mockRestore();
    for (let i = tags.size; i < 200_000; i++) tags.take([Buffer.from(String(i).padStart(16))], world.uptime);
    const named = { session: session.id, number: 1 };
    for (const extensions of [{ challenge }, { challenge, repeats: named }])
      expectUnproven(guard.send(bindWith(extensions)), {
        code: "UNAVAILABLE",
        reason: "KDC_ERR_SVC_UNAVAILABLE",
      });
    expectUnproven(guard.send(first), REPEAT);
    // The attempt that was named is not marked: it, or one repeat of it, may still run.
    expect(isLetIn(guard.send(bindUnder(session, { number: 1 })))).toBe(true);
    world.uptime += MINUTE + 1;
    expect(isLetIn(guard.send(bindWith({ challenge: challengeOf(guard) })))).toBe(true);
  });

  test("keeps one session from the exchange of another call", () => {
    const { guard } = turningGuard();
    const challenge = challengeOf(guard);
    const [a, b] = [1, 2].map(() => bindWith({ challenge, asksForSession: true })) as [Bound, Bound];
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

describe("the extensions of an authenticator", () => {
  const { guard } = turningGuard({ store: async () => {} });
  const send = (list: readonly Extension[]) => guard.send(bind(methodOf("say"), "authenticate", { list }));

  test.each(EXTENSION_VECTORS)("are judged: $name", async (vector) => {
    const opened = send(vector.extensions);
    await settled();
    if (vector.code === undefined) return expect(isLetIn(opened)).toBe(true);
    expectUnproven(opened, {
      code: vector.code === "KDC_ERR_POLICY" ? "PERMISSION_DENIED" : "INVALID_ARGUMENT",
      reason: vector.code,
      details: extensionDetails(vector, "authenticator.extensions"),
    });
  });

  test.each<[string, Extension[], string]>([
    [
      "a challenge twice",
      [extension({ type: 1, data: new Uint8Array(48) }), extension({ type: 1, data: new Uint8Array(48) })],
      "authenticator.extensions",
    ],
    [
      "a session asked for before the challenge",
      [extension({ type: 3 }), extension({ type: 1, data: new Uint8Array(48) })],
      "authenticator.extensions",
    ],
    ["an attempt that is none", [extension({ type: 2, critical: true })], "authenticator.repeats"],
    [
      "a session asked for with words",
      [extension({ type: 3, data: Uint8Array.of(1) })],
      "authenticator.session",
    ],
    ["a session asked for without a subkey", [extension({ type: 3 })], "authenticator.subkey"],
  ])("are refused with %s", (_, list, field) => {
    expectUnproven(send(list), { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC", details: { field } });
  });

  test("are refused by their length alone, with 1 MiB", () => {
    const bytes = Buffer.alloc(2 ** 20);
    const metadata = new grpc.Metadata();
    metadata.set(AP_REQ_METADATA, bytes);
    expectUnproven(guard.send({ ...bind(), metadata }), {
      code: "INVALID_ARGUMENT",
      reason: "KRB_ERR_FIELD_TOOLONG",
      details: { field: "ap_req", length: "1048576", limit: "4096" },
    });
  });
});
