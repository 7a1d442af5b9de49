/**
 * A call with an AP exchange of its own: an AP-REQ for each attempt, and the AP-REP that answers one of them.
 */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import { ExchangeSecurity, type ExchangeWish } from "../../../src/client/guard/exchange-security.js";
import type { ClientSession } from "../../../src/client/guard/sessions.js";
import { sha256 } from "../../../src/crypto/hash.js";
import { apReqTag, isProtected, needsSubkeys, PROTECTIONS } from "../../../src/protocol/call-binding.js";
import { Key } from "../../../src/protocol/keys.js";
import { KrbError, type KrbErrorName } from "../../../src/protocol/krb-error.js";
import { readSessionExtensions } from "../../../src/protocol/session-extensions.js";
import { makeSessionReply } from "../../../src/protocol/session-reply.js";
import { AP_REP_METADATA, AP_REQ_METADATA, REPLY_METADATA } from "../../../src/rpc/metadata-names.js";
import { refusalOf } from "../../protocol/refusal.js";
import { type AnswerWish, answer, type HandMadeMethod, HOST, methodOf, NOW, ticketFor } from "./by-hand.js";

const KINDS = ["say", "list", "join", "talk"] as const;
const rows = KINDS.flatMap((kind) => PROTECTIONS.map((protection) => ({ kind, protection })));
const MUTUAL_FAILURE = {
  reason: "KRB_AP_ERR_MUT_FAIL",
  message: "the service could not prove itself; do not trust its answer",
};
const grant = { id: Uint8Array.from({ length: 16 }, (_, at) => at), life: 3600 };
const UPTIME = 1_000_000;

/** A beginning that writes down what it is told. */
function beginningOf() {
  const told: (ClientSession | undefined)[] = [];
  const declined: boolean[] = [];
  return {
    told,
    declined,
    isOver: false,
    settle: (session: ClientSession | undefined) => void told.push(session),
    decline: () => {
      declined.push(true);
      told.push(undefined);
    },
  };
}

type Wish = Partial<Omit<ExchangeWish, "ticket" | "shape">> & {
  readonly method?: HandMadeMethod;
  readonly clock?: () => number;
};

/** A security that is bound to its call, and the service's end of its attempts. */
function open({ method = methodOf("say"), clock = () => NOW, ...rest }: Wish = {}) {
  const wish = { protection: "authenticate" as const, beginning: undefined, uptime: () => UPTIME, ...rest };
  const credentials = ticketFor();
  const security = new ExchangeSecurity({ ticket: { credentials, clock }, shape: method, ...wish });
  const request = method.requestStream ? undefined : security.protect(Buffer.from("<hello>"));
  const { protection } = wish;
  security.bind({
    method: method.path,
    authority: HOST,
    protection,
    requestSha256: request && sha256(request),
  });
  const answered = (attempt: grpc.Metadata, more: AnswerWish = {}) =>
    answer(attempt, method, request, { protection, ...more });
  return { security, credentials, request, answered };
}

function status(code = grpc.status.OK, details = "", metadata = new grpc.Metadata()): grpc.StatusObject {
  return { code, details, metadata };
}

describe.each(rows)("$kind at $protection", ({ kind, protection }) => {
  const method = methodOf(kind);
  const { requestStream, responseStream } = method;
  const agreed = needsSubkeys(protection, method);

  test("has a fresh subkey of the session key's type where a direction is protected", () => {
    const verified = () => {
      const { security, answered, credentials } = open({ method, protection });
      return { ...answered(security.attempt()).verified, key: credentials.key };
    };
    const { subkey, authenticator, key } = verified();
    if (!agreed) {
      expect(subkey).toBeUndefined();
      return expect(authenticator.seqNumber).toBe(0);
    }
    expect(subkey!.etype).toBe(key.etype);
    expect(subkey!.exportBytes()).not.toEqual(verified().subkey!.exportBytes());
    expect(authenticator.seqNumber).toBeGreaterThan(0);
  });

  test("protects requests where they are to be, from the number that was announced", () => {
    const { security, answered, request } = open({ method, protection });
    const { opener } = answered(security.attempt());
    const sent = request ?? security.protect(Buffer.from("<hello>"));
    expect(Buffer.isBuffer(sent)).toBe(true);
    const end = security.endMarker();
    if (!isProtected(protection, requestStream)) {
      expect(opener).toBeUndefined();
      expect(sent).toEqual(Buffer.from("<hello>"));
      return expect(end).toBeUndefined();
    }
    expect(Buffer.from(opener!.open(sent).message!).toString()).toBe("<hello>");
    if (!requestStream) return expect(end).toBeUndefined();
    expect(Buffer.isBuffer(end)).toBe(true);
    expect(opener!.open(end!).kind).toBe("end");
  });

  test("opens responses by the service's subkey, and none before it has proved itself", () => {
    const { security, answered } = open({ method, protection });
    const { headers, protector } = answered(security.attempt());
    const plain = Buffer.from("<a>");
    expect(refusalOf(() => security.open(plain))).toMatchObject(MUTUAL_FAILURE);
    security.begin(headers);
    expect(security.provesEnd).toBe(false);
    if (!isProtected(protection, responseStream)) {
      expect(security.open(plain)).toEqual({ kind: "message", message: plain });
      return expect(security.checkEnded()).toBeUndefined();
    }
    const opened = security.open(Buffer.from(protector!.protect(plain)));
    expect(Buffer.from(opened.message!).toString()).toBe("<a>");
    if (!responseStream) return expect(security.checkEnded()).toBeUndefined();
    expect(refusalOf(() => security.checkEnded()).reason).toBe("KRB_AP_ERR_MODIFIED");
    expect(security.open(Buffer.from(protector!.end())).kind).toBe("end");
    expect(security.checkEnded()).toBeUndefined();
  });

  test.each([false, true])(
    "wipes its keys, the client's and the service's; a session granted: %s",
    (grants) => {
      const wiped = vi.spyOn(Key.prototype, "wipe");
      const beginning = grants ? beginningOf() : undefined;
      const { security, answered } = open({ method, protection, beginning });
      const { headers } = answered(security.attempt(), grants ? { grant } : {});
      wiped.mockClear();
      security.wipe();
      expect(wiped).toHaveBeenCalledTimes(agreed || grants ? 1 : 0);
      wiped.mockClear();
      if (agreed || grants) {
        const again = open({ method, protection, beginning });
        again.security.begin(again.answered(again.security.attempt(), grants ? { grant } : {}).headers);
        wiped.mockClear();
        again.security.wipe();
        expect(wiped).toHaveBeenCalledTimes(2);
      } else security.begin(headers);
      for (const one of wiped.mock.contexts) expect((one as Key).exportBytes()).toEqual(new Uint8Array(32));
      wiped.mockRestore();
    },
  );
});

describe.each(["authenticate", "integrity"] as const)("an attempt at %s", (protection) => {
  test("is made anew each time, at its time, with the subkey of the call", () => {
    let now = NOW;
    const { security, answered } = open({ protection, clock: () => now++ });
    const [first, second] = [security.attempt(), security.attempt()].map((attempt) => {
      expect(Object.keys(attempt.getMap())).toEqual([AP_REQ_METADATA]);
      return answered(attempt).verified;
    });
    expect(first!.ctime).toBe(NOW);
    expect(second!.ctime).toBe(NOW + 1);
    expect(first!.authenticator.nonce).not.toEqual(second!.authenticator.nonce);
    expect(first!.subkey?.exportBytes()).toEqual(second!.subkey?.exportBytes());
  });

  test("is answered by an AP-REP for any of the call's, which is taken out of the metadata", () => {
    for (const answeredOne of [0, 1, 2]) {
      const { security, answered } = open({ protection });
      const attempts = [security.attempt(), security.attempt(), security.attempt()];
      const { headers } = answered(attempts[answeredOne]!);
      headers.set("x-theirs", "y");
      security.begin(headers);
      expect(headers.getMap()).toEqual({ "x-theirs": "y" });
    }
  });

  test("is not answered by the AP-REP of another call", () => {
    const { security } = open({ protection });
    security.attempt();
    const other = open({ protection });
    const { headers } = other.answered(other.security.attempt());
    expect(refusalOf(() => security.begin(headers))).toMatchObject(MUTUAL_FAILURE);
  });
});

test("an attempt of a call that is not bound yet is none", () => {
  const ticket = { credentials: ticketFor(), clock: () => NOW };
  const shape = methodOf("say");
  const early = new ExchangeSecurity({
    ticket,
    shape,
    protection: "authenticate",
    beginning: undefined,
    uptime: () => UPTIME,
  });
  expect(() => early.attempt()).toThrow(new TypeError("attempt: expected the call to be bound first"));
  expect(early.repeated).toBeUndefined();
});

test("a subkey where none was agreed on, and none where one was, are no proof", () => {
  const agreed = open({ protection: "integrity" });
  const bare = agreed.answered(agreed.security.attempt(), { protection: "authenticate" });
  expect(refusalOf(() => agreed.security.begin(bare.headers))).toMatchObject(MUTUAL_FAILURE);
  const asking = beginningOf();
  for (const wish of [{}, { beginning: asking }]) {
    const without = open(wish);
    const subkeyed = without.answered(without.security.attempt(), { protection: "integrity" });
    expect(refusalOf(() => without.security.begin(subkeyed.headers))).toMatchObject(MUTUAL_FAILURE);
  }
  expect(asking.told).toEqual([]);
});

test("a sequence number where no message is protected is no proof", () => {
  const plain = open();
  const counted = plain.answered(plain.security.attempt(), { seqNumber: 7 });
  expect(refusalOf(() => plain.security.begin(counted.headers))).toMatchObject(MUTUAL_FAILURE);
  const asking = open({ beginning: beginningOf() });
  const granted = asking.answered(asking.security.attempt(), { grant, seqNumber: 7 });
  expect(refusalOf(() => asking.security.begin(granted.headers))).toMatchObject(MUTUAL_FAILURE);
});

describe("no proof of the service is", () => {
  const made = open();
  const { headers } = made.answered(made.security.attempt());
  const [rep] = headers.get(AP_REP_METADATA) as [Buffer];
  const none: [string, readonly Buffer[]][] = [
    ["nothing", []],
    ["two of them", [rep, rep]],
    ["an empty one", [Buffer.alloc(0)]],
    ["garbage", [Buffer.from("x")]],
    ["one with a bit changed", [Buffer.from(rep.map((byte, index) => (index === 20 ? byte ^ 1 : byte)))]],
  ];
  const metadataOf = (values: readonly Buffer[]) => {
    const metadata = new grpc.Metadata();
    for (const value of values) metadata.add(AP_REP_METADATA, value);
    return metadata;
  };

  test.each(none)("%s in the initial metadata", (_, values) => {
    const metadata = metadataOf(values);
    expect(refusalOf(() => made.security.begin(metadata))).toMatchObject(MUTUAL_FAILURE);
    expect(metadata.get(AP_REP_METADATA)).toEqual([]);
  });

  test.each(none)("%s in the trailers", (_, values) => {
    const metadata = metadataOf(values);
    expect(made.security.isProven(status(grpc.status.OK, "", metadata))).toBe(false);
    expect(metadata.get(AP_REP_METADATA)).toEqual([]);
  });

  test("anything before there was an attempt", () => {
    const early = open();
    expect(refusalOf(() => early.security.begin(metadataOf([rep])))).toMatchObject(MUTUAL_FAILURE);
  });

  test("in initial metadata one that is to travel in trailers, and the other way round", () => {
    const trailersOnly = open();
    const wrong = trailersOnly.answered(trailersOnly.security.attempt(), { trailersOnly: true });
    expect(refusalOf(() => trailersOnly.security.begin(wrong.headers))).toMatchObject(MUTUAL_FAILURE);
    const initial = open();
    const { headers } = initial.answered(initial.security.attempt());
    expect(initial.security.isProven(status(grpc.status.OK, "", headers))).toBe(false);
    const right = open();
    const trailers = right.answered(right.security.attempt(), { trailersOnly: true }).headers;
    expect(right.security.isProven(status(grpc.status.NOT_FOUND, "", trailers))).toBe(true);
    expect(trailers.get(AP_REP_METADATA)).toEqual([]);
  });
});

test("an AP-REP in the trailers of a call that has one already is taken out, and changes nothing", () => {
  const { security, answered } = open();
  const attempt = security.attempt();
  security.begin(answered(attempt).headers);
  const late = answered(attempt, { trailersOnly: true }).headers;
  expect(security.isProven(status(grpc.status.OK, "", late))).toBe(true);
  expect(late.getMap()).toEqual({});
});

test("sixteen attempts are waited for, and no more", () => {
  const begin = (answers: number) => {
    const { security, answered } = open();
    const attempts = Array.from({ length: 17 }, () => security.attempt());
    security.begin(answered(attempts[answers]!).headers);
  };
  expect(refusalOf(() => begin(0)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
  for (let index = 1; index < 17; index++) expect(begin(index)).toBeUndefined();
});

test("an error that is not a refusal is thrown as it is: the login ended while the call was under way", () => {
  const { security, answered, credentials } = open();
  const { headers } = answered(security.attempt());
  credentials.key.wipe();
  expect(() => security.begin(headers)).toThrow(/already wiped/);
});

describe("what an authenticator says of sessions", () => {
  const saidIn = (wish: Wish) => {
    const { security, answered } = open(wish);
    const { subkey, authenticator } = answered(security.attempt()).verified;
    return { subkey, said: readSessionExtensions(authenticator.extensions) };
  };

  test("is nothing where nothing is asked", () => {
    expect(saidIn({})).toEqual({ subkey: undefined, said: {} });
  });

  test("is that a session is asked for; then there is a subkey", () => {
    const { subkey, said } = saidIn({ beginning: beginningOf() });
    expect(subkey).toBeInstanceOf(Key);
    expect(said.asksForSession).toBe(true);
  });

  test("is in the first attempt alone what it repeats: a retry of the repeat is none of that attempt", () => {
    const challenge = Uint8Array.from({ length: 48 }, (_, at) => at);
    const repeats = { session: grant.id, number: 7 };
    const { security, answered } = open({ extensions: { challenge, repeats } });
    const said = [security.attempt(), security.attempt(), security.attempt()].map((attempt) =>
      readSessionExtensions(answered(attempt).verified.authenticator.extensions),
    );
    expect(said).toMatchObject([{ challenge, repeats }, { challenge }, { challenge }]);
    expect(said.map(({ repeats: named }) => named === undefined)).toEqual([false, true, true]);
  });

  test("is the challenge, and the attempt that it repeats", () => {
    const challenge = Uint8Array.from({ length: 48 }, (_, at) => at);
    const refused = open();
    const bytes = refused.security.attempt().get(AP_REQ_METADATA)[0] as Buffer;
    const { repeated: repeats } = refused.security;
    expect(repeats).toEqual({ tag: apReqTag(bytes, refused.credentials.server) });
    expect(saidIn({ extensions: { challenge, repeats } }).said).toMatchObject({ challenge, repeats });
    const session = { session: grant.id, number: 7 };
    expect(saidIn({ extensions: { repeats: session } }).said.repeats).toEqual(session);
  });
});

describe("a session that is granted", () => {
  const replied = (
    keys: { reply: Parameters<typeof makeSessionReply>[0] },
    change: object = {},
    more = {},
  ) => {
    const covered = {
      session: grant.id,
      number: 0,
      code: 0,
      message: "",
      details: new Uint8Array(),
      responseSha256: new Uint8Array(),
      responses: 0,
      ...change,
    };
    const metadata = new grpc.Metadata();
    metadata.set(REPLY_METADATA, Buffer.from(makeSessionReply(keys.reply, covered)));
    return { ...status(grpc.status.OK, "", metadata), ...more };
  };

  test("is handed on with its keys, its ticket and the time of the grant", () => {
    const beginning = beginningOf();
    const { security, answered, credentials } = open({ beginning });
    const service = answered(security.attempt(), { grant });
    security.begin(service.headers);
    const [session] = beginning.told;
    expect(session!.id).toEqual(grant.id);
    const marks = (keys: typeof session) =>
      [keys!.keys.call, keys!.keys.reply].map((key) => key.mac(grant.id));
    expect(marks(session)).toEqual([service.keys!.call, service.keys!.reply].map((key) => key.mac(grant.id)));
    expect(session!.age(UPTIME)).toBe(0);
    expect(session!.isGood(credentials, NOW, UPTIME + 3_594_999)).toBe(true);
    expect(session!.isGood(credentials, NOW, UPTIME + 3_595_000)).toBe(false);
  });

  test("has keys of the attempt that was answered", () => {
    const beginning = beginningOf();
    const { security, answered } = open({ beginning });
    const [, second] = [security.attempt(), security.attempt(), security.attempt()];
    const service = answered(second!, { grant });
    security.begin(service.headers);
    expect(beginning.told[0]!.keys.reply.mac(grant.id)).toEqual(service.keys!.reply.mac(grant.id));
  });

  test("proves the call's own status by number 0, and then nothing unproven passes", () => {
    const beginning = beginningOf();
    const { security, answered } = open({ beginning });
    expect(security.provesEnd).toBe(false);
    const service = answered(security.attempt(), { grant });
    security.begin(service.headers);
    expect(security.provesEnd).toBe(true);
    const response = Buffer.from("<a>");
    security.open(response);
    const answer = { responseSha256: sha256(response) };
    expect(security.isProven(replied(service.keys!, answer))).toBe(true);
    for (const wrong of [status(), replied(service.keys!), replied(service.keys!, { ...answer, number: 1 })])
      expect(security.isProven(wrong)).toBe(false);
    expect(security.passesUnproven(new KrbError("KRB_AP_ERR_REPEAT", "came before"))).toBe(false);
  });

  test("proves a Trailers-Only answer too", () => {
    const beginning = beginningOf();
    const { security, answered } = open({ beginning });
    const service = answered(security.attempt(), { grant, trailersOnly: true });
    const proven = replied(service.keys!, { code: 7, message: "no" }, { code: 7, details: "no" });
    for (const value of service.headers.get(AP_REP_METADATA)) proven.metadata.set(AP_REP_METADATA, value);
    expect(security.isProven(proven)).toBe(true);
    expect(proven.metadata.getMap()).toEqual({});
    expect(beginning.told[0]!.id).toEqual(grant.id);
  });

  test("where none was asked for is no proof", () => {
    const { security, answered } = open({ protection: "integrity" });
    const { headers } = answered(security.attempt(), { grant });
    security.begin(headers);
    expect(security.provesEnd).toBe(false);
    const bare = open();
    const wrong = bare.answered(bare.security.attempt(), { grant });
    expect(refusalOf(() => bare.security.begin(wrong.headers))).toMatchObject(MUTUAL_FAILURE);
  });

  test("and is not tells those that wait", () => {
    const beginning = beginningOf();
    const { security, answered } = open({ beginning });
    security.begin(answered(security.attempt()).headers);
    expect(beginning.told).toEqual([undefined]);
    expect(beginning.declined).toEqual([true]);
    expect(security.provesEnd).toBe(false);
    expect(security.isProven(status(grpc.status.NOT_FOUND))).toBe(true);
  });

  test.each([
    { what: "an identifier of 15 bytes", changes: { id: new Uint8Array(15) }, field: "ap_rep.session.id" },
    { what: "an identifier of 17 bytes", changes: { id: new Uint8Array(17) }, field: "ap_rep.session.id" },
    { what: "no life", changes: { life: 0 }, field: "ap_rep.session.life" },
  ])("with $what is refused, wherever it travels", ({ changes, field }) => {
    for (const trailersOnly of [false, true]) {
      const beginning = beginningOf();
      const { security, answered } = open({ beginning });
      const wrong = { ...grant, ...changes };
      const { headers } = answered(security.attempt(), { grant: wrong, trailersOnly });
      const take = () => (trailersOnly ? security.isProven(status(0, "", headers)) : security.begin(headers));
      expect(refusalOf(take)).toMatchObject({ reason: "KRB_ERR_GENERIC", details: { field } });
      expect(beginning.told).toEqual([]);
    }
  });
});

test("before the service proves itself its refusals of the ticket pass; without a session asked for all do", () => {
  const of = (reason: KrbErrorName, details = {}) => new KrbError(reason, "refused", details);
  const ofTicket = [
    of("KRB_AP_ERR_REPEAT"),
    of("KRB_AP_ERR_TKT_EXPIRED"),
    of("KRB_AP_ERR_MODIFIED"),
    of("KRB_ERR_GENERIC"),
    of("KDC_ERR_POLICY", { rule: "extension" }),
    of("KDC_ERR_POLICY", { rule: "authorization-data" }),
  ];
  const others = [
    of("KRB_AP_ERR_MUT_FAIL"),
    of("KDC_ERR_C_PRINCIPAL_UNKNOWN"),
    // The level, and who may call: by then the service proves itself.
    of("KDC_ERR_POLICY", { rule: "protection" }),
    of("KDC_ERR_POLICY"),
    undefined,
  ];
  const asking = open({ beginning: beginningOf() }).security;
  for (const refusal of ofTicket) expect(asking.passesUnproven(refusal)).toBe(true);
  for (const refusal of others) expect(asking.passesUnproven(refusal)).toBe(false);
  const oneShot = open().security;
  for (const refusal of [...ofTicket, ...others]) expect(oneShot.passesUnproven(refusal)).toBe(true);
  const begun = open({ beginning: beginningOf() });
  begun.security.begin(begun.answered(begun.security.attempt()).headers);
  for (const refusal of ofTicket) expect(begun.security.passesUnproven(refusal)).toBe(false);
});
