/** Streams and their tickets at the service: how they end, and how they are renewed inside the stream. */
import { create } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { encodeCanonical } from "../../../src/canonical/encode.js";
import { ApReqSchema } from "../../../src/gen/kerberos/v1/application_service_pb.js";
import { ExtensionSchema, ExtensionType } from "../../../src/gen/kerberos/v1/extension_pb.js";
import { makeSubkey } from "../../../src/protocol/ap-exchange.js";
import {
  type BoundCall,
  makeCallApReq,
  type Protection,
  readApReq,
} from "../../../src/protocol/call-binding.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { sessionExtensions } from "../../../src/protocol/session-extensions.js";
import { makeRenewal } from "../../../src/protocol/stream-renewal.js";
import type { ServiceKeys } from "../../../src/protocol/ticket.js";
import { callerOf } from "../../../src/services/guard/caller.js";
import type { CallerRule } from "../../../src/services/guard/caller-rules.js";
import { TurnedTimers } from "../../../src/testing/turned-timers.js";
import {
  answer,
  bind,
  type CallWish,
  endOf,
  type GuardWish,
  type HandMadeMethod,
  HOST,
  KEYS,
  methodOf,
  NOW,
  names,
  openGuard,
  type Sent,
  serviceKeys,
  settled,
  ticketFor,
} from "./by-hand.js";
import { bindUnder, type ClientSession, challengeOf, isProven, openSession } from "./session-by-hand.js";

const HOUR = 3_600_000;
const SKEW = 300_000;
const LEVELS = ["authenticate", "integrity", "privacy"] as const;
/** Alice's next ticket: it ends an hour after the one that calls are made with. */
const next = (changes: Parameters<typeof ticketFor>[1] = {}) =>
  ticketFor(KEYS, { endtime: NOW + 2 * HOUR, ...changes });

/** A guard whose clock the test turns, and streams there, under a session or by an AP exchange. */
function openStreams({ under = "session", ...wish }: GuardWish & { under?: "session" | "exchange" } = {}) {
  const state = { now: NOW };
  const timers = new TurnedTimers(() => state.now);
  const guard = openGuard({ clock: () => state.now, timer: timers.timer, ...wish });
  let session: ClientSession | undefined;
  let number = 0;
  return {
    timers,
    guard,
    turn: (ms: number) => {
      state.now += ms;
      timers.turned();
    },
    begin: (
      protection: Protection = "integrity",
      method: HandMadeMethod = methodOf("talk"),
      wish: CallWish = {},
    ) => {
      if (under === "session") session ??= openSession(guard);
      number++;
      const sent: Sent = session
        ? bindUnder(session, { number, method, protection })
        : bind(method, protection, { extensions: { challenge: challengeOf(guard) } });
      const opened = guard.send(sent, wish);
      const own = number;
      /** A renewal as it travels. */
      const renewal = (apReq: (place: Uint8Array) => Uint8Array) =>
        Buffer.from(sent.protector!.renewal(apReq));
      const bound = { method: method.path, authority: HOST, protection, requestSha256: undefined };
      return {
        ...opened,
        sent,
        renewal,
        /** The AP-REQ of an honest renewal. */
        apReq: (place: Uint8Array, credentials: Credentials = next(), changes: Partial<typeof bound> = {}) =>
          makeRenewal(credentials, { ...bound, ...changes }, place, NOW),
        /** What a handler sees. */
        caller: () => callerOf({ metadata: opened.handler[0]![1] as grpc.Metadata }),
        isProven: () => session === undefined || isProven(session, own, opened),
        message: (text: string) => Buffer.from(sent.protector!.protect(Buffer.from(`<${text}>`))),
      };
    },
  };
}

type Streams = ReturnType<typeof openStreams>;
type Stream = ReturnType<Streams["begin"]>;

/** Expects a stream to have ended in a proven refusal. */
function expectEnded({ wire, isProven: proven }: Stream, refusal: object): void {
  expect(endOf(wire)).toMatchObject({ code: "UNAUTHENTICATED", ...refusal });
  expect(proven()).toBe(true);
}

const EXPIRED = {
  reason: "KRB_AP_ERR_TKT_EXPIRED",
  details: expect.objectContaining({ limit_ms: "300000" }),
};

describe.each(["session", "exchange"] as const)("under a %s", (under) => {
  describe.each(LEVELS)("at %s", (protection) => {
    test("a stream ends when its ticket has, and the skew with it", () => {
      const streams = openStreams({ under });
      const stream = streams.begin(protection);
      streams.turn(HOUR + SKEW);
      expect(names(stream.handler)).toEqual(["metadata"]);
      streams.turn(10_000);
      expectEnded(stream, EXPIRED);
      expect(endOf(stream.wire).text).toContain("did not renew it in time");
    });

    test("a renewed stream goes on until its new ticket ends; the application sees nothing of it", () => {
      const streams = openStreams({ under });
      const stream = streams.begin(protection);
      stream.call.startRead();
      stream.call.onReceiveMessage(stream.message("before"));
      stream.call.startRead();
      const reads = names(stream.wire).filter((what) => what === "startRead").length;
      stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
      // The handler asked for a message, and still waits for one.
      expect(names(stream.wire).filter((what) => what === "startRead")).toHaveLength(reads + 1);
      expect(stream.caller().endtime).toBe(NOW + 2 * HOUR);
      streams.turn(HOUR + SKEW + 10_000);
      stream.call.onReceiveMessage(stream.message("after"));
      expect(stream.handler.map(([, value]) => value).slice(1)).toEqual(["before", "after"]);
      streams.turn(HOUR);
      expectEnded(stream, EXPIRED);
    });

    test("a stream is renewed as often as its client likes, and ends as any other", () => {
      const streams = openStreams({ under });
      const stream = streams.begin(protection);
      for (let hour = 2; hour < 6; hour++) {
        const credentials = next({ endtime: NOW + hour * HOUR });
        stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place, credentials)));
        streams.turn(HOUR);
      }
      stream.call.onReceiveMessage(Buffer.from(stream.sent.protector!.end()));
      stream.call.onReceiveHalfClose();
      expect(names(stream.handler)).toEqual(["metadata", "halfClose"]);
      answer(stream);
      expect(endOf(stream.wire).code).toBe("OK");
      expect(streams.guard.config.streams.size).toBe(0);
      expect(streams.timers.size).toBe(0);
    });
  });
});

/** What an AP-REQ is bound to that is made for a stream of the tests below. */
const callOf = ({ path }: Pick<Stream["method"], "path">): BoundCall => ({
  method: path,
  authority: HOST,
  protection: "integrity",
  requestSha256: undefined,
});

const renewsAt = (place: Uint8Array) =>
  create(ExtensionSchema, { type: ExtensionType.RENEWS, critical: true, data: place });

/** AP-REQs that renew nothing, by what is wrong with them. */
const refused: readonly [
  what: string,
  refusal: { reason: string; code?: string; details?: Record<string, string> },
  make: (stream: Stream, place: Uint8Array, other: Stream) => Uint8Array,
][] = [
  [
    "another client's ticket",
    { reason: "KRB_AP_ERR_BADMATCH", details: { compared: "client" } },
    ({ apReq }, place) => apReq(place, next({ client: parsePrincipal("bob@TEST.EXAMPLE", "client") })),
  ],
  [
    "another service's ticket",
    { reason: "KRB_AP_ERR_NOT_US" },
    ({ apReq }, place) => {
      const other = parsePrincipal("chat/other.example.test@TEST.EXAMPLE", "service");
      return apReq(place, ticketFor({ ...KEYS, principal: other }));
    },
  ],
  [
    "a ticket that has ended",
    { reason: "KRB_AP_ERR_TKT_EXPIRED" },
    ({ apReq }, place) => apReq(place, next({ starttime: NOW - HOUR, endtime: NOW - SKEW - 1 })),
  ],
  [
    "a ticket under a key that is not the service's",
    { reason: "KRB_AP_ERR_BAD_INTEGRITY", details: { part: "ticket" } },
    ({ apReq }, place) => apReq(place, ticketFor(serviceKeys(20))),
  ],
  [
    "an authenticator of somebody who has not the ticket's key",
    { reason: "KRB_AP_ERR_BAD_INTEGRITY", details: { part: "authenticator" } },
    ({ apReq }, place) => apReq(place, { ...next(), key: randomKey(etypeOf(20)) }),
  ],
  [
    "an AP-REQ that was made for another stream",
    { reason: "KRB_AP_ERR_MODIFIED", details: { field: "authenticator.renews" } },
    (_, __, other) => {
      let theirs!: Uint8Array;
      other.renewal((place) => {
        theirs = other.apReq(place);
        return theirs;
      });
      return theirs;
    },
  ],
  [
    "an AP-REQ that was made for a call of the same method",
    { reason: "KRB_AP_ERR_MODIFIED", details: { field: "authenticator.renews" } },
    ({ method, sent }) => {
      expect(sent.protector).toBeDefined();
      return makeCallApReq(next(), callOf(method), undefined, NOW).bytes;
    },
  ],
  [
    "an AP-REQ that asks for a session, and holds no place",
    { reason: "KRB_AP_ERR_MODIFIED", details: { field: "authenticator.renews" } },
    ({ method }) => {
      const extensions = sessionExtensions({ asksForSession: true });
      return makeCallApReq(next(), callOf(method), { extensions }, NOW).bytes;
    },
  ],
  [
    "a challenge",
    { code: "PERMISSION_DENIED", reason: "KDC_ERR_POLICY", details: { rule: "extension", type: "1" } },
    ({ method }, place) => {
      const extensions = [...sessionExtensions({ challenge: new Uint8Array(48) }), renewsAt(place)];
      return makeCallApReq(next(), callOf(method), { extensions }, NOW).bytes;
    },
  ],
  [
    "another method",
    { reason: "KRB_AP_ERR_MODIFIED", details: { field: "checksum" } },
    ({ apReq }, place) => apReq(place, next(), { method: "/chat.v1.Chat/join" }),
  ],
  [
    "a name that is not the service's",
    { reason: "KRB_AP_ERR_MODIFIED", details: { field: "checksum" } },
    ({ apReq }, place) => apReq(place, next(), { authority: "evil.example.test" }),
  ],
  [
    "a lower level",
    { reason: "KRB_AP_ERR_MODIFIED", details: { field: "ap_req.protection" } },
    ({ apReq }, place) => apReq(place, next(), { protection: "authenticate" }),
  ],
  [
    "a higher level",
    { reason: "KRB_AP_ERR_MODIFIED", details: { field: "ap_req.protection" } },
    ({ apReq }, place) => apReq(place, next(), { protection: "privacy" }),
  ],
  [
    "a subkey",
    { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC", details: { field: "authenticator.subkey" } },
    ({ method }, place) => {
      const credentials = next();
      const carried = { subkey: makeSubkey(credentials.key), extensions: [renewsAt(place)] };
      return makeCallApReq(credentials, callOf(method), carried, NOW).bytes;
    },
  ],
  [
    "a count of its own",
    { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC", details: { field: "authenticator.seq_number" } },
    ({ method }, place) => {
      return makeCallApReq(next(), callOf(method), { seqNumber: 9, extensions: [renewsAt(place)] }, NOW)
        .bytes;
    },
  ],
  [
    "a critical extension that nobody knows",
    { code: "PERMISSION_DENIED", reason: "KDC_ERR_POLICY", details: { rule: "extension", type: "99" } },
    ({ apReq }, place) => {
      const { blobs } = readApReq(apReq(place));
      const extensions = [create(ExtensionSchema, { type: 99, critical: true })];
      return encodeCanonical(ApReqSchema, create(ApReqSchema, { ...blobs, extensions }));
    },
  ],
  ["no AP-REQ", { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC" }, () => Uint8Array.of(1, 2, 3)],
  ["nothing", { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC" }, () => new Uint8Array()],
  [
    "more bytes than an AP-REQ has",
    { code: "INVALID_ARGUMENT", reason: "KRB_ERR_FIELD_TOOLONG" },
    () => new Uint8Array(4097),
  ],
];

describe.each(["session", "exchange"] as const)("a renewal under a %s is refused", (under) => {
  test.each(refused)("with %s, and the stream ends", (_, refusal, make) => {
    const streams = openStreams({ under });
    const [stream, other] = [streams.begin(), streams.begin()];
    stream.call.onReceiveMessage(stream.renewal((place) => make(stream, place, other)));
    expectEnded(stream, {
      ...refusal,
      ...(refusal.details && { details: expect.objectContaining(refusal.details) }),
    });
    expect(names(stream.handler)).toEqual(["metadata"]);
    expect(names(other.wire)).not.toContain("UNAUTHENTICATED");
  });

  test.each(LEVELS)("at %s where it came before, or was cut in from another stream", (protection) => {
    const forged = protection === "privacy" ? /BAD_INTEGRITY|MODIFIED/ : /MODIFIED/;
    const streams = openStreams({ under });
    const [stream, other] = [streams.begin(protection), streams.begin(protection)];
    const bytes = stream.renewal((place) => stream.apReq(place));
    other.call.onReceiveMessage(bytes);
    expectEnded(other, { reason: expect.stringMatching(forged) });
    stream.call.onReceiveMessage(bytes);
    expect(stream.caller().endtime).toBe(NOW + 2 * HOUR);
    stream.call.onReceiveMessage(bytes);
    expectEnded(stream, { reason: "KRB_AP_ERR_BADORDER" });
  });

  test("where its AP-REQ was made for an earlier place of the same stream", () => {
    const stream = openStreams({ under }).begin();
    let first!: Uint8Array;
    const renewal = stream.renewal((place) => {
      first = stream.apReq(place);
      return first;
    });
    stream.call.onReceiveMessage(renewal);
    stream.call.onReceiveMessage(stream.renewal(() => first));
    expectEnded(stream, {
      reason: "KRB_AP_ERR_MODIFIED",
      details: expect.objectContaining({ field: "authenticator.renews" }),
    });
  });

  test("with any bit of it changed", () => {
    const streams = openStreams({ under });
    const { length } = streams.begin().renewal((place) => new Uint8Array([...place]));
    for (let bit = 0; bit < length * 8; bit++) {
      const stream = streams.begin();
      const bytes = stream.renewal((place) => new Uint8Array([...place]));
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      stream.call.onReceiveMessage(bytes);
      expectEnded(stream, { reason: "KRB_AP_ERR_MODIFIED" });
    }
  });

  test("after the end marker", () => {
    const stream = openStreams({ under }).begin();
    stream.call.onReceiveMessage(Buffer.from(stream.sent.protector!.end()));
    stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
    expectEnded(stream, { reason: "KRB_AP_ERR_MODIFIED" });
  });
});

test("the AP-REQ of a renewal makes no call", () => {
  const stream = openStreams({ under: "exchange" }).begin();
  let apReq!: Uint8Array;
  stream.renewal((place) => {
    apReq = stream.apReq(place);
    return apReq;
  });
  const metadata = new grpc.Metadata();
  metadata.set("kerberos-ap-req-bin", Buffer.from(apReq));
  const { wire } = openGuard({ store: async () => {} }).send({ ...stream.sent, metadata });
  expect(endOf(wire)).toMatchObject({
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_POLICY",
    details: { rule: "extension", type: "5" },
  });
});

test.each(["say", "list"] as const)("a renewal in place of the single request of %s is refused", (kind) => {
  const guard = openGuard();
  // A client that puts a renewal in the place of its request, and binds its call to it.
  const { wire, handler } = guard.send(
    bind(methodOf(kind), "integrity", {
      extensions: { challenge: challengeOf(guard) },
      request: (protector) => protector.renewal(() => Uint8Array.of(1)),
    }),
  );
  expect(endOf(wire)).toMatchObject({
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    text: expect.stringContaining("a renewal in place of the request"),
  });
  expect(handler).toEqual([]);
});

test("a renewal does not come before its stream is let in: nothing is read by then", async () => {
  let letIn!: (allowed: boolean) => void;
  const rule: CallerRule = () =>
    new Promise((resolve) => {
      letIn = resolve;
    });
  const stream = openStreams({ under: "exchange", allow: { "*": rule } }).begin();
  expect(names(stream.wire)).toEqual([]);
  letIn(true);
  await settled();
  expect(names(stream.handler)).toEqual(["metadata"]);
});

describe("the caller rules", () => {
  const openRuled = (answers: readonly (boolean | Promise<boolean>)[]) => {
    const asked: number[] = [];
    const rule: CallerRule = ({ endtime }) => answers[asked.push(endtime) - 1]!;
    return { asked, stream: openStreams({ under: "exchange", allow: { "*": rule } }).begin() };
  };

  test("are asked again at each renewal, with what the new ticket says", async () => {
    const { asked, stream } = openRuled([true, true]);
    await settled();
    stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
    await settled();
    expect(asked).toEqual([NOW + HOUR, NOW + 2 * HOUR]);
    stream.call.onReceiveMessage(stream.message("on"));
    expect(stream.handler.at(-1)).toEqual(["message", "on"]);
  });

  test("end a stream whose caller they no longer let in, with their reason", async () => {
    const { stream } = openRuled([true, false]);
    await settled();
    stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
    await settled();
    expect(endOf(stream.wire)).toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "KDC_ERR_POLICY",
      details: { rule: "allow: *", client: "alice@TEST.EXAMPLE" },
    });
    expect(stream.caller().endtime).toBe(NOW + HOUR);
  });

  test("are waited for: nothing more is read until they have answered", async () => {
    let answerRule!: (allowed: boolean) => void;
    const later = new Promise<boolean>((resolve) => {
      answerRule = resolve;
    });
    const { stream } = openRuled([true, later]);
    await settled();
    const reads = () => names(stream.wire).filter((what) => what === "startRead").length;
    const before = reads();
    stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
    await settled();
    expect(reads()).toBe(before);
    answerRule(true);
    await settled();
    expect(reads()).toBe(before + 1);
  });

  test("say nothing of a stream that has ended by the time they answer", async () => {
    let answerRule!: (allowed: boolean) => void;
    const later = new Promise<boolean>((resolve) => {
      answerRule = resolve;
    });
    const { stream } = openRuled([true, later]);
    await settled();
    stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
    stream.call.onCancel();
    const before = stream.wire.length;
    answerRule(false);
    await settled();
    expect(stream.wire).toHaveLength(before);
  });
});

describe("a stream that can't be renewed", () => {
  test.each([
    ["a stream of responses alone", "list", "integrity"],
    ["one at the level `call`", "talk", "call"],
  ] as const)("%s ends with its ticket, and says so", (_, kind, protection) => {
    const streams = openStreams({ protection: "call" });
    const stream = streams.begin(protection, methodOf(kind));
    streams.turn(HOUR + SKEW + 10_000);
    expectEnded(stream, EXPIRED);
    expect(endOf(stream.wire).text).toContain("can't be renewed");
  });

  test("a call with single messages is nobody's stream, however long its handler takes", () => {
    const streams = openStreams();
    const stream = streams.begin("integrity", methodOf("say"));
    expect(streams.timers.size).toBe(0);
    streams.turn(HOUR + SKEW + 10_000);
    expect(names(stream.handler)).toEqual(["metadata"]);
    answer(stream);
    expect(endOf(stream.wire).code).toBe("OK");
  });
});

describe("the keytab", () => {
  test("ends a stream when it drops the ticket's key, and not when it is written anew", () => {
    let keys: ServiceKeys = KEYS;
    const streams = openStreams({ keytab: () => keys });
    const stream = streams.begin();
    keys = { ...KEYS, keys: [...KEYS.keys, { kvno: 2, key: randomKey(etypeOf(20)) }] };
    streams.turn(10_000);
    expect(names(stream.wire)).not.toContain("UNAUTHENTICATED");
    keys = { ...KEYS, keys: keys.keys.slice(1) };
    streams.turn(10_000);
    expectEnded(stream, { reason: "KRB_AP_ERR_BADKEYVER" });
  });

  test("ends no stream where it can't be read", () => {
    let readable = true;
    const keytab = () => {
      if (!readable) throw new Error("no such file");
      return KEYS;
    };
    const streams = openStreams({ keytab });
    const stream = streams.begin();
    readable = false;
    streams.turn(10_000);
    expect(names(stream.wire)).not.toContain("UNAUTHENTICATED");
    streams.turn(HOUR + SKEW);
    expectEnded(stream, EXPIRED);
  });
});

test("a renewal that comes while the keytab can't be read is refused, and the stream ends", () => {
  let readable = true;
  const keytab = () => {
    if (!readable) throw new Error("no such file");
    return KEYS;
  };
  const stream = openStreams({ keytab }).begin();
  readable = false;
  stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
  expectEnded(stream, { code: "UNAVAILABLE", reason: "KDC_ERR_SVC_UNAVAILABLE" });
});

describe("level, address and certificate", () => {
  test("are compared with the new ticket: one that is bound to other addresses renews nothing", () => {
    const stream = openStreams().begin();
    const credentials = next({ addresses: ["192.0.2.1"] });
    stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place, credentials)));
    expectEnded(stream, { reason: "KRB_AP_ERR_BADADDR" });
  });

  test("a certificate that the caller may no longer use ends the stream", () => {
    let mayUse = true;
    const streams = openStreams({ under: "exchange", bindClientCertificate: () => mayUse });
    const stream = streams.begin("integrity", methodOf("talk"), { certificate: {} });
    mayUse = false;
    stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
    expectEnded(stream, {
      reason: "KRB_AP_ERR_BADMATCH",
      details: expect.objectContaining({ compared: "certificate" }),
    });
  });

  test("restrictions that the service does not understand are refused", () => {
    const stream = openStreams().begin();
    const credentials = next({ authorizationData: [{ type: 77, data: Uint8Array.of(1) }] });
    stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place, credentials)));
    expectEnded(stream, { code: "PERMISSION_DENIED", reason: "KDC_ERR_POLICY" });
  });
});

test("one timer serves all streams, and none is left when they have ended or were cancelled", () => {
  const streams = openStreams();
  const all = Array.from({ length: 20 }, () => streams.begin());
  expect(streams.guard.config.streams.size).toBe(20);
  expect(streams.timers.size).toBe(1);
  for (const { call } of all) call.onCancel();
  expect(streams.guard.config.streams.size).toBe(0);
  expect(streams.timers.size).toBe(0);
});

test("a renewal leaves a line in the log", () => {
  const streams = openStreams();
  const stream = streams.begin();
  stream.call.onReceiveMessage(stream.renewal((place) => stream.apReq(place)));
  expect(stream.log.at(-1)).toMatchObject({
    level: "info",
    result: "OK",
    client: "alice@TEST.EXAMPLE",
    text: "renewed until 2026-03-01T14:00:00.000Z",
  });
});
