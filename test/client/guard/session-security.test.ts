/**
 * A call under a session: a proof with a number of its own for each attempt, and the service's of its answer.
 */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import type { CallSecurity } from "../../../src/client/guard/security.js";
import { SessionSecurity } from "../../../src/client/guard/session-security.js";
import { ClientSession } from "../../../src/client/guard/sessions.js";
import { sha256 } from "../../../src/crypto/hash.js";
import { isProtected, PROTECTIONS, type Protection } from "../../../src/protocol/call-binding.js";
import { Key } from "../../../src/protocol/keys.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { REQUESTS, RESPONSES } from "../../../src/protocol/message-keys.js";
import { MessageOpener, MessageProtector } from "../../../src/protocol/message-protection.js";
import { readSessionCall, verifySessionCall } from "../../../src/protocol/session-call.js";
import { MacKey } from "../../../src/protocol/session-keys.js";
import { makeSessionReply } from "../../../src/protocol/session-reply.js";
import { AP_REP_METADATA, CALL_METADATA, REPLY_METADATA } from "../../../src/rpc/metadata-names.js";
import { refusalOf } from "../../protocol/refusal.js";
import { type HandMadeMethod, HOST, methodOf, sessionKeys, ticketFor } from "./by-hand.js";

const KINDS = ["say", "list", "join", "talk"] as const;
const rows = KINDS.flatMap((kind) => PROTECTIONS.map((protection) => ({ kind, protection })));
const id = Uint8Array.from({ length: 16 }, (_, at) => at);
const GRANTED = 1_000_000;

/** A session, and a call under it. */
function open({
  method = methodOf("say"),
  protection = "authenticate",
  used = 0,
  uptime = () => GRANTED,
}: {
  readonly method?: HandMadeMethod;
  readonly protection?: Protection;
  /** How many numbers of the session were used. */
  readonly used?: number;
  readonly uptime?: () => number;
} = {}) {
  const keys = sessionKeys();
  const session = new ClientSession({ id, life: 3600 }, keys, ticketFor(), GRANTED, used);
  const secure = () => {
    const security = new SessionSecurity(session, protection, method, uptime);
    const request = method.requestStream ? undefined : security.protect(Buffer.from("<hello>"));
    security.bind({
      method: method.path,
      authority: HOST,
      protection,
      requestSha256: request && sha256(request),
    });
    return { security, request };
  };
  const { security, request: own } = secure();
  /** What the service reads of an attempt, once it has checked it. */
  const read = (attempt: grpc.Metadata, request = own) => {
    expect(Object.keys(attempt.getMap())).toEqual([CALL_METADATA]);
    const received = readSessionCall(attempt.get(CALL_METADATA)[0] as Buffer);
    const { path, requestStream, responseStream } = method;
    const requestSha256 = request && sha256(request);
    verifySessionCall(keys.call, received, {
      method: path,
      authorities: [HOST],
      requestSha256,
      requestStream,
      responseStream,
    });
    return received;
  };
  const openerOf = (call: number) =>
    new MessageOpener(REQUESTS, { checksums: keys.clientMessages, seal: keys.clientSeal, call }, protection);
  const protectorOf = (call: number) => {
    const ofService = { checksums: keys.serviceMessages, seal: keys.serviceSeal, call };
    return new MessageProtector(RESPONSES, ofService, protection);
  };
  /** A status that the service has proved. */
  const proven = (number: number, covered: object = {}) => {
    const answer = {
      ...{ session: id, number, code: 0, message: "", details: new Uint8Array(), responses: 0 },
      responseSha256: new Uint8Array(),
      ...covered,
    };
    const metadata = new grpc.Metadata();
    metadata.set(REPLY_METADATA, Buffer.from(makeSessionReply(keys.reply, answer)));
    return { code: answer.code, details: answer.message, metadata };
  };
  return { session, security, secure, request: own, keys, read, openerOf, protectorOf, proven };
}

describe.each(rows)("$kind at $protection", ({ kind, protection }) => {
  const method = methodOf(kind);
  const { requestStream, responseStream } = method;

  test("protects requests where they are to be, from number 1 on, under the call's number", () => {
    const { security, request, openerOf } = open({ method, protection, used: 6 });
    const sent = request ?? security.protect(Buffer.from("<hello>"));
    expect(Buffer.isBuffer(sent)).toBe(true);
    const end = security.endMarker();
    if (!isProtected(protection, requestStream)) {
      expect(sent).toEqual(Buffer.from("<hello>"));
      return expect(end).toBeUndefined();
    }
    expect(refusalOf(() => openerOf(6).open(sent)).reason).toBe("KRB_AP_ERR_MODIFIED");
    const opener = openerOf(7);
    expect(Buffer.from(opener.open(sent).message!).toString()).toBe("<hello>");
    if (!requestStream) return expect(end).toBeUndefined();
    expect(Buffer.isBuffer(end)).toBe(true);
    expect(opener.open(end!).kind).toBe("end");
  });

  test("opens responses made for any of its attempts, and then for that one alone", () => {
    for (const answered of [1, 2, 3]) {
      const { security, protectorOf } = open({ method, protection });
      for (let made = 0; made < 3; made++) security.attempt();
      const plain = Buffer.from("<a>");
      if (!isProtected(protection, responseStream)) {
        expect(security.open(plain)).toEqual({ kind: "message", message: plain });
        expect(security.checkEnded()).toBeUndefined();
        continue;
      }
      const protector = protectorOf(answered);
      const opened = security.open(Buffer.from(protector.protect(plain)));
      expect(Buffer.from(opened.message!).toString()).toBe("<a>");
      if (!responseStream) {
        expect(security.checkEnded()).toBeUndefined();
        continue;
      }
      expect(refusalOf(() => security.checkEnded()).reason).toBe("KRB_AP_ERR_MODIFIED");
      expect(security.open(Buffer.from(protector.end())).kind).toBe("end");
      expect(security.checkEnded()).toBeUndefined();
      const another = protectorOf(answered === 1 ? 2 : 1);
      expect(() => security.open(Buffer.from(another.protect(plain)))).toThrow();
    }
  });

  test("opens no response made for another call", () => {
    const { security, protectorOf } = open({ method, protection, used: 3 });
    security.attempt();
    security.attempt();
    if (!isProtected(protection, responseStream)) return;
    for (const other of [3, 6]) {
      const foreign = Buffer.from(protectorOf(other).protect(Buffer.from("<a>")));
      expect(refusalOf(() => security.open(foreign))).toMatchObject({
        reason: "KRB_AP_ERR_MODIFIED",
        details: { field: "response" },
      });
    }
  });

  test("finds a stream of responses cut short where none came", () => {
    const { security } = open({ method, protection });
    security.attempt();
    if (!responseStream || protection === "call") return expect(security.checkEnded()).toBeUndefined();
    expect(refusalOf(() => security.checkEnded())).toMatchObject({
      reason: "KRB_AP_ERR_MODIFIED",
      message: "the response stream was cut short: its end marker is missing",
    });
  });

  test("leaves the session's keys as they are", () => {
    const wiped = [vi.spyOn(Key.prototype, "wipe"), vi.spyOn(MacKey.prototype, "wipe")];
    open({ method, protection }).security.wipe();
    for (const spy of wiped) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });
});

test.each(PROTECTIONS)(
  "an attempt at %s has a number of its own, and that of the call's first",
  (protection) => {
    const { session, security, secure, read } = open({ protection, used: 6 });
    const other = secure();
    const first = read(security.attempt());
    expect(first).toMatchObject({ number: 7, call: 7, protection, age: 0 });
    expect(Uint8Array.from(first.session)).toEqual(id);
    expect(read(security.attempt())).toMatchObject({ number: 9, call: 7 });
    expect(read(other.security.attempt(), other.request)).toMatchObject({ number: 8, call: 8 });
    expect(read(security.attempt())).toMatchObject({ number: 10, call: 7 });
    expect(session.takeNumber()).toBe(11);
  },
);

test("the MAC is the attempt's alone", () => {
  const { security, read } = open();
  const [one, two] = [read(security.attempt()), read(security.attempt())];
  expect(Buffer.from(one.mac).equals(Buffer.from(two.mac))).toBe(false);
});

test("an attempt says how many whole seconds the session is old, by the clock that is never set", () => {
  let now = GRANTED;
  const { security, read } = open({ uptime: () => now });
  for (const [ms, age] of [
    [999, 0],
    [1000, 1],
    [61_999, 61],
  ] as const) {
    now = GRANTED + ms;
    expect(read(security.attempt()).age).toBe(age);
  }
});

test("an attempt of a call that is not bound yet is none", () => {
  const { session } = open();
  const early = new SessionSecurity(session, "authenticate", methodOf("say"), () => GRANTED);
  expect(() => early.attempt()).toThrow(new TypeError("attempt: expected the call to be bound first"));
  expect(early.repeated).toBeUndefined();
});

test("the highest number is 2^53 - 1: no attempt has a higher one", () => {
  const { security, read } = open({ used: Number.MAX_SAFE_INTEGER - 1 });
  expect(read(security.attempt()).number).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => security.attempt()).toThrow("the session has no number left for this call; try again");
});

test("a repeat names the latest attempt", () => {
  const { security } = open({ used: 6 });
  security.attempt();
  expect(security.repeated).toEqual({ session: id, number: 7 });
  security.attempt();
  expect(security.repeated).toEqual({ session: id, number: 8 });
});

describe("a status is proven", () => {
  test("by a proof for one of the attempts, which is taken out of it", () => {
    const { security, proven } = open();
    for (let made = 0; made < 3; made++) security.attempt();
    for (const number of [1, 2, 3]) {
      const status = proven(number);
      expect(security.isProven(status)).toBe(true);
      expect(status.metadata.get(REPLY_METADATA)).toEqual([]);
    }
    for (const number of [0, 4]) expect(security.isProven(proven(number))).toBe(false);
  });

  test("for sixteen attempts, and no more", () => {
    const { security, proven } = open();
    for (let made = 0; made < 17; made++) security.attempt();
    expect(security.isProven(proven(1))).toBe(false);
    for (let number = 2; number <= 17; number++) expect(security.isProven(proven(number))).toBe(true);
  });

  test("with the single response as it travelled, or the number of a stream's", () => {
    const single = open({ protection: "integrity" });
    single.security.attempt();
    const travelled = Buffer.from(single.protectorOf(1).protect(Buffer.from("<a>")));
    single.security.open(travelled);
    expect(single.security.isProven(single.proven(1))).toBe(false);
    expect(single.security.isProven(single.proven(1, { responseSha256: sha256(travelled) }))).toBe(true);
    const stream = open({ method: methodOf("list") });
    stream.security.attempt();
    const protector = stream.protectorOf(1);
    for (const message of [protector.protect(Buffer.from("<a>")), protector.protect(Buffer.from("<b>"))])
      stream.security.open(Buffer.from(message));
    // The end marker does not count.
    stream.security.open(Buffer.from(protector.end()));
    expect(stream.security.isProven(stream.proven(1, { responses: 2 }))).toBe(true);
    for (const responses of [0, 1, 3])
      expect(stream.security.isProven(stream.proven(1, { responses }))).toBe(false);
  });

  test("by nothing else, whatever it says", () => {
    const security: CallSecurity = open().security;
    security.attempt();
    for (const reason of ["KRB_AP_ERR_REPEAT", "KRB_AP_ERR_TKT_EXPIRED"] as const)
      expect(security.passesUnproven(new KrbError(reason, "refused"))).toBe(false);
    expect(security.passesUnproven(undefined)).toBe(false);
  });
});

test("the initial metadata proves nothing, and an AP-REP in it is taken out", () => {
  const { security } = open();
  const metadata = new grpc.Metadata();
  metadata.set("x-theirs", "y");
  metadata.set(AP_REP_METADATA, Buffer.from("x"));
  security.begin(metadata);
  expect(metadata.getMap()).toEqual({ "x-theirs": "y" });
  expect(security.provesEnd).toBe(true);
});
