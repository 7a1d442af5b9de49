/**
 * A call that is made once more: the service asked for more than the proof it got, or refused its time. The
 * application sees nothing of it, and no attempt that ran is repeated.
 */
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sha256 } from "../../../src/crypto/hash.js";
import { apReqTag, PROTECTIONS, type Protection } from "../../../src/protocol/call-binding.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { readSessionCall } from "../../../src/protocol/session-call.js";
import { readSessionExtensions } from "../../../src/protocol/session-extensions.js";
import { makeSessionReply } from "../../../src/protocol/session-reply.js";
import {
  AP_REP_METADATA,
  AP_REQ_METADATA,
  CALL_METADATA,
  REPLY_METADATA,
  STATUS_DETAILS_METADATA,
} from "../../../src/rpc/metadata-names.js";
import { fromServiceError, toStatus } from "../../../src/rpc/status.js";
import {
  type Answerer,
  answer,
  type CallWish,
  methodOf,
  names,
  openCall,
  settled,
  ticketFor,
  ticketSource,
} from "./by-hand.js";

const { CANCELLED, NOT_FOUND, UNAUTHENTICATED } = grpc.status;
const KINDS = ["say", "list", "join", "talk"] as const;
const MIB = 1 << 20;
const TEXT = "the service wants more";
const CHALLENGE = Uint8Array.from({ length: 48 }, (_, at) => at);
const OTHER_CHALLENGE = CHALLENGE.toReversed();
const grant = { id: Uint8Array.from({ length: 16 }, (_, at) => at + 100), life: 3600 };
const OK: grpc.StatusObject = { code: grpc.status.OK, details: "", metadata: new grpc.Metadata() };

/** KDC_ERR_MORE_PREAUTH_DATA_REQUIRED, as a service or anybody else sends it. */
function wantsMore(challenge?: Uint8Array): grpc.StatusObject {
  return toStatus(new KrbError("KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", TEXT, {}, undefined, challenge));
}
const skew = () =>
  toStatus(new KrbError("KRB_AP_ERR_SKEW", "clock skew too great", { offset_ms: "7200000" }));

type Opened = ReturnType<typeof openCall>;

/** The only status the application got, of a call that is over. */
async function statusOf({ application }: Opened) {
  await settled();
  const statuses = application.filter(([what]) => what in grpc.status);
  expect(statuses).toHaveLength(1);
  return statuses[0]![1] as grpc.StatusObject;
}
const refusalOf = async (opened: Opened) => fromServiceError(await statusOf(opened)) as KrbError;

/** What went out since the call was made the last time. */
function lastMade({ wire }: Opened) {
  const from = wire.findLastIndex(([what]) => what === "start");
  const made = wire.slice(from);
  const messages = made.filter(([what]) => what === "message").map(([, bytes]) => bytes as Buffer);
  return { made: names(made), messages, times: wire.filter(([what]) => what === "start").length };
}

/** A call that has sent its requests, and its latest attempt. */
async function sent(wish: CallWish = {}, texts: readonly string[] = ["a"]) {
  const opened = openCall(wish);
  await settled();
  for (const text of texts) opened.call.sendMessage(text);
  opened.call.halfClose();
  opened.call.startRead();
  return { ...opened, proof: await opened.attempt() };
}

/** The service takes the latest attempt. */
function take(opened: Opened, proof: grpc.Metadata, wish: CallWish = {}, more: object = {}): Answerer {
  const { method = methodOf("say"), protection = "authenticate" } = wish;
  const [request] = method.requestStream ? [] : lastMade(opened).messages;
  return answer(proof, method, request, { protection, ...more });
}

function saidIn({ verified }: Answerer) {
  return readSessionExtensions(verified.authenticator.extensions);
}

/** A status that the service has proved by its session. */
function prove(
  { keys }: Answerer,
  number: number,
  status: grpc.StatusObject,
  response: Uint8Array | undefined,
): grpc.StatusObject {
  const metadata = status.metadata.clone();
  const [details] = metadata.get(STATUS_DETAILS_METADATA) as Buffer[];
  const covered = {
    session: grant.id,
    number,
    code: status.code,
    message: status.details,
    details: details ?? new Uint8Array(),
    responseSha256: response === undefined ? new Uint8Array() : sha256(response),
    responses: 0,
  };
  metadata.set(REPLY_METADATA, Buffer.from(makeSessionReply(keys!.reply, covered)));
  return { ...status, metadata };
}

/** A call that has made a session, and is answered. */
async function withSession(wish: CallWish = {}) {
  const first = await sent(wish);
  const service = take(first, first.proof, wish, { grant });
  first.call.onReceiveMetadata(service.headers);
  first.call.onReceiveMessage(Buffer.from("<a>"));
  first.call.onReceiveStatus(prove(service, 0, OK, Buffer.from("<a>")));
  expect(await statusOf(first)).toMatchObject({ code: grpc.status.OK });
  return { first, service };
}
const numberIn = (proof: grpc.Metadata) => readSessionCall(proof.get(CALL_METADATA)[0] as Buffer).number;

const rows = KINDS.flatMap((kind) => PROTECTIONS.map((protection) => ({ kind, protection })));
describe.each(rows)(
  "$kind at $protection",
  ({ kind, protection }: { kind: (typeof KINDS)[number]; protection: Protection }) => {
    const method = methodOf(kind);
    const wish = { method, protection };
    const texts = method.requestStream ? ["a", "b", "c"] : ["a"];

    test("is made once more with the challenge, unseen by the application", async () => {
      const opened = await sent(wish, texts);
      const before = lastMade(opened);
      const first = opened.proof.get(AP_REQ_METADATA)[0] as Buffer;
      opened.call.onReceiveStatus(wantsMore(CHALLENGE));
      await settled();
      expect(opened.application).toEqual([]);
      expect(lastMade(opened)).toMatchObject({ made: before.made, times: 2 });
      const service = take(opened, await opened.attempt(), wish);
      const { server } = ticketFor();
      expect(saidIn(service)).toEqual({
        challenge: CHALLENGE,
        repeats: { tag: apReqTag(first, server) },
        asksForSession: true,
      });
      // The requests open under the subkey of the repeat.
      const { messages } = lastMade(opened);
      const { opener } = service;
      const read = messages.map((bytes) => opener?.open(bytes) ?? { kind: "message", message: bytes });
      expect(
        read.filter(({ kind }) => kind === "message").map(({ message }) => Buffer.from(message!).toString()),
      ).toEqual(texts.map((text) => `<${text}>`));
      opened.call.onReceiveMetadata(service.headers);
      expect(names(opened.application)).toEqual(["metadata"]);
    });

    test("is made a third time, by its latest challenge, and no fourth", async () => {
      const opened = await sent(wish, texts);
      const before = lastMade(opened);
      const first = opened.proof.get(AP_REQ_METADATA)[0] as Buffer;
      for (const challenge of [CHALLENGE, OTHER_CHALLENGE]) {
        opened.call.onReceiveStatus(wantsMore(challenge));
        await settled();
        expect(saidIn(take(opened, await opened.attempt(), wish))).toEqual({
          challenge,
          repeats: { tag: apReqTag(first, ticketFor().server) },
          asksForSession: true,
        });
      }
      expect(lastMade(opened)).toMatchObject({ made: before.made, times: 3 });
      opened.call.onReceiveStatus(wantsMore(CHALLENGE));
      expect(await refusalOf(opened)).toMatchObject({
        reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
        message: TEXT,
      });
      expect(lastMade(opened).times).toBe(3);
    });
  },
);

describe("a repeat", () => {
  test("has all that the application did, before and after the refusal, in its order", async () => {
    const method = methodOf("talk");
    const opened = openCall({ method, protection: "call" });
    opened.call.startRead();
    await settled();
    opened.call.sendMessage("a");
    opened.call.startRead();
    await opened.attempt();
    opened.call.onReceiveStatus(wantsMore(CHALLENGE));
    opened.call.sendMessage("b");
    await settled();
    opened.call.halfClose();
    const { made, messages } = lastMade(opened);
    expect(made).toEqual(["start", "startRead", "message", "startRead", "message", "halfClose"]);
    expect(messages.map(String)).toEqual(["<a>", "<b>"]);
  });

  test("tells the application once that a message was written", async () => {
    const opened = openCall({ method: methodOf("join") });
    await settled();
    let told = 0;
    opened.call.sendMessageWithContext({ callback: () => void told++ }, "a");
    await opened.attempt();
    opened.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    expect(lastMade(opened)).toMatchObject({ made: ["start", "message"], times: 2 });
    expect(told).toBe(1);
  });

  test.each([
    { what: "64 bytes, is used", size: 64, times: 2 },
    { what: "65 bytes, is not", size: 65, times: 1 },
  ])("is made with a challenge of $what", async ({ size, times }) => {
    const opened = await sent();
    opened.call.onReceiveStatus(wantsMore(new Uint8Array(size)));
    await settled();
    expect(lastMade(opened).times).toBe(times);
    if (times === 2) return;
    expect(await refusalOf(opened)).toMatchObject({
      reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
      message: TEXT,
    });
  });

  test("is made without a challenge where the service sent none", async () => {
    const opened = await sent();
    opened.call.onReceiveStatus(wantsMore());
    await settled();
    const said = saidIn(take(opened, await opened.attempt()));
    expect(said).toMatchObject({ challenge: undefined, repeats: { tag: expect.anything() } });
  });

  test.each([
    { what: "1 MiB", text: MIB - 2, times: 2 },
    { what: "one byte more than 1 MiB", text: MIB - 1, times: 1 },
  ])("is made for requests of $what: $times", async ({ text, times }) => {
    for (const method of [methodOf("say"), methodOf("join")]) {
      const opened = await sent({ method, protection: "call" }, ["x".repeat(text)]);
      opened.call.onReceiveStatus(wantsMore(CHALLENGE));
      await settled();
      expect(lastMade(opened).times).toBe(times);
      if (times === 2) continue;
      expect(await refusalOf(opened)).toMatchObject({
        reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
        message: TEXT,
      });
    }
  });

  test("counts the requests of a stream together", async () => {
    const texts = Array.from({ length: 5 }, () => "x".repeat(MIB / 4 - 2));
    for (const [count, times] of [
      [4, 2],
      [5, 1],
    ] as const) {
      const opened = await sent({ method: methodOf("join"), protection: "call" }, texts.slice(0, count));
      opened.call.onReceiveStatus(wantsMore(CHALLENGE));
      await settled();
      expect(lastMade(opened).times).toBe(times);
    }
  });

  test("is not made on a channel that was closed: the application has the refusal", async () => {
    const opened = await sent();
    opened.close();
    opened.call.onReceiveStatus(wantsMore(CHALLENGE));
    expect(await refusalOf(opened)).toMatchObject({ reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" });
  });

  test("is made without sessions too", async () => {
    const opened = await sent({ sessions: false });
    opened.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    expect(saidIn(take(opened, await opened.attempt()))).toEqual({
      challenge: CHALLENGE,
      repeats: { tag: expect.anything() },
      asksForSession: false,
    });
  });

  test("is not made of a call that the service has answered: its handler says so, for another", async () => {
    const opened = await sent();
    const { headers } = take(opened, opened.proof);
    opened.call.onReceiveMetadata(headers);
    opened.call.onReceiveStatus(wantsMore(CHALLENGE));
    expect(await refusalOf(opened)).toMatchObject({ reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" });
    expect(lastMade(opened).times).toBe(1);
  });

  test.each([
    {
      what: "for its challenge",
      status: () => wantsMore(CHALLENGE),
      reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
    },
    { what: "for its time", status: skew, reason: "KRB_AP_ERR_SKEW" },
  ])("is not made of a call whose refusal is proven: it ran, $what", async ({ status, reason }) => {
    const correctClock = vi.fn(async () => true);
    const tickets = { ...ticketSource(), correctClock };
    // By an AP-REP in the trailers, with a session and without one.
    for (const sessions of [false, true]) {
      const opened = await sent({ tickets, sessions });
      const service = take(opened, opened.proof, {}, { trailersOnly: true, ...(sessions && { grant }) });
      const proven = sessions ? prove(service, 0, status(), undefined) : status();
      for (const apRep of service.headers.get(AP_REP_METADATA)) proven.metadata.set(AP_REP_METADATA, apRep);
      opened.call.onReceiveStatus(proven);
      expect(await refusalOf(opened)).toMatchObject({ reason });
      expect(lastMade(opened).times).toBe(1);
    }
    // Under a session.
    const { first, service } = await withSession({ tickets });
    const second = await sent({ beside: first });
    second.call.onReceiveStatus(prove(service, 1, status(), undefined));
    expect(await refusalOf(second)).toMatchObject({ reason });
    expect(lastMade(second).times).toBe(1);
  });
});

describe("a call under a session that the service does not hold", () => {
  test("is made once more by an exchange that names it, and makes a session", async () => {
    const { first } = await withSession();
    const second = await sent({ beside: first });
    expect(numberIn(second.proof)).toBe(1);
    second.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    const repeat = await second.attempt();
    expect(repeat.get(CALL_METADATA)).toEqual([]);
    const service = take(second, repeat, {}, { grant });
    expect(saidIn(service)).toEqual({
      challenge: CHALLENGE,
      repeats: { session: grant.id, number: 1 },
      asksForSession: true,
    });
    second.call.onReceiveMetadata(service.headers);
    second.call.onReceiveMessage(Buffer.from("<b>"));
    second.call.onReceiveStatus(prove(service, 0, OK, Buffer.from("<b>")));
    expect(second.application.map(([, value]) => value)).toContain("b");
    expect(await statusOf(second)).toMatchObject({ code: grpc.status.OK });
    // Numbers begin anew.
    expect(numberIn((await sent({ beside: first })).proof)).toBe(1);
  });

  test("names the latest of its attempts", async () => {
    const { first } = await withSession();
    const second = await sent({ beside: first });
    await second.attempt();
    second.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    expect(saidIn(take(second, await second.attempt())).repeats).toEqual({ session: grant.id, number: 2 });
  });

  test("never goes by a session made since: that would not say what it repeats", async () => {
    const { first } = await withSession();
    const calls = [1, 2, 3].map(() => sent({ beside: first }));
    const [second, early, late] = [await calls[0]!, await calls[1]!, await calls[2]!];
    second.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    // While the second makes a session, and when it has made one.
    early.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    second.call.onReceiveMetadata(take(second, await second.attempt(), {}, { grant }).headers);
    late.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    for (const opened of [early, late])
      expect(saidIn(take(opened, await opened.attempt()))).toEqual({
        challenge: CHALLENGE,
        repeats: { session: grant.id, number: numberIn(opened.proof) },
        asksForSession: false,
      });
  });

  test("hears its refusals as unproven, also that of a time: its proof has none", async () => {
    const correctClock = vi.fn(async () => true);
    const forgetTicket = vi.fn(async () => {});
    const { first } = await withSession({ tickets: { ...ticketSource(), correctClock, forgetTicket } });
    for (const [refusal, text] of [
      [skew(), "clock skew too great"],
      [toStatus(new KrbError("KRB_AP_ERR_TKT_EXPIRED", "ended")), "ended"],
      [toStatus(new KrbError("KRB_AP_ERR_BADKEYVER", "another key")), "another key"],
      [toStatus(new KrbError("KRB_AP_ERR_REPEAT", "came before")), "came before"],
    ] as const) {
      const second = await sent({ beside: first });
      second.call.onReceiveStatus(refusal);
      expect(await refusalOf(second)).toMatchObject({
        reason: "KRB_AP_ERR_MUT_FAIL",
        message: `the service did not prove its answer, and the call may have run; unproven: UNAUTHENTICATED: ${text}`,
        details: { unproven_code: String(UNAUTHENTICATED), unproven_text: text },
      });
      expect(lastMade(second).times).toBe(1);
    }
    expect(correctClock).not.toHaveBeenCalled();
    expect(forgetTicket).not.toHaveBeenCalled();
  });
});

describe("a second repeat", () => {
  const elsewhere = { target: "dns:192.0.2.1:1", allowInsecureChannel: true };

  /** A call whose first attempt was refused, and the attempt that repeats it too, by another process. */
  async function refusedTwice(opened: Awaited<ReturnType<typeof sent>>, second = wantsMore(OTHER_CHALLENGE)) {
    opened.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    await opened.attempt();
    opened.call.onReceiveStatus(second);
    await settled();
    return opened;
  }

  test.each([
    { what: "over TLS", wish: { ...elsewhere, secure: true }, times: 3 },
    { what: "on this machine", wish: {}, times: 3 },
    { what: "over plaintext, where anybody may have refused it", wish: elsewhere, times: 2 },
  ])("of an AP-REQ is made $what: $times attempts", async ({ wish, times }) => {
    const opened = await refusedTwice(await sent(wish));
    expect(lastMade(opened).times).toBe(times);
    if (times === 2)
      expect(await refusalOf(opened)).toMatchObject({ reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" });
  });

  test.each([{}, elsewhere])("of a call under a session names its first attempt: %j", async (wish) => {
    const { first } = await withSession(wish);
    const opened = await refusedTwice(await sent({ ...wish, beside: first }));
    expect(lastMade(opened).times).toBe(3);
    expect(saidIn(take(opened, await opened.attempt()))).toEqual({
      challenge: OTHER_CHALLENGE,
      repeats: { session: grant.id, number: 1 },
      asksForSession: true,
    });
  });

  test("is not made without a challenge, nor for a time: nothing has moved there", async () => {
    const correctClock = vi.fn(async () => true);
    const tickets = { ...ticketSource(), correctClock };
    for (const refusal of [wantsMore(), skew(), wantsMore(new Uint8Array(65))]) {
      const opened = await refusedTwice(await sent({ tickets }), refusal);
      expect(lastMade(opened).times).toBe(2);
      await statusOf(opened);
    }
    expect(correctClock).toHaveBeenCalledTimes(1);
  });

  test("is not made of a repeat for its time, nor of one wanted without a challenge", async () => {
    const tickets = { ...ticketSource(), correctClock: async () => true };
    for (const first of [skew(), wantsMore()]) {
      const opened = await sent({ tickets });
      opened.call.onReceiveStatus(first);
      await settled();
      await opened.attempt();
      opened.call.onReceiveStatus(wantsMore(CHALLENGE));
      expect(await refusalOf(opened)).toMatchObject({ reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" });
      expect(lastMade(opened).times).toBe(2);
    }
  });
});

test("a call whose time was refused names the attempt that it repeats", async () => {
  const tickets = { ...ticketSource(), correctClock: async () => true };
  const opened = await sent({ tickets });
  const first = opened.proof.get(AP_REQ_METADATA)[0] as Buffer;
  opened.call.onReceiveStatus(skew());
  await settled();
  expect(saidIn(take(opened, await opened.attempt()))).toEqual({
    challenge: undefined,
    repeats: { tag: apReqTag(first, ticketFor().server) },
    asksForSession: true,
  });
});

describe("calls that wait for a session", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());
  const started = ({ wire }: Opened) => names(wire).includes("start");
  const second = async (first: Opened) => {
    const opened = openCall({ beside: first });
    opened.call.sendMessage("b");
    await settled();
    return opened;
  };

  test("share the first call's exchange, its challenge's round trip included", async () => {
    const first = await sent();
    const others = [await second(first), await second(first)];
    first.call.onReceiveStatus(wantsMore(CHALLENGE));
    await settled();
    expect(others.map(started)).toEqual([false, false]);
    first.call.onReceiveMetadata(take(first, await first.attempt(), {}, { grant }).headers);
    await settled();
    expect(others.map(started)).toEqual([true, true]);
    const numbers = await Promise.all(others.map(async ({ attempt }) => numberIn(await attempt())));
    expect(numbers).toEqual([1, 2]);
  });

  test.each<[string, (opened: Opened) => void]>([
    [
      "is cancelled",
      ({ call, watchers, below }) => {
        below.cancelWithStatus = (code, details) => {
          for (const watch of watchers) watch({ code, details, metadata: new grpc.Metadata() });
          call.onReceiveStatus({ code, details, metadata: new grpc.Metadata() });
        };
        call.cancelWithStatus(CANCELLED, "enough");
      },
    ],
    ["is refused", ({ call }) => call.onReceiveStatus(toStatus(new KrbError("KRB_AP_ERR_NOT_US", "no")))],
    ["is answered without one", (opened) => opened.call.onReceiveStatus({ ...OK, code: NOT_FOUND })],
  ])("go on at once when the call that makes it %s", async (_, end) => {
    const first = await sent();
    const others = [await second(first), await second(first)];
    end(first);
    await settled();
    expect(others.map(started)).toEqual([true, false]);
    const [next] = others;
    expect(saidIn(take(next!, await next!.attempt())).asksForSession).toBe(true);
  });

  test("go on after 250 ms where it takes longer", async () => {
    const first = await sent();
    const others = [await second(first), await second(first)];
    vi.advanceTimersByTime(249);
    await settled();
    expect(others.map(started)).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    await settled();
    expect(others.map(started)).toEqual([true, true]);
    const asked = await Promise.all(
      others.map(async (opened) => saidIn(take(opened, await opened.attempt())).asksForSession),
    );
    expect(asked).toEqual([true, undefined]);
  });

  test("and are cancelled meanwhile end, and hold up nobody", async () => {
    const first = await sent();
    const [cancelled, other] = [await second(first), await second(first)];
    cancelled.watchers[0]!({ code: CANCELLED, details: "enough", metadata: new grpc.Metadata() });
    expect((await statusOf(cancelled)).code).toBe(CANCELLED);
    first.call.onReceiveStatus(toStatus(new KrbError("KRB_AP_ERR_NOT_US", "no")));
    await settled();
    expect(started(cancelled)).toBe(false);
    // The cancelled one was first in the queue, and leaves its place to the next at once.
    expect(started(other)).toBe(true);
  });
});
