/** What passes a guarded call and when, state by state, and that nothing does once it is over. */
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { OpenedApReq } from "../../../src/protocol/ap-exchange.js";
import { openApRep, verifyApProof, verifyApRep } from "../../../src/protocol/ap-rep.js";
import { PROTECTIONS, isProtected as protectsMessages } from "../../../src/protocol/call-binding.js";
import { Key } from "../../../src/protocol/keys.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { RESPONSES } from "../../../src/protocol/message-keys.js";
import { MessageOpener } from "../../../src/protocol/message-protection.js";
import { AP_REP_EXTENSIONS, TRAILERS_ONLY } from "../../../src/protocol/session-extensions.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";
import { fromServiceError } from "../../../src/rpc/status.js";
import { Gate } from "../../../src/services/guard/admission.js";
import { callerOf } from "../../../src/services/guard/caller.js";
import {
  ALICE,
  type Bound,
  bind,
  CHAT_SERVICE,
  endOf,
  methodOf,
  NOW,
  names,
  openCall,
  openGuard,
  settled,
} from "./by-hand.js";

const OK = { code: grpc.status.OK, details: "" };
const { INTERNAL, INVALID_ARGUMENT, NOT_FOUND, UNAUTHENTICATED, UNAVAILABLE } = grpc.status;
const noted = () => {};

afterEach(() => void vi.restoreAllMocks());

/** What the only status that was sent says of its refusal. */
function refusalOf(wire: ReturnType<typeof openCall>["wire"]) {
  statusOf(wire);
  const [, status] = wire.find(([what]) => what in grpc.status)!;
  const { reason, details } = fromServiceError(status) as KrbError;
  return { reason, details };
}

/** The only status that was sent: its code and its text. */
function statusOf(wire: ReturnType<typeof openCall>["wire"]) {
  const statuses = wire
    .filter(([what]) => what in grpc.status)
    .map(([, status]) => status as grpc.StatusObject);
  expect(statuses).toHaveLength(1);
  const [{ code, details }] = statuses as [grpc.StatusObject];
  return { code, details };
}

/** A call that was let in, and read, if its request is a single one. */
async function letIn(bound: Bound, options: Parameters<typeof openCall>[0] = {}) {
  const opened = openCall(options);
  opened.call.onReceiveMetadata(bound.metadata);
  if (options.method?.requestStream !== true) opened.call.onReceiveMessage(bound.request);
  await settled();
  expect(names(opened.handler)).toEqual(["metadata"]);
  return opened;
}

describe("a call with a single request", () => {
  test("reads it first, checks, and passes on, both ways", async () => {
    const { call, wire, handler } = openCall();
    const { metadata, request } = bind();
    metadata.set("x-mine", "y");
    call.onReceiveMetadata(metadata);
    expect(names(wire)).toEqual(["startRead"]);
    call.onReceiveMessage(request);
    expect(handler).toEqual([]);
    await settled();
    expect(names(handler)).toEqual(["metadata"]);
    expect(handler[0]![1]).toBe(metadata);
    expect(metadata.get("x-mine")).toEqual(["y"]);
    expect(metadata.get(AP_REQ_METADATA)).toEqual([]);
    expect(callerOf({ metadata })).toMatchObject({ principal: ALICE, protection: "authenticate" });

    call.startRead();
    expect(handler.slice(1)).toEqual([["message", "hello"]]);
    expect(names(wire)).toEqual(["startRead"]);
    call.startRead();
    expect(names(wire)).toEqual(["startRead", "startRead"]);
    call.onReceiveHalfClose();
    const sent = vi.fn();
    call.sendMessage("bye", sent);
    expect(sent).toHaveBeenCalledTimes(1);
    call.sendStatus(OK);
    expect(names(handler)).toEqual(["metadata", "message", "halfClose"]);
    expect(names(wire)).toEqual(["startRead", "startRead", "metadata", "message", "OK"]);
    expect(wire[3]![1]).toEqual(Buffer.from("<bye>"));
  });

  test("is refused without one", () => {
    const { call, wire, handler } = openCall();
    call.onReceiveMetadata(bind().metadata);
    call.onReceiveHalfClose();
    expect(statusOf(wire)).toEqual({ code: INVALID_ARGUMENT, details: "the call has no request" });
    expect(refusalOf(wire)).toEqual({ reason: "KRB_ERR_GENERIC", details: { field: "request" } });
    expect(handler).toEqual([]);
  });

  test.each(["while it is checked", "while it is held", "once it was read"])(
    "is refused with a second one, %s",
    async (when) => {
      const { call, wire, handler } = openCall();
      const { metadata, request } = bind();
      call.onReceiveMetadata(metadata);
      call.onReceiveMessage(request);
      if (when !== "while it is checked") await settled();
      if (when === "once it was read") call.startRead();
      const passed = names(handler);
      call.onReceiveMessage(request);
      await settled();
      expect(statusOf(wire)).toEqual({
        code: UNAUTHENTICATED,
        details: "a second request, which the proof does not cover",
      });
      expect(refusalOf(wire)).toEqual({ reason: "KRB_AP_ERR_MODIFIED", details: { field: "request" } });
      expect(names(handler)).toEqual(passed);
    },
  );

  test("is refused where an end marker stands in its place", async () => {
    const { call, wire, handler } = openCall();
    const { metadata, request } = bind(methodOf("say"), "integrity", {
      request: (protector) => protector.end(),
    });
    call.onReceiveMetadata(metadata);
    call.onReceiveMessage(request);
    await settled();
    expect(statusOf(wire)).toEqual({
      code: UNAUTHENTICATED,
      details: "an end marker in place of the request",
    });
    expect(refusalOf(wire)).toEqual({ reason: "KRB_AP_ERR_MODIFIED", details: { field: "request" } });
    expect(handler).toEqual([]);
  });

  test("is refused where it does not decode, after it was verified", async () => {
    const stored = vi.fn(async () => {});
    const { call, wire, handler } = openCall({ store: stored });
    const { metadata, request } = bind(methodOf("say"), "authenticate", { text: "<" });
    call.onReceiveMetadata(metadata);
    call.onReceiveMessage(request);
    await settled();
    expect(stored).toHaveBeenCalledTimes(1);
    expect(statusOf(wire)).toEqual({
      code: INVALID_ARGUMENT,
      details: "malformed request of /chat.v1.Chat/say",
    });
    expect(refusalOf(wire)).toEqual({ reason: "KRB_ERR_GENERIC", details: { field: "request" } });
    expect(handler).toEqual([]);
  });
});

describe("a call with a stream of requests", () => {
  const method = methodOf("join");

  test("is checked before anything is read, and passes what follows", async () => {
    const { call, wire, handler } = openCall({ method });
    const bound = bind(method);
    call.onReceiveMetadata(bound.metadata);
    await settled();
    expect(names(handler)).toEqual(["metadata"]);
    expect(wire).toEqual([]);
    call.startRead();
    call.onReceiveMessage(Buffer.from(bound.protector!.protect(Buffer.from("<a>"))));
    call.startRead();
    expect(names(wire)).toEqual(["startRead", "startRead"]);
    // The end marker is the guard's: it reads on by itself.
    call.onReceiveMessage(Buffer.from(bound.protector!.end()));
    expect(names(wire)).toEqual(["startRead", "startRead", "startRead"]);
    call.onReceiveHalfClose();
    expect(handler.slice(1)).toEqual([["message", "a"], ["halfClose"]]);
  });

  test("is refused when it was cut short", async () => {
    const bound = bind(method);
    const { call, wire, handler } = await letIn(bound, { method });
    call.onReceiveMessage(Buffer.from(bound.protector!.protect(Buffer.from("<a>"))));
    call.onReceiveHalfClose();
    expect(statusOf(wire)).toEqual({
      code: UNAUTHENTICATED,
      details: "the request stream was cut short: its end marker is missing",
    });
    expect(names(handler)).toEqual(["metadata", "message"]);
  });

  test("is refused with a message that is none of the call's, or does not decode", async () => {
    for (const [bytes, code] of [
      [() => Buffer.from("<a>"), UNAUTHENTICATED],
      [(bound: Bound) => Buffer.from(bound.protector!.protect(Buffer.from("<"))), INVALID_ARGUMENT],
    ] as const) {
      const bound = bind(method);
      const { call, wire, handler } = await letIn(bound, { method });
      call.onReceiveMessage(bytes(bound));
      expect(statusOf(wire).code).toBe(code);
      expect(names(handler)).toEqual(["metadata"]);
    }
  });

  test.each(["message", "half-close"])(
    "is refused where somebody reads ahead of the guard: a %s",
    async (what) => {
      const { call, wire, handler, log } = openCall({ method });
      const bound = bind(method);
      call.onReceiveMetadata(bound.metadata);
      if (what === "message")
        call.onReceiveMessage(Buffer.from(bound.protector!.protect(Buffer.from("<a>"))));
      else call.onReceiveHalfClose();
      await settled();
      expect(statusOf(wire)).toEqual({ code: INTERNAL, details: "internal error" });
      expect(log).toMatchObject([
        { text: "TypeError: an interceptor read ahead of the guard: list the guard first", level: "error" },
      ]);
      expect(handler).toEqual([]);
    },
  );
});

describe.each(PROTECTIONS)("what a call answers at protection %s", (protection) => {
  test.each(["say", "list", "join", "talk"] as const)("goes out behind one AP-REP: %s", async (kind) => {
    const method = methodOf(kind);
    const bound = bind(method, protection);
    const { call, wire } = await letIn(bound, { method, protection });
    wire.length = 0;
    const headers = new grpc.Metadata();
    headers.set("x-mine", "y");
    call.sendMetadata(headers);
    call.sendMetadata(new grpc.Metadata());
    call.sendMessage("a", noted);
    if (method.responseStream) call.sendMessage("b", noted);
    call.sendStatus(OK);
    const isProtected = protectsMessages(protection, method.responseStream);
    expect(names(wire)).toEqual([
      "metadata",
      "message",
      ...(method.responseStream ? ["message"] : []),
      ...(method.responseStream && isProtected ? ["message"] : []),
      "OK",
    ]);
    expect(headers.get(AP_REP_METADATA)).toEqual([]);
    const sent = wire[0]![1] as grpc.Metadata;
    expect(sent.get("x-mine")).toEqual(["y"]);
    const [rep] = sent.get(AP_REP_METADATA) as [Buffer];
    const messages = wire.slice(1, -1).map(([, bytes]) => bytes as Buffer);
    if (bound.keys === undefined) verifyApProof(rep, bound.pending);
    if (!isProtected)
      return expect(messages.map(String)).toEqual(method.responseStream ? ["<a>", "<b>"] : ["<a>"]);
    const opener = new MessageOpener(RESPONSES, verifyApRep(rep, bound.pending), protection);
    const opened = messages.map((bytes) => opener.open(bytes));
    expect(opened.map(({ message }) => message && Buffer.from(message).toString())).toEqual(
      method.responseStream ? ["<a>", "<b>", undefined] : ["<a>"],
    );
    if (method.responseStream) opener.checkEnded();
  });
});

describe("a status", () => {
  test("other than OK goes out without an end marker; an AP-REP in the trailers proves it", async () => {
    const method = methodOf("list");
    const bound = bind(method);
    const { call, wire } = await letIn(bound, { method });
    wire.length = 0;
    const metadata = new grpc.Metadata();
    metadata.set("x-mine", "y");
    call.sendStatus({ code: NOT_FOUND, details: "no such line", metadata });
    expect(names(wire)).toEqual(["NOT_FOUND"]);
    expect(statusOf(wire)).toEqual({ code: NOT_FOUND, details: "no such line" });
    const { apRep, reply } = endOf(wire);
    expect(openApRep(apRep!, bound.pending, AP_REP_EXTENSIONS).extensions).toEqual([TRAILERS_ONLY]);
    expect(reply).toBeUndefined();
    expect((wire[0]![1] as grpc.StatusObject).metadata.get("x-mine")).toEqual(["y"]);
    expect(metadata.getMap()).toEqual({ "x-mine": "y" });
  });

  test("has no AP-REP where initial metadata took it, whatever the status", async () => {
    for (const status of [OK, { code: NOT_FOUND, details: "no such line" }]) {
      const bound = bind();
      const { call, wire } = await letIn(bound);
      call.sendMetadata(new grpc.Metadata());
      call.sendStatus(status);
      const [, sent] = wire.find(([what]) => what === "metadata")!;
      const [rep] = (sent as grpc.Metadata).get(AP_REP_METADATA) as [Buffer];
      expect(openApRep(rep, bound.pending, AP_REP_EXTENSIONS).extensions).toEqual([]);
      expect(endOf(wire)).toMatchObject({ apRep: undefined, reply: undefined });
    }
  });

  test("of OK proves the service also where there was no response", async () => {
    for (const kind of ["say", "list"] as const) {
      const method = methodOf(kind);
      const { call, wire } = await letIn(bind(method), { method });
      wire.length = 0;
      call.sendStatus(OK);
      expect(names(wire)).toEqual(kind === "say" ? ["metadata", "OK"] : ["metadata", "message", "OK"]);
    }
  });

  test("that a response does not encode to is INTERNAL", async () => {
    const method = {
      ...methodOf("say"),
      responseSerialize: () => {
        throw new Error("secret");
      },
    };
    const { call, wire, log } = await letIn(bind(method), { method });
    call.sendMessage("a", noted);
    expect(statusOf(wire)).toEqual({ code: INTERNAL, details: "internal error" });
    expect(log.at(-1)).toMatchObject({
      level: "error",
      result: "INTERNAL",
      text: "Error: secret",
      client: ALICE,
    });
  });

  test("of an interceptor behind the guard ends a call that is not let in yet, for good", async () => {
    const { call, wire, handler } = openCall();
    const { metadata, request } = bind();
    call.onReceiveMetadata(metadata);
    call.onReceiveMessage(request);
    call.sendStatus({ code: UNAVAILABLE, details: "draining" });
    await settled();
    call.sendStatus({ code: UNAVAILABLE, details: "again" });
    expect(statusOf(wire)).toEqual({ code: UNAVAILABLE, details: "draining" });
    expect(handler).toEqual([]);
    call.onCancel();
    expect(names(handler)).toEqual(["cancel"]);
  });
});

test.each<[string, (call: ReturnType<typeof openCall>["call"]) => void]>([
  ["metadata", (call) => call.sendMetadata(new grpc.Metadata())],
  ["a message", (call) => call.sendMessage("mine", noted)],
  ["OK", (call) => call.sendStatus(OK)],
])("%s before the call was let in is refused: only the guard answers then", async (_, answer) => {
  const { call, wire, handler, log } = openCall();
  call.onReceiveMetadata(bind().metadata);
  wire.length = 0;
  answer(call);
  expect(statusOf(wire)).toEqual({ code: INTERNAL, details: "internal error" });
  expect(names(wire)).toEqual(["INTERNAL"]);
  expect(log.at(-1)).toMatchObject({ text: "TypeError: an interceptor behind the guard answered by itself" });
  expect(handler).toEqual([]);
});

test("messages that are not bytes any more are refused", () => {
  const { call, wire, log } = openCall();
  call.onReceiveMetadata(bind().metadata);
  call.onReceiveMessage({ text: "mine" });
  expect(statusOf(wire)).toEqual({ code: INTERNAL, details: "internal error" });
  expect(log.at(-1)).toMatchObject({
    text: "TypeError: an interceptor before the guard changed a message: list the guard first",
  });
});

test("a call whose messages another guard takes is refused", async () => {
  const first = openCall();
  const { metadata, request } = bind();
  first.call.onReceiveMetadata(metadata);
  first.call.onReceiveMessage(request);
  const second = openCall();
  second.below.handler = first.below.handler;
  second.call.onReceiveMetadata(bind().metadata);
  expect(statusOf(second.wire)).toEqual({ code: INTERNAL, details: "internal error" });
  expect(second.log.at(-1)).toMatchObject({ text: "TypeError: a server needs one guard, and has two" });
});

describe("a call that ends while it is checked goes no further", () => {
  test.each(["resolve", "reject"] as const)("whatever the replay cache answers: %s", async (answer) => {
    const answers: { resolve(): void; reject(error: unknown): void }[] = [];
    const store = () => new Promise<void>((resolve, reject) => void answers.push({ resolve, reject }));
    const { call, wire, handler } = openCall({ store });
    const { metadata, request } = bind();
    call.onReceiveMetadata(metadata);
    call.onReceiveMessage(request);
    await settled();
    call.onCancel();
    answers[0]![answer](new KrbError("KRB_AP_ERR_REPEAT", "used before"));
    await settled();
    expect(names(handler)).toEqual(["cancel"]);
    expect(names(wire)).toEqual(["startRead"]);
  });

  test("and the replay cache is not asked, where it waited for a rule", async () => {
    const decide: ((allowed: boolean) => void)[] = [];
    const allow = { "*": () => new Promise<boolean>((resolve) => void decide.push(resolve)) };
    const store = vi.fn(async () => {});
    const { call, handler } = openCall({ allow, store });
    const { metadata, request } = bind();
    call.onReceiveMetadata(metadata);
    call.onReceiveMessage(request);
    await settled();
    call.onCancel();
    decide[0]!(true);
    await settled();
    expect(store).not.toHaveBeenCalled();
    expect(names(handler)).toEqual(["cancel"]);
  });
});

test("a call that is over passes nothing on, in either direction", async () => {
  for (const end of ["onCancel", "giveUp"] as const) {
    const { metadata, request } = bind();
    const { call, wire, handler } = await letIn({ ...bind(), metadata, request });
    if (end === "onCancel") call.onCancel();
    else call.giveUp(new KrbError("KDC_ERR_SVC_UNAVAILABLE", "late"));
    const passed = [names(wire), names(handler)];
    call.onReceiveMetadata(bind().metadata);
    call.onReceiveMessage(request);
    call.onReceiveMessage("not bytes");
    call.onReceiveHalfClose();
    call.sendMetadata(new grpc.Metadata());
    call.sendMessage("a", noted);
    call.sendStatus(OK);
    call.sendStatus({ code: NOT_FOUND, details: "" });
    call.giveUp(new KrbError("KDC_ERR_SVC_UNAVAILABLE", "late"));
    await settled();
    expect([names(wire), names(handler)]).toEqual(passed);
    expect(passed[0]!.filter((what) => what === "UNAVAILABLE")).toHaveLength(end === "giveUp" ? 1 : 0);
  }
});

test("the handler is told of the end once, however the call ended", async () => {
  for (const end of [
    () => {},
    (call: ReturnType<typeof openCall>["call"]) => call.sendStatus(OK),
    (call: ReturnType<typeof openCall>["call"]) =>
      call.giveUp(new KrbError("KDC_ERR_SVC_UNAVAILABLE", "late")),
  ]) {
    const { call, handler } = await letIn(bind());
    end(call);
    call.onCancel();
    call.onCancel();
    expect(names(handler)).toEqual(["metadata", "cancel"]);
  }
});

test("a call that ends before it starts tells nobody, and one that nobody started takes a status", () => {
  const { call, wire } = openCall({ started: false });
  call.sendStatus({ code: UNAVAILABLE, details: "draining" });
  expect(names(wire)).toEqual(["UNAVAILABLE"]);
  expect(() => call.onCancel()).not.toThrow();
});

test("metadata that comes twice is looked at once", () => {
  const { call, wire } = openCall();
  call.onReceiveMetadata(bind().metadata);
  call.onReceiveMetadata(bind().metadata);
  expect(names(wire)).toEqual(["startRead"]);
});

describe("a call that arrived with others", () => {
  /** A call whose turns come when the test says so. */
  function inTurns(options: Parameters<typeof openCall>[0] = {}) {
    const waiting: (() => void)[] = [];
    const stored = vi.fn(async () => {});
    const guard = openGuard({ store: stored, inTurn: (check) => void waiting.push(check), ...options });
    const nextTurn = () => {
      for (const check of waiting.splice(0)) check();
    };
    return { ...guard.open(), unread: guard.config.unread, stored, nextTurn };
  }

  test("waits for its turn before its request is read, and before it is let in", async () => {
    const { call, wire, handler, nextTurn } = inTurns();
    const { metadata, request } = bind();
    call.onReceiveMetadata(metadata);
    expect(wire).toEqual([]);
    nextTurn();
    expect(names(wire)).toEqual(["startRead"]);
    call.onReceiveMessage(request);
    await settled();
    expect(handler).toEqual([]);
    nextTurn();
    await settled();
    expect(names(handler)).toEqual(["metadata"]);
  });

  test("is not looked at where it was cancelled meanwhile, and is waited for no more", () => {
    const looked = vi.spyOn(Gate.prototype, "look");
    const { call, wire, unread, nextTurn } = inTurns();
    call.onReceiveMetadata(bind().metadata);
    expect(unread.size).toBe(1);
    call.onCancel();
    expect(unread.size).toBe(0);
    nextTurn();
    expect(looked).not.toHaveBeenCalled();
    expect(wire).toEqual([]);
  });

  test("has as long for its request from its headers on, whenever its turn comes", () => {
    const { call, wire, nextTurn } = inTurns();
    call.onReceiveMetadata(bind().metadata);
    call.giveUp(new RpcError(grpc.status.DEADLINE_EXCEEDED, "late"));
    nextTurn();
    expect(statusOf(wire)).toEqual({ code: grpc.status.DEADLINE_EXCEEDED, details: "late" });
    expect(names(wire)).toEqual(["DEADLINE_EXCEEDED"]);
  });

  test("is not admitted where it was cancelled meanwhile: key wiped, proof not marked", async () => {
    const looked = vi.spyOn(Gate.prototype, "look");
    const { call, handler, stored, nextTurn } = inTurns();
    const { metadata, request } = bind(methodOf("say"), "integrity");
    call.onReceiveMetadata(metadata);
    nextTurn();
    call.onReceiveMessage(request);
    call.onCancel();
    const { opened } = looked.mock.results[0]!.value as { opened: OpenedApReq };
    expect(opened.authenticator.subkey!.key).not.toEqual(new Uint8Array(32));
    nextTurn();
    await settled();
    expect(opened.authenticator.subkey!.key).toEqual(new Uint8Array(32));
    expect(stored).not.toHaveBeenCalled();
    expect(names(handler)).toEqual(["cancel"]);
  });

  test("that brings its metadata twice is looked at once, whenever its turn comes", () => {
    const { call, wire, nextTurn } = inTurns();
    call.onReceiveMetadata(bind().metadata);
    call.onReceiveMetadata(bind().metadata);
    nextTurn();
    expect(names(wire)).toEqual(["startRead"]);
  });
});

describe("the call's keys are wiped", () => {
  /** Every key that was wiped, by what it was when it was made. */
  function watchKeys() {
    const wiped = vi.spyOn(Key.prototype, "wipe");
    return () => wiped.mock.contexts.map((key) => (key as Key).exportBytes().every((byte) => byte === 0));
  }

  const begin = (protection: "integrity" | "authenticate", options: Parameters<typeof openCall>[0] = {}) => {
    const opened = openCall(options);
    const bound = bind(options.method, protection);
    opened.call.onReceiveMetadata(bound.metadata);
    if (options.method?.requestStream !== true) opened.call.onReceiveMessage(bound.request);
    return { ...opened, bound };
  };

  test("when the replay cache refuses it", async () => {
    const wiped = watchKeys();
    begin("integrity", { store: () => Promise.reject(new KrbError("KRB_AP_ERR_REPEAT", "used before")) });
    await settled();
    expect(wiped()).toEqual([true]);
  });

  test("when a rule refuses it", async () => {
    const wiped = watchKeys();
    const { wire } = begin("integrity", { allow: {} });
    await settled();
    // The client's and the service's: the refusal is proven by an AP-REP.
    expect(wiped()).toEqual([true, true]);
    expect(refusalOf(wire).reason).toBe("KDC_ERR_POLICY");
  });

  test.each<[string, Parameters<typeof openCall>[0], string]>([
    ["level", { protection: "privacy" }, "KDC_ERR_POLICY"],
    ["certificate", { bindClientCertificate: () => true }, "KRB_AP_ERR_BADMATCH"],
  ])("when it is refused for its %s", async (_, options, reason) => {
    const wiped = watchKeys();
    const { wire } = begin("integrity", options);
    await settled();
    expect(wiped()).toEqual([true, true]);
    expect(refusalOf(wire).reason).toBe(reason);
  });

  test("when its request does not decode", async () => {
    const wiped = watchKeys();
    const { call } = openCall();
    const { metadata, request } = bind(methodOf("say"), "integrity", { text: "<" });
    call.onReceiveMetadata(metadata);
    call.onReceiveMessage(request);
    await settled();
    expect(wiped()).toEqual([true, true]);
  });

  test("when it was cancelled before it was let in", async () => {
    const wiped = watchKeys();
    const answers: (() => void)[] = [];
    const { call } = begin("integrity", {
      store: () => new Promise((resolve) => void answers.push(resolve)),
    });
    await settled();
    call.onCancel();
    expect(wiped()).toEqual([]);
    answers[0]!();
    await settled();
    expect(wiped()).toEqual([true]);
  });

  test("when it ends, the client's and the service's, and not before", async () => {
    const wiped = watchKeys();
    const { call } = begin("integrity");
    await settled();
    call.startRead();
    call.sendMessage("a", noted);
    expect(wiped()).toEqual([]);
    call.sendStatus(OK);
    expect(wiped()).toEqual([true, true]);
    call.onCancel();
    expect(wiped()).toEqual([true, true]);
  });

  test.each<[string, (call: ReturnType<typeof openCall>["call"]) => void]>([
    ["cancelled", (call) => call.onCancel()],
    ["refused", (call) => call.onReceiveHalfClose()],
    ["ended by an interceptor", (call) => call.sendStatus({ code: UNAVAILABLE, details: "draining" })],
  ])("when it is %s before its request came: the authenticator's own", (_, end) => {
    const looked = vi.spyOn(Gate.prototype, "look");
    const { call } = openCall();
    call.onReceiveMetadata(bind(methodOf("say"), "integrity").metadata);
    const { opened } = looked.mock.results[0]!.value as { opened: OpenedApReq };
    const { key } = opened.authenticator.subkey!;
    expect(key).not.toEqual(new Uint8Array(32));
    end(call);
    expect(key).toEqual(new Uint8Array(32));
  });

  test("when it ends unread", async () => {
    const wiped = watchKeys();
    const { call } = begin("integrity");
    await settled();
    call.onCancel();
    expect(wiped()).toEqual([true]);
  });

  test("when it is refused in the midst of a stream", async () => {
    const wiped = watchKeys();
    const method = methodOf("talk");
    const { call } = begin("authenticate", { method });
    await settled();
    call.sendMessage("a", noted);
    call.onReceiveMessage(Buffer.from("<forged>"));
    expect(wiped()).toEqual([true, true]);
  });

  test("where there are any: the ticket's session key is not the call's", async () => {
    const wiped = watchKeys();
    const { call } = begin("authenticate");
    await settled();
    call.sendMessage("a", noted);
    call.onCancel();
    expect(wiped()).toEqual([]);
  });
});

describe("the log has a line", () => {
  const line = { exchange: "GUARD", method: "/chat.v1.Chat/say", peer: "127.0.0.1:1" };

  test("of a call that was let in: who, to whom, how protected, at the moment it was judged", async () => {
    // Looked at when the headers come, judged with the request.
    const times = [NOW - 1, NOW];
    const { log } = await letIn(bind(), { clock: () => times.shift() ?? NOW + 1 });
    expect(log).toEqual([
      {
        ...line,
        time: new Date(NOW).toISOString(),
        level: "info",
        result: "OK",
        client: ALICE,
        server: CHAT_SERVICE,
        protection: "authenticate",
        ticket: expect.stringMatching(/^[\w-]{12}$/),
        ms: expect.any(Number),
      },
    ]);
    expect(log[0]!.ms).toBeGreaterThanOrEqual(0);
  });

  test("of a call that was refused, with what was compared; nobody is named whom nothing proved", () => {
    const { call, log } = openCall();
    call.onReceiveMetadata(new grpc.Metadata());
    expect(log).toEqual([
      {
        ...line,
        time: new Date(NOW).toISOString(),
        level: "warn",
        result: "KDC_ERR_PREAUTH_REQUIRED",
        text: `the method needs a ticket, in ${AP_REQ_METADATA}: the client's ticketInterceptor puts it there`,
        compared: { metadata: AP_REQ_METADATA },
        ms: expect.any(Number),
      },
    ]);
  });

  test("of what a rule threw: a status is the rule's own, anything else an error", async () => {
    for (const [error, level] of [
      [{ code: grpc.status.RESOURCE_EXHAUSTED, details: "slow down" }, "warn"],
      [new Error("secret"), "error"],
    ] as const) {
      const rule = () => {
        throw error;
      };
      const { call, wire, log } = openCall({ allow: { "*": rule } });
      const { metadata, request } = bind();
      call.onReceiveMetadata(metadata);
      call.onReceiveMessage(request);
      await settled();
      expect(log).toMatchObject([{ ...line, level, result: "INTERNAL", text: String(error) }]);
      expect(statusOf(wire).code).toBe(level === "warn" ? grpc.status.RESOURCE_EXHAUSTED : INTERNAL);
    }
  });

  test("of a replay cache that fails, beside the refusal", async () => {
    const { call, log } = openCall({ store: () => Promise.reject(new Error("connection reset")) });
    const { metadata, request } = bind();
    call.onReceiveMetadata(metadata);
    call.onReceiveMessage(request);
    await settled();
    expect(log).toMatchObject([
      { ...line, level: "error", text: "Error: connection reset" },
      { ...line, level: "warn", result: "KDC_ERR_SVC_UNAVAILABLE" },
    ]);
    expect(log[0]).not.toHaveProperty("result");
  });

  test("with the time it took from the start, in milliseconds to the thousandth", async () => {
    const clock = vi.spyOn(performance, "now").mockReturnValue(1_000);
    const { call, log } = openCall();
    clock.mockReturnValue(1_002.34567);
    call.onReceiveMetadata(new grpc.Metadata());
    expect(log).toMatchObject([{ ms: 2.346 }]);
  });

  test("for nobody, where nobody reads it", async () => {
    const { call, handler } = await letIn(bind(), { log: undefined });
    call.giveUp(new KrbError("KDC_ERR_SVC_UNAVAILABLE", "late"));
    call.onCancel();
    expect(names(handler)).toEqual(["metadata", "cancel"]);
  });
});

test("a certificate is looked at where somebody asks for it, and else not read", async () => {
  const certificate = { subject: { CN: "alice" } };
  const bindClientCertificate = vi.fn(() => true);
  await letIn(bind(), { certificate, bindClientCertificate });
  expect(bindClientCertificate.mock.calls).toEqual([[ALICE, certificate]]);
  const { call, below } = openCall({ certificate });
  const read = vi.spyOn(below, "getAuthContext");
  const { metadata, request } = bind();
  call.onReceiveMetadata(metadata);
  call.onReceiveMessage(request);
  expect(read).not.toHaveBeenCalled();
});

test("where there are no rules, none is asked, and the replay cache is in the same turn", () => {
  const store = vi.fn(async () => {});
  const { call } = openCall({ store });
  const { metadata, request } = bind();
  call.onReceiveMetadata(metadata);
  call.onReceiveMessage(request);
  expect(store).toHaveBeenCalledTimes(1);
});

test("a call that is over waits for no replay cache any more", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const { call, log } = openCall({ store: () => new Promise(() => {}) });
    const { metadata, request } = bind();
    call.onReceiveMetadata(metadata);
    call.onReceiveMessage(request);
    await settled();
    call.onCancel();
    vi.advanceTimersByTime(10_000);
    expect(log).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});
