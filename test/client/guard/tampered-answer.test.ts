/**
 * Somebody on the way changes what a service answers: under a session the application hears of it, and gets
 * no response. At the level `call` that is all that protects a call.
 */
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ticketInterceptor } from "../../../src/client/index.js";
import { PROTECTIONS } from "../../../src/protocol/call-binding.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import {
  AP_REP_METADATA,
  AP_REQ_METADATA,
  REPLY_METADATA,
  STATUS_DETAILS_METADATA,
} from "../../../src/rpc/metadata-names.js";
import { toStatus } from "../../../src/rpc/status.js";
import { createTestRealm, type TestRealm } from "../../../src/testing/test-realm.js";
import type { ChatClient, ChatHandlers } from "../../services/guard/chat.js";
import { forge, refusalOf } from "../../services/guard/proof.js";
import { type Tampering, tamper } from "../../services/guard/tamper.js";
import { openWorld, SERVICE, type World, type WorldOptions } from "../../services/guard/world.js";

const { INTERNAL, NOT_FOUND, OK, PERMISSION_DENIED, UNAUTHENTICATED, UNAVAILABLE } = grpc.status;
const KINDS = ["say", "list", "join", "talk"] as const;
type Kind = (typeof KINDS)[number];
type Status = Parameters<NonNullable<Tampering["status"]>>[0];

const MUTUAL_FAILURE = {
  code: "UNAUTHENTICATED",
  reason: "KRB_AP_ERR_MUT_FAIL",
  text: "the service could not prove itself; do not trust its answer",
  details: {},
};
/** What becomes of an unproven status that is no OK. */
function unprovenOf(code: grpc.status, text: string) {
  return {
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MUT_FAIL",
    text: `the service did not prove its answer, and the call may have run; unproven: ${grpc.status[code]}: ${text}`,
    details: { unproven_code: String(code), unproven_text: text },
  };
}

let realm: TestRealm;
beforeAll(async () => {
  realm = await createTestRealm({ users: { alice: "secret", bob: "other" }, services: [SERVICE] });
});
afterAll(() => realm.close());

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world[Symbol.asyncDispose]();
});

/** A man in the middle, a client, and the responses that the application got. */
async function openTampered(
  options: WorldOptions & { readonly protection?: (typeof PROTECTIONS)[number] } = {},
) {
  const { protection = "authenticate", ...rest } = options;
  const middle: { tampering: Tampering } = { tampering: {} };
  const world = await openWorld({
    realm,
    guard: { protection },
    ...rest,
    sessions: true,
    before: [tamper(() => middle.tampering)],
  });
  worlds.push(world);
  const received: unknown[] = [];
  const look: grpc.Interceptor = (given, nextCall) =>
    new grpc.InterceptingCall(nextCall(given), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveMessage: (message, pass) => {
            if (message !== null) received.push(message);
            pass(message);
          },
        }),
    });
  const interceptors = [look, ticketInterceptor(world.alice, SERVICE, { protection })];
  return { world, middle, received, client: world.client({ interceptors }) };
}

/** The same, and a session was made. */
async function openSession(options: Parameters<typeof openTampered>[0] = {}) {
  const opened = await openTampered(options);
  await opened.client.list("a");
  opened.received.length = 0;
  return opened;
}

function make(client: ChatClient, kind: Kind): Promise<unknown> {
  return kind === "say" || kind === "list" ? client[kind]("a b") : client[kind](["a", "b"]);
}

/** A status with a change in its trailers. */
function withTrailers(status: Status, change: (trailers: grpc.Metadata) => void): Status {
  const metadata = status.metadata?.clone() ?? new grpc.Metadata();
  change(metadata);
  return { ...status, metadata };
}
const withoutReply = (status: Status) => withTrailers(status, (trailers) => trailers.remove(REPLY_METADATA));

/** Handlers that refuse, with details. */
const refusal = toStatus(new KrbError("KDC_ERR_POLICY", "not for you", { rule: "mine" }));
const refusing: ChatHandlers = {
  say: (_, callback) => callback(refusal),
  list: (call) => void call.emit("error", refusal),
  join: (call, callback) => {
    call.resume();
    call.on("end", () => callback(refusal));
  },
  talk: (call) => void call.emit("error", refusal),
};

describe.each(PROTECTIONS)("at %s an OK is refused", (protection) => {
  const replies: Buffer[] = [];
  beforeEach(() => void replies.splice(0));

  test.each<{ what: string; status: (status: Status) => Status }>([
    { what: "without its proof", status: withoutReply },
    {
      what: "with the proof of another call",
      status: (sent) =>
        withTrailers(sent, (trailers) => {
          replies.push(trailers.get(REPLY_METADATA)[0] as Buffer);
          trailers.set(REPLY_METADATA, replies[0]!);
        }),
    },
    {
      what: "with two proofs",
      status: (sent) =>
        withTrailers(sent, (trailers) => trailers.add(REPLY_METADATA, trailers.get(REPLY_METADATA)[0]!)),
    },
    {
      what: "with a bit of its proof changed",
      status: (sent) =>
        withTrailers(sent, (trailers) => {
          const [proof] = trailers.get(REPLY_METADATA) as [Buffer];
          trailers.set(REPLY_METADATA, Buffer.from(proof.map((byte, at) => (at === 0 ? byte ^ 1 : byte))));
        }),
    },
    { what: "with another text", status: (sent) => ({ ...sent, details: "quite OK" }) },
    {
      what: "with details that it did not have",
      status: (sent) =>
        withTrailers(sent, (trailers) => trailers.set(STATUS_DETAILS_METADATA, Buffer.from("x"))),
    },
  ])("$what", async ({ what, status }) => {
    const { client, middle, received } = await openSession({ protection });
    middle.tampering = { status };
    if (what.includes("another call")) await client.say("a");
    for (const kind of KINDS) {
      received.length = 0;
      expect(await refusalOf(make(client, kind))).toEqual(MUTUAL_FAILURE);
      if (kind === "say" || kind === "join") expect(received).toEqual([]);
    }
  });

  test("that was made an error", async () => {
    const { client, middle, received } = await openSession({ protection });
    middle.tampering = { status: (sent) => ({ ...sent, code: NOT_FOUND, details: "no such line" }) };
    for (const kind of KINDS) {
      received.length = 0;
      expect(await refusalOf(make(client, kind))).toEqual(unprovenOf(NOT_FOUND, "no such line"));
      if (kind === "say" || kind === "join") expect(received).toEqual([]);
    }
  });
});

describe.each(PROTECTIONS)("at %s an error is", (protection) => {
  const open = () => openSession({ protection, handlers: { ...refusing, list: (call) => call.end() } });

  test("believed as it was sent", async () => {
    const { client } = await open();
    for (const kind of ["say", "join", "talk"] as const)
      expect(await refusalOf(make(client, kind))).toMatchObject({
        code: "PERMISSION_DENIED",
        reason: "KDC_ERR_POLICY",
        text: "not for you",
        details: { rule: "mine" },
      });
  });

  test.each<{ what: string; status: (status: Status) => Status; expected: object }>([
    {
      what: "without its proof",
      status: withoutReply,
      expected: unprovenOf(PERMISSION_DENIED, "not for you"),
    },
    {
      what: "with another code",
      status: (sent) => ({ ...sent, code: INTERNAL }),
      expected: unprovenOf(INTERNAL, "not for you"),
    },
    {
      what: "with another text",
      status: (sent) => ({ ...sent, details: "for you" }),
      expected: unprovenOf(PERMISSION_DENIED, "for you"),
    },
    {
      what: "with other details",
      status: (sent) => {
        const other = toStatus(new KrbError("KDC_ERR_POLICY", "not for you", { rule: "theirs" }));
        return withTrailers(sent, (trailers) =>
          trailers.set(STATUS_DETAILS_METADATA, other.metadata.get(STATUS_DETAILS_METADATA)[0]!),
        );
      },
      expected: unprovenOf(PERMISSION_DENIED, "not for you"),
    },
    {
      what: "with second details",
      status: (sent) =>
        withTrailers(sent, (trailers) => trailers.add(STATUS_DETAILS_METADATA, Buffer.from("x"))),
      expected: unprovenOf(PERMISSION_DENIED, "not for you"),
    },
    {
      what: "without its details",
      status: (sent) => withTrailers(sent, (trailers) => trailers.remove(STATUS_DETAILS_METADATA)),
      expected: unprovenOf(PERMISSION_DENIED, "not for you"),
    },
    {
      what: "made an OK",
      status: (sent) => ({ ...sent, code: OK, details: "OK" }),
      expected: MUTUAL_FAILURE,
    },
  ])("not believed $what", async ({ status, expected }) => {
    const { client, middle, received } = await open();
    middle.tampering = { status };
    for (const kind of ["say", "join", "talk"] as const)
      expect(await refusalOf(make(client, kind))).toEqual(expected);
    expect(received).toEqual([]);
  });
});

describe("a response", () => {
  const other = Buffer.from('{"text":"forged"}');

  test.each(["call", "authenticate"] as const)(
    "that was changed reaches nobody at %s, if it is single",
    async (protection) => {
      for (const kind of ["say", "join"] as const) {
        const { client, middle, received } = await openSession({ protection });
        middle.tampering = { responses: () => [other] };
        expect(await refusalOf(make(client, kind))).toEqual(MUTUAL_FAILURE);
        expect(received).toEqual([]);
      }
    },
  );

  test.each([
    { protection: "integrity", reason: "KRB_AP_ERR_MODIFIED", details: { field: "response" } },
    { protection: "privacy", reason: "KRB_AP_ERR_BAD_INTEGRITY", details: { part: "response" } },
  ] as const)("that was changed reaches nobody at $protection", async ({ protection, ...refused }) => {
    for (const kind of KINDS) {
      const { client, middle, received } = await openSession({ protection });
      middle.tampering = { responses: () => [other] };
      expect(await refusalOf(make(client, kind))).toMatchObject({ code: "UNAUTHENTICATED", ...refused });
      expect(received).toEqual([]);
    }
  });

  test.each<{ what: string; responses: NonNullable<Tampering["responses"]> }>([
    { what: "too few", responses: (message, index) => (index === 1 ? [] : [message]) },
    { what: "too many", responses: (message, index) => (index === 1 ? [message, message] : [message]) },
  ])("of a stream at call is counted: $what", async ({ responses }) => {
    for (const kind of ["list", "talk"] as const) {
      const { client, middle } = await openSession({ protection: "call" });
      middle.tampering = { responses };
      expect(await refusalOf(make(client, kind))).toEqual(MUTUAL_FAILURE);
    }
  });

  test("is not handed over where the status is one that passes unproven", async () => {
    const { client, middle, received } = await openSession();
    middle.tampering = { status: (sent) => ({ ...withoutReply(sent), code: UNAVAILABLE, details: "later" }) };
    for (const kind of ["say", "join"] as const)
      expect(await refusalOf(make(client, kind))).toMatchObject({ code: "UNAVAILABLE", text: "later" });
    expect(received).toEqual([]);
  });

  test("that does not decode ends its call, proven as it is", async () => {
    const { world } = await openSession();
    const client = world.client();
    const say = (deserialize: (bytes: Buffer) => string) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          "/chat.v1.Chat/Say",
          (text: string) => Buffer.from(text),
          deserialize,
          '{"text":"a"}',
          (error, value) => (error ? reject(error) : resolve(value)),
        );
      });
    const fail = () => {
      throw new Error("broken");
    };
    expect(await say(String)).toBe('{"text":"a"}');
    expect(await refusalOf(say(fail))).toMatchObject({
      code: "INTERNAL",
      text: "Response message parsing error: broken",
    });
  });
});

describe("the call that makes the session", () => {
  test.each(KINDS)("has its answer proven too: %s", async (kind) => {
    const { client, middle, received } = await openTampered();
    middle.tampering = { status: (sent) => (sent.code === OK ? withoutReply(sent) : sent) };
    expect(await refusalOf(make(client, kind))).toEqual(MUTUAL_FAILURE);
    if (kind === "say" || kind === "join") expect(received).toEqual([]);
    // The session stands: its AP-REP was sealed.
    middle.tampering = {};
    await client.say("a");
  });

  test.each<{ what: string; status: (status: Status) => Status; expected: object }>([
    {
      what: "an OK made an error",
      status: (sent) => (sent.code === OK ? { ...sent, code: NOT_FOUND, details: "gone" } : sent),
      expected: unprovenOf(NOT_FOUND, "gone"),
    },
    {
      what: "an OK made a refusal of the ticket",
      status: (sent) =>
        sent.code === OK ? { ...sent, ...toStatus(new KrbError("KRB_AP_ERR_MODIFIED", "altered")) } : sent,
      expected: unprovenOf(UNAUTHENTICATED, "altered"),
    },
  ])("is not believed: $what", async ({ status, expected }) => {
    const { client, middle, received } = await openTampered();
    middle.tampering = { status };
    expect(await refusalOf(client.say("a"))).toEqual(expected);
    expect(received).toEqual([]);
  });
});

describe("an answer of a status alone", () => {
  /** Nobody but bob may call, or the level is too low. */
  const shut = { guard: { allow: { "chat.v1.Chat": ["bob@OTHER.EXAMPLE"] } } };
  const expected = {
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_POLICY",
    text: expect.stringContaining("rule chat.v1.Chat does not let it in"),
  };

  test.each(KINDS)("proves itself, of the call that makes the session and under it: %s", async (kind) => {
    const headers: string[] = [];
    const { client, middle, world } = await openTampered(shut);
    middle.tampering = {
      headers: (metadata) =>
        void headers.push(...Object.keys(metadata.getMap()).filter((name) => name.startsWith("kerberos-"))),
      metadata: () => expect.unreachable("no initial metadata"),
    };
    expect(await refusalOf(make(client, kind))).toMatchObject(expected);
    expect(await refusalOf(make(client, kind))).toMatchObject(expected);
    expect(headers).toEqual([AP_REQ_METADATA, AP_REQ_METADATA, "kerberos-call-bin"]);
    expect(world.seen).toEqual([]);
  });

  test("is not believed changed, in either", async () => {
    const { client, middle } = await openTampered(shut);
    const more = (status: Status) => status.code === UNAUTHENTICATED;
    middle.tampering = { status: (sent) => (more(sent) ? sent : { ...sent, details: "come in" }) };
    for (let calls = 0; calls < 2; calls++)
      expect(await refusalOf(client.say("a"))).toEqual(unprovenOf(PERMISSION_DENIED, "come in"));
  });

  test.each<{ what: string; trailers: (trailers: grpc.Metadata) => void }>([
    { what: "its AP-REP", trailers: (trailers) => trailers.remove(AP_REP_METADATA) },
    { what: "its proof", trailers: (trailers) => trailers.remove(REPLY_METADATA) },
  ])("is not believed without $what", async ({ trailers }) => {
    const { client, middle } = await openTampered(shut);
    const more = (status: Status) => status.code === UNAUTHENTICATED;
    middle.tampering = { status: (sent) => (more(sent) ? sent : withTrailers(sent, trailers)) };
    expect(await refusalOf(client.say("a"))).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_MUT_FAIL",
      details: { unproven_code: String(PERMISSION_DENIED) },
    });
  });
});

test("a text travels as it is, whatever is in it", async () => {
  const text = "50 % of “it”,\n%25 and %41; tab\there, 𝄞 \u0000";
  const { client } = await openSession({
    handlers: { say: (_, callback) => callback({ code: NOT_FOUND, details: text }) },
  });
  expect(await refusalOf(client.say("a"))).toMatchObject({ code: "NOT_FOUND", text });
});

test("grpc-js's own answers below the guard are unproven, and say what they claim", async () => {
  const { world } = await openSession();
  const nope = "/chat.v1.Chat/Nope";
  const ask = (client: ChatClient) =>
    new Promise((resolve, reject) => {
      const same = (bytes: Buffer) => bytes;
      client.makeUnaryRequest(nope, same, same, Buffer.of(), (error, value) =>
        error ? reject(error) : resolve(value),
      );
    });
  const text = `The server does not implement the method ${nope}`;
  const client = world.client();
  // Before there is a session, and under it.
  expect(await refusalOf(ask(client))).toEqual(unprovenOf(grpc.status.UNIMPLEMENTED, text));
  await client.say("a");
  expect(await refusalOf(ask(client))).toEqual(unprovenOf(grpc.status.UNIMPLEMENTED, text));
  expect(await refusalOf(ask(world.client({ sessions: false })))).toMatchObject({
    code: "UNIMPLEMENTED",
    text,
  });
  const small = world.client({ channelOptions: { "grpc.max_receive_message_length": 20 } });
  await small.say("a");
  expect(await refusalOf(small.say("x".repeat(50)))).toMatchObject({
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MUT_FAIL",
    details: { unproven_code: String(grpc.status.RESOURCE_EXHAUSTED) },
  });
});

describe("a refusal of the ticket", () => {
  test("passes in a call by an AP-REQ", async () => {
    const { world } = await openTampered();
    for (const [kvno, authorizationData, expected] of [
      [7, [], { code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_BADKEYVER" }],
      [
        undefined,
        [{ type: 99, data: new Uint8Array(1) }],
        { code: "PERMISSION_DENIED", reason: "KDC_ERR_POLICY" },
      ],
    ] as const) {
      const credentials = forge(world, { authorizationData }, kvno);
      const tickets = { serviceProof: async () => ({ credentials, clock: () => realm.now }) };
      const client = world.client({ interceptors: [ticketInterceptor(tickets, SERVICE)] });
      expect(await refusalOf(client.say("a"))).toMatchObject(expected);
    }
  });

  test.each([
    "KRB_AP_ERR_BADKEYVER",
    "KRB_AP_ERR_TKT_EXPIRED",
    "KRB_AP_ERR_REPEAT",
    "KRB_AP_ERR_MODIFIED",
  ] as const)("under a session is unproven, and forgets no ticket: %s", async (reason) => {
    const { client, middle, world } = await openSession();
    const exchanges = realm.log.length;
    middle.tampering = { status: (sent) => ({ ...sent, ...toStatus(new KrbError(reason, "forged")) }) };
    expect(await refusalOf(client.say("a"))).toEqual(unprovenOf(UNAUTHENTICATED, "forged"));
    middle.tampering = {};
    await world.client().say("a");
    expect(realm.log).toHaveLength(exchanges);
  });
});

describe("a call that ran does not run again where the wish for more is forged: the repeat names it", () => {
  const repeated = { code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_REPEAT" };

  test("under a session, with a challenge that is the service's own", async () => {
    const { client, middle, world } = await openTampered({ handlers: refusing });
    const wishes: Status[] = [];
    let forging = false;
    middle.tampering = {
      status: (sent) => {
        if (sent.code === UNAUTHENTICATED) wishes.push(sent);
        if (!forging) return sent;
        forging = false;
        return wishes.at(-1)!;
      },
    };
    await refusalOf(client.say("a"));
    // Somebody else's challenge, which is good for anybody.
    await refusalOf(world.client().say("b"));
    const before = world.seen.length;
    forging = true;
    expect(await refusalOf(client.say("c"))).toMatchObject(repeated);
    expect(world.seen).toHaveLength(before + 1);
  });

  test("by an AP-REQ, at a service with a replay cache", async () => {
    let forging = true;
    const forged = toStatus(new KrbError("KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", "forged"));
    const status = (sent: Status) => {
      if (!forging) return sent;
      forging = false;
      return forged;
    };
    const world = await openWorld({ realm, handlers: refusing, before: [tamper(() => ({ status }))] });
    worlds.push(world);
    expect(await refusalOf(world.client().say("a"))).toMatchObject(repeated);
    expect(world.seen).toHaveLength(1);
  });
});
