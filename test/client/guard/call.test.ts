/**
 * What passes a guarded call of a client and when, state by state, and that the application gets one status.
 */
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ServiceProof, TicketSource } from "../../../src/client/guard/tickets.js";
import { PROTECTIONS } from "../../../src/protocol/call-binding.js";
import { Key } from "../../../src/protocol/keys.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { AP_REP_METADATA, AP_REQ_METADATA, CALL_METADATA } from "../../../src/rpc/metadata-names.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";
import { fromServiceError, toStatus } from "../../../src/rpc/status.js";
import {
  answer,
  methodOf,
  NOW,
  names,
  openCall,
  SERVICE,
  settled,
  ticketFor,
  ticketSource,
} from "./by-hand.js";

const { CANCELLED, DEADLINE_EXCEEDED, FAILED_PRECONDITION, INTERNAL, NOT_FOUND, UNAUTHENTICATED } =
  grpc.status;
const KINDS = ["say", "list", "join", "talk"] as const;

type Opened = ReturnType<typeof openCall>;

function status(code: grpc.status, details = ""): grpc.StatusObject {
  return { code, details, metadata: new grpc.Metadata() };
}
const OK = status(grpc.status.OK);
const MUTUAL_FAILURE = {
  code: UNAUTHENTICATED,
  details: "the service could not prove itself; do not trust its answer",
};

afterEach(() => void vi.restoreAllMocks());

/** The only status the application got, of a call that is over. */
async function statusOf({ application }: Opened) {
  await settled();
  const statuses = application.filter(([what]) => what in grpc.status);
  expect(statuses).toHaveLength(1);
  expect(application.at(-1)).toBe(statuses[0]);
  return statuses[0]![1] as grpc.StatusObject;
}

/** A call that is under way, by an attempt that the service has taken. */
async function underWay(wish: Parameters<typeof openCall>[0] = {}) {
  const { method = methodOf("say"), protection = "authenticate" } = wish;
  const opened = openCall(wish);
  await settled();
  if (!method.requestStream) opened.call.sendMessage("hello");
  const attempt = await opened.attempt();
  const request = opened.wire.find(([what]) => what === "message")?.[1] as Buffer | undefined;
  return { ...opened, service: answer(attempt, method, request, { protection }), request };
}

/** A call whose service has proved itself. */
async function proven(wish: Parameters<typeof openCall>[0] = {}) {
  const opened = await underWay(wish);
  opened.call.onReceiveMetadata(opened.service.headers);
  return opened;
}

describe("a call with a single request", () => {
  test.each(["before", "after"])(
    "starts when ticket and request are there: the request comes %s",
    async (when) => {
      const opened = openCall();
      const { call, wire } = opened;
      if (when === "before") call.sendMessage("hello");
      else await settled();
      expect(wire).toEqual([]);
      if (when === "before") await settled();
      else call.sendMessage("hello");
      call.halfClose();
      expect(names(wire)).toEqual(["start", "message", "halfClose"]);
      expect(wire[1]![1]).toEqual(Buffer.from("<hello>"));
    },
  );

  test("sends what was asked before it could start in its order, the request once", async () => {
    const { call, wire } = openCall();
    call.startRead();
    call.sendMessage("hello");
    call.halfClose();
    call.startRead();
    await settled();
    expect(names(wire)).toEqual(["start", "startRead", "message", "halfClose", "startRead"]);
  });

  test("has its request protected once, and the proof covers what travels", async () => {
    for (const protection of PROTECTIONS) {
      const { service, request } = await underWay({ protection });
      const opened = service.opener?.open(request!);
      expect(Buffer.from(opened?.message ?? request!).toString()).toBe("<hello>");
    }
  });

  test("passes a second one on, for the service to refuse", async () => {
    const early = openCall();
    early.call.sendMessage("a");
    early.call.sendMessage("b");
    await settled();
    const late = await underWay();
    late.call.sendMessage("again");
    expect(names(early.wire)).toEqual(["start", "message", "message"]);
    expect(names(late.wire)).toEqual(["start", "message", "message"]);
  });
});

describe("a call with a stream of requests", () => {
  test("starts when the ticket is there, and sends what waited for it", async () => {
    const { call, wire } = openCall({ method: methodOf("join") });
    call.sendMessage("a");
    expect(wire).toEqual([]);
    await settled();
    call.sendMessage("b");
    call.halfClose();
    expect(names(wire)).toEqual(["start", "message", "message", "message", "halfClose"]);
  });

  test("starts without any", async () => {
    const { wire } = openCall({ method: methodOf("talk") });
    await settled();
    expect(names(wire)).toEqual(["start"]);
  });

  test("ends with its end marker, also where all was asked before the start", async () => {
    for (const early of [true, false]) {
      const method = methodOf("join");
      const { call, wire, attempt } = openCall({ method });
      if (!early) await settled();
      call.sendMessage("a");
      call.halfClose();
      await settled();
      const { opener } = answer(await attempt(), method);
      expect(names(wire)).toEqual(["start", "message", "message", "halfClose"]);
      expect(Buffer.from(opener!.open(wire[1]![1] as Buffer).message!).toString()).toBe("<a>");
      expect(opener!.open(wire[2]![1] as Buffer).kind).toBe("end");
    }
  });
});

test("the metadata that goes out is a copy of the application's, without a proof from it", async () => {
  const { call, wire, metadata } = openCall({ method: methodOf("join") });
  metadata.set("x-late", "z");
  await settled();
  const sent = wire[0]![1] as grpc.Metadata;
  expect(sent).not.toBe(metadata);
  expect(sent.get("x-mine")).toEqual(["y"]);
  expect(sent.get("x-late")).toEqual([]);
  for (const proof of [AP_REQ_METADATA, CALL_METADATA]) {
    expect(sent.get(proof)).toEqual([]);
    expect(metadata.get(proof)).toHaveLength(1);
  }
  call.start(new grpc.Metadata(), {});
  expect(names(wire)).toEqual(["start"]);
});

test("what is asked before the start waits for it", async () => {
  const { call, wire, metadata, listener } = openCall({ started: false });
  call.sendMessage("hello");
  call.startRead();
  call.halfClose();
  await settled();
  expect(wire).toEqual([]);
  call.start(metadata, listener);
  await settled();
  expect(names(wire)).toEqual(["start", "message", "startRead", "halfClose"]);
});

test("a call may have no listener, or half of one", async () => {
  for (const listener of [undefined, {}]) {
    const opened = openCall({ started: false });
    opened.call.start(new grpc.Metadata(), listener);
    opened.call.sendMessage("hello");
    await settled();
    const { headers } = answer(await opened.attempt(), methodOf("say"), opened.wire[1]![1] as Buffer);
    opened.call.onReceiveMetadata(headers);
    opened.call.onReceiveMessage(Buffer.from("<a>"));
    opened.call.onReceiveStatus(OK);
    expect(opened.application).toEqual([]);
  }
});

describe("an attempt", () => {
  test("carries an authenticator of its own, by the KDC's clock", async () => {
    const { attempt, service } = await underWay();
    expect(service.verified.ctime).toBe(NOW);
    const [first, second] = [await attempt(), await attempt()].map(
      (made) => made.get(AP_REQ_METADATA)[0] as Buffer,
    );
    expect(first!.equals(second!)).toBe(false);
  });

  test("stands beside the application's own credentials", async () => {
    const credentials = grpc.credentials.createFromMetadataGenerator((_, callback) => {
      const own = new grpc.Metadata();
      own.set("authorization", "Bearer x");
      callback(null, own);
    });
    const opened = openCall({ credentials });
    opened.call.sendMessage("hello");
    await settled();
    const made = await opened.attempt();
    expect(made.get("authorization")).toEqual(["Bearer x"]);
    expect(made.get(AP_REQ_METADATA)).toHaveLength(1);
  });

  test.each(["waiting", "over"])("of a call that is %s is none", async (state) => {
    const opened = openCall();
    if (state === "over") {
      await settled();
      opened.call.sendMessage("hello");
      opened.call.onReceiveStatus(status(NOT_FOUND));
    }
    await expect(opened.attempt()).rejects.toMatchObject({
      codeName: "CANCELLED",
      message: "the call is over",
    });
  });

  test("that can't be made ends the call with the reason", async () => {
    const large = ticketFor(undefined, { authorizationData: [{ type: 1, data: new Uint8Array(4096) }] });
    const opened = openCall({ tickets: ticketSource(large), protection: "integrity" });
    const wiped = vi.spyOn(Key.prototype, "wipe");
    await settled();
    opened.call.sendMessage("hello");
    await expect(opened.attempt()).rejects.toMatchObject({ reason: "KRB_ERR_FIELD_TOOLONG" });
    expect(wiped).toHaveBeenCalledTimes(1);
    await expect(opened.attempt()).rejects.toMatchObject({ message: "the call is over" });
    opened.call.sendMessage("ignored");
    opened.call.halfClose();
    opened.call.onReceiveMetadata(new grpc.Metadata());
    opened.call.onReceiveMessage(Buffer.from("<a>"));
    expect(names(opened.wire)).toEqual(["start", "message"]);
    expect(opened.application).toEqual([]);
    // What grpc-js makes of it: a text without the refusal.
    opened.call.onReceiveStatus(status(grpc.status.UNAUTHENTICATED, "Failed to retrieve auth metadata"));
    expect(fromServiceError(await statusOf(opened))).toMatchObject({ reason: "KRB_ERR_FIELD_TOOLONG" });
    expect(names(opened.wire)).toEqual(["start", "message", "cancel"]);
  });
});

describe.each(PROTECTIONS)("at protection %s", (protection) => {
  test.each(KINDS)("a service that proves itself is heard: %s", async (kind) => {
    const method = methodOf(kind);
    const opened = await proven({ method, protection });
    const { call, application, service, wire } = opened;
    expect(names(application)).toEqual(["metadata"]);
    expect((application[0]![1] as grpc.Metadata).get(AP_REP_METADATA)).toEqual([]);
    const protect = (text: string) =>
      Buffer.from(service.protector?.protect(Buffer.from(text)) ?? Buffer.from(text));
    call.onReceiveMessage(protect("<a>"));
    if (method.responseStream) call.onReceiveMessage(protect("<b>"));
    if (method.responseStream && protection !== "call") {
      const reads = names(wire).filter((what) => what === "startRead").length;
      call.onReceiveMessage(Buffer.from(service.protector!.end()));
      // The end marker is the interceptor's: it reads on by itself.
      expect(names(wire).filter((what) => what === "startRead")).toHaveLength(reads + 1);
    }
    call.onReceiveStatus(OK);
    expect(await statusOf(opened)).toBe(OK);
    expect(application.slice(1, -1)).toEqual(
      method.responseStream
        ? [
            ["message", "a"],
            ["message", "b"],
          ]
        : [["message", "a"]],
    );
    expect(names(wire)).not.toContain("cancel");
  });

  test.each(KINDS)("a service that does not is not: %s", async (kind) => {
    const method = methodOf(kind);
    const rows: ((opened: Awaited<ReturnType<typeof underWay>>) => void)[] = [
      ({ call }) => call.onReceiveMetadata(new grpc.Metadata()),
      ({ call, service }) => {
        service.headers.set(AP_REP_METADATA, Buffer.from("x"));
        call.onReceiveMetadata(service.headers);
      },
      ({ call, service }) => {
        service.headers.add(AP_REP_METADATA, service.headers.get(AP_REP_METADATA)[0]!);
        call.onReceiveMetadata(service.headers);
      },
      ({ call }) => call.onReceiveMessage(Buffer.from("<a>")),
      ({ call }) => call.onReceiveStatus(OK),
    ];
    for (const misbehave of rows) {
      const opened = await underWay({ method, protection });
      misbehave(opened);
      expect(await statusOf(opened)).toMatchObject(MUTUAL_FAILURE);
      expect(opened.application).toHaveLength(1);
      expect(opened.wire.at(-1)).toEqual(["cancel", MUTUAL_FAILURE]);
    }
  });
});

test("an AP-REP answers any attempt that may still be answered", async () => {
  for (const protection of ["authenticate", "integrity"] as const) {
    const opened = await underWay({ protection });
    const attempts = [];
    for (let made = 0; made < 15; made++) attempts.push(await opened.attempt());
    const take = (attempt: grpc.Metadata) => answer(attempt, methodOf("say"), opened.request, { protection });
    const { headers } = take(attempts.at(-1)!);
    opened.call.onReceiveMetadata(protection === "authenticate" ? opened.service.headers : headers);
    expect(names(opened.application)).toEqual(["metadata"]);
  }
});

test("an attempt that sixteen others followed is not waited for any more", async () => {
  const opened = await underWay();
  for (let made = 0; made < 16; made++) await opened.attempt();
  opened.call.onReceiveMetadata(opened.service.headers);
  expect(await statusOf(opened)).toMatchObject(MUTUAL_FAILURE);
});

describe("a stream of responses", () => {
  const method = methodOf("list");

  test("that was cut short is refused", async () => {
    const opened = await proven({ method });
    opened.call.onReceiveStatus(OK);
    expect(await statusOf(opened)).toMatchObject({
      code: UNAUTHENTICATED,
      details: "the response stream was cut short: its end marker is missing",
    });
  });

  test("that breaks off with a status needs no end marker", async () => {
    const opened = await proven({ method });
    const gone = status(NOT_FOUND, "gone");
    opened.call.onReceiveStatus(gone);
    expect(await statusOf(opened)).toBe(gone);
  });

  test("with a message that is none of the call's is refused", async () => {
    const opened = await proven({ method });
    opened.call.onReceiveMessage(Buffer.from("<forged>"));
    expect(fromServiceError(await statusOf(opened))).toMatchObject({ reason: "KRB_AP_ERR_MODIFIED" });
  });
});

describe("a single response", () => {
  test("that is an end marker is refused", async () => {
    const opened = await proven({ protection: "integrity" });
    opened.call.onReceiveMessage(Buffer.from(opened.service.protector!.end()));
    expect(fromServiceError(await statusOf(opened))).toMatchObject({
      reason: "KRB_AP_ERR_MODIFIED",
      message: "an end marker in place of the response",
      details: { field: "response" },
    });
  });

  test("that is missing is passed on as missing, proven or not", async () => {
    const rows = [
      { opened: await underWay({ sessions: false }), code: NOT_FOUND },
      { opened: await underWay(), code: UNAUTHENTICATED },
      { opened: await proven(), code: NOT_FOUND },
    ];
    for (const { opened, code } of rows) {
      opened.call.onReceiveMessage(null);
      expect(opened.application.at(-1)).toEqual(["message", null]);
      opened.call.onReceiveStatus(status(NOT_FOUND));
      expect((await statusOf(opened)).code).toBe(code);
    }
  });

  test("that does not decode ends the call with INTERNAL", async () => {
    const opened = await proven();
    opened.call.onReceiveMessage(Buffer.from("<"));
    expect(await statusOf(opened)).toMatchObject({
      code: INTERNAL,
      details: "Response message parsing error: no text",
    });
    const thrown = {
      ...methodOf("say"),
      responseDeserialize: () => {
        throw "no error at all";
      },
    };
    const other = await proven({ method: thrown });
    other.call.onReceiveMessage(Buffer.from("<a>"));
    expect((await statusOf(other)).details).toBe("Response message parsing error: no error at all");
  });
});

test("a request that does not encode cancels the call", () => {
  for (const [thrown, text] of [
    [new Error("broken"), "broken"],
    ["no error at all", "no error at all"],
  ]) {
    const requestSerialize = () => {
      throw thrown;
    };
    const { call, wire } = openCall({ method: { ...methodOf("say"), requestSerialize } });
    call.sendMessage("hello");
    expect(wire).toEqual([
      ["cancel", { code: INTERNAL, details: `Request message serialization failure: ${text}` }],
    ]);
  }
});

describe("a call that ends before it starts", () => {
  /** A source whose ticket comes when the test says so. */
  function slowSource() {
    const waiting: ((found: ServiceProof) => void)[] = [];
    const tickets: TicketSource = {
      serviceProof: () => new Promise((resolve) => void waiting.push(resolve)),
    };
    const arrive = async () => waiting[0]!(await ticketSource().serviceProof(SERVICE));
    return { tickets, arrive };
  }

  test("while it waits for its ticket tells the application, not at once, and never starts", async () => {
    const { tickets, arrive } = slowSource();
    const opened = openCall({ tickets });
    opened.call.sendMessage("hello");
    const ended = status(DEADLINE_EXCEEDED, "too late");
    opened.watchers[0]!(ended);
    expect(opened.application).toEqual([]);
    expect(await statusOf(opened)).toBe(ended);
    await arrive();
    await settled();
    expect(opened.wire).toEqual([]);
  });

  test("while it waits for its request does so too", async () => {
    const opened = openCall();
    await settled();
    const ended = status(CANCELLED, "by the parent");
    opened.watchers[0]!(ended);
    expect(await statusOf(opened)).toBe(ended);
    opened.call.sendMessage("hello");
    expect(opened.wire).toEqual([]);
  });

  test("and one that has started hears of it by its listener alone", async () => {
    const opened = await underWay();
    const ended = status(CANCELLED, "enough");
    opened.call.cancelWithStatus(CANCELLED, "enough");
    opened.watchers[0]!(ended);
    await settled();
    expect(opened.application).toEqual([]);
    opened.call.onReceiveStatus(ended);
    opened.watchers[0]!(ended);
    expect(await statusOf(opened)).toBe(ended);
  });

  test("by the application is cancelled below, which tells of it", () => {
    const { call, wire } = openCall();
    call.cancelWithStatus(CANCELLED, "enough");
    expect(wire).toEqual([["cancel", { code: CANCELLED, details: "enough" }]]);
  });
});

describe("a call without a ticket", () => {
  test.each<[string, TicketSource, Partial<grpc.StatusObject>]>([
    [
      "that the KDC refuses",
      {
        serviceProof: () => Promise.reject(new KrbError("KDC_ERR_S_PRINCIPAL_UNKNOWN", "no such service")),
      },
      { code: NOT_FOUND, details: "no such service" },
    ],
    [
      "whose source throws",
      {
        serviceProof: () => {
          throw new RpcError(grpc.status.UNAVAILABLE, "no KDC");
        },
      },
      { code: grpc.status.UNAVAILABLE, details: "no KDC" },
    ],
  ])("%s ends with that, on both sides", async (_, tickets, expected) => {
    const opened = openCall({ tickets });
    opened.call.sendMessage("hello");
    expect(await statusOf(opened)).toMatchObject(expected);
    expect(opened.wire).toEqual([["cancel", expected]]);
  });

  test("asks for the service's by the name it was given", async () => {
    const serviceProof = vi.fn(ticketSource().serviceProof);
    openCall({ tickets: { serviceProof } });
    await settled();
    expect(serviceProof.mock.calls).toEqual([[SERVICE]]);
  });

  test("is not asked for where the channel may not carry it", async () => {
    const serviceProof = vi.fn(ticketSource().serviceProof);
    const opened = openCall({ tickets: { serviceProof }, target: "dns:api.example.test:443" });
    expect((await statusOf(opened)).code).toBe(FAILED_PRECONDITION);
    expect(serviceProof).not.toHaveBeenCalled();
    expect(names(opened.wire)).toEqual(["cancel"]);
  });

  test("goes out where that is insisted on, or the channel is encrypted", async () => {
    for (const wish of [{ allowInsecureChannel: true }, { secure: true }]) {
      const opened = openCall({ target: "dns:api.example.test:443", method: methodOf("join"), ...wish });
      await settled();
      expect(names(opened.wire)).toEqual(["start"]);
    }
  });

  test("on a channel that is not grpc-js's own ends with INTERNAL", async () => {
    const opened = openCall({ started: false });
    Object.assign(opened.below, { call: undefined });
    opened.call.start(opened.metadata, opened.listener);
    expect(await statusOf(opened)).toMatchObject({
      code: INTERNAL,
      details: "ticketInterceptor works on grpc-js's own channels only",
    });
  });
});

describe("a ticket that the service refuses", () => {
  const refusal = toStatus(new KrbError("KRB_AP_ERR_BADKEYVER", "another key"));

  test("is forgotten before the application hears of it, once for the call", async () => {
    const forgetting: (() => void)[] = [];
    const credentials = ticketFor();
    const forgetTicket = vi.fn(() => new Promise<void>((resolve) => void forgetting.push(resolve)));
    const opened = await underWay({ tickets: { ...ticketSource(credentials), forgetTicket } });
    opened.call.onReceiveStatus(refusal);
    await settled();
    expect(opened.application).toEqual([]);
    opened.call.onReceiveStatus(refusal);
    forgetting[0]!();
    expect(await statusOf(opened)).toBe(refusal);
    expect(forgetTicket.mock.calls).toEqual([[credentials]]);
  });

  test("is the application's to hear of, whatever becomes of the cache", async () => {
    const failing: TicketSource["forgetTicket"][] = [
      undefined,
      () => Promise.reject(new Error("disk full")),
      () => {
        throw new Error("disk full");
      },
    ];
    for (const forgetTicket of failing) {
      const tickets = { ...ticketSource(), ...(forgetTicket && { forgetTicket }) };
      const opened = await underWay({ tickets });
      opened.call.onReceiveStatus(refusal);
      expect(await statusOf(opened)).toBe(refusal);
    }
  });

  test("is not forgotten for another reason, nor at the end of a good call", async () => {
    const forgetTicket = vi.fn(async () => {});
    const tickets = { ...ticketSource(), forgetTicket };
    const refused = await underWay({ tickets });
    refused.call.onReceiveStatus(toStatus(new KrbError("KRB_AP_ERR_REPEAT", "used before")));
    await statusOf(refused);
    const good = await proven({ tickets });
    good.call.onReceiveMessage(Buffer.from("<a>"));
    // An OK with a refusal in its trailers is an OK.
    good.call.onReceiveStatus({ ...refusal, code: grpc.status.OK });
    await statusOf(good);
    expect(forgetTicket).not.toHaveBeenCalled();
  });
});

test("a call that is over passes nothing on, in either direction, and tells no second status", async () => {
  for (const end of [status(NOT_FOUND, "gone"), OK]) {
    const opened = await proven();
    const { call, wire, application, service } = opened;
    call.onReceiveStatus(end);
    await settled();
    const passed = [names(wire), names(application)];
    call.sendMessage("a");
    call.halfClose();
    call.startRead();
    call.onReceiveMetadata(service.headers);
    call.onReceiveMessage(Buffer.from("<a>"));
    call.onReceiveMessage(null);
    call.onReceiveStatus(OK);
    call.onReceiveStatus(status(NOT_FOUND));
    await settled();
    expect([names(wire), names(application)]).toEqual(passed);
    expect(await statusOf(opened)).toBe(end);
  }
});

test("an application that throws when it is told of the headers ends its call", async () => {
  const opened = await underWay();
  opened.listener.onReceiveMetadata = () => {
    throw new Error("the application's own");
  };
  opened.call.onReceiveMetadata(opened.service.headers);
  expect(await statusOf(opened)).toMatchObject({ code: INTERNAL, details: "internal error" });
});

describe("the call's keys are wiped", () => {
  const watch = () => {
    const wiped = vi.spyOn(Key.prototype, "wipe");
    return () => wiped.mock.contexts.map((key) => (key as Key).exportBytes().every((byte) => byte === 0));
  };
  type Way = Awaited<ReturnType<typeof underWay>>;

  test.each<[string, (opened: Way) => void]>([
    ["is refused", ({ call }) => call.onReceiveStatus(status(NOT_FOUND))],
    [
      "has a ticket that is refused",
      ({ call }) => call.onReceiveStatus(toStatus(new KrbError("KRB_AP_ERR_NOKEY", ""))),
    ],
    [
      "is answered by a service that does not prove itself",
      ({ call }) => call.onReceiveMetadata(new grpc.Metadata()),
    ],
  ])("when it %s: the client's", async (_, end) => {
    const opened = await underWay({ protection: "integrity" });
    const wiped = watch();
    end(opened);
    expect(wiped()).toEqual([true]);
  });

  test.each<[string, (opened: Way) => void]>([
    ["ends well", ({ call }) => call.onReceiveStatus(OK)],
    ["is answered by a forged message", ({ call }) => call.onReceiveMessage(Buffer.from("<a>"))],
  ])("when it %s: the client's and the service's", async (_, end) => {
    const opened = await proven({ protection: "integrity" });
    const wiped = watch();
    expect(wiped()).toEqual([]);
    end(opened);
    expect(wiped()).toEqual([true, true]);
  });

  test.each([
    { what: "the client's subkey alone, where it asked for a session", sessions: true, keys: [true] },
    { what: "none, where there is none", sessions: false, keys: [] },
  ])("and not the ticket's session key: $what", async ({ sessions, keys }) => {
    const credentials = ticketFor();
    const opened = await proven({ sessions, tickets: ticketSource(credentials) });
    const wiped = watch();
    opened.call.onReceiveMessage(Buffer.from("<a>"));
    opened.call.onReceiveStatus(OK);
    expect(wiped()).toEqual(keys);
    expect(credentials.key.exportBytes()).not.toEqual(new Uint8Array(32));
  });
});
