/**
 * What becomes of a status that the service has not proved, by its code, its reason and who ended the call.
 */
import { once } from "node:events";
import { constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import {
  isMoreRequired,
  type OwnEnds,
  passesUnproven,
  unproven,
} from "../../../src/client/guard/unproven-status.js";
import { KrbError, type KrbErrorName } from "../../../src/protocol/krb-error.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";

const { CANCELLED, DEADLINE_EXCEEDED, INTERNAL, NOT_FOUND, OK } = grpc.status;
const { RESOURCE_EXHAUSTED, UNAUTHENTICATED, UNAVAILABLE } = grpc.status;
const NOBODY: OwnEnds = { own: undefined, parent: undefined, deadline: undefined };

function passes(
  code: grpc.status,
  {
    reason,
    ends = NOBODY,
    bySecurity = false,
  }: { reason?: KrbErrorName; ends?: OwnEnds; bySecurity?: boolean } = {},
): boolean {
  const refusal = reason === undefined ? new RpcError(code, "gone") : new KrbError(reason, "gone");
  const status = { code, details: "gone", metadata: new grpc.Metadata() };
  return passesUnproven(status, refusal, { passesUnproven: () => bySecurity }, ends);
}

test("an OK passes never", () => {
  expect(passes(OK, { bySecurity: true, ends: { ...NOBODY, own: { code: OK, details: "gone" } } })).toBe(
    false,
  );
});

test("UNAVAILABLE passes, and so does the wish for more than a proof", () => {
  expect(passes(UNAVAILABLE)).toBe(true);
  expect(passes(UNAUTHENTICATED, { reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" })).toBe(true);
});

test.each(
  Object.values(grpc.status).filter(
    (code): code is grpc.status => typeof code === "number" && code !== UNAVAILABLE,
  ),
)("any other passes where the call's security lets it, and only there: %i", (code) => {
  expect(passes(code)).toBe(false);
  expect(passes(code, { bySecurity: true })).toBe(code !== OK);
});

test("what its security is asked is the refusal, if there is one", () => {
  const asked: (string | undefined)[] = [];
  const security = {
    passesUnproven: (refusal: KrbError | undefined) => {
      asked.push(refusal?.reason);
      return false;
    },
  };
  const status = { code: NOT_FOUND, details: "gone", metadata: new grpc.Metadata() };
  passesUnproven(status, new KrbError("KRB_AP_ERR_REPEAT", "gone"), security, NOBODY);
  passesUnproven(status, new RpcError(NOT_FOUND, "gone"), security, NOBODY);
  expect(asked).toEqual(["KRB_AP_ERR_REPEAT", undefined]);
});

describe("what the client itself has ended the call with stands:", () => {
  const now = Date.now();
  const parent = { cancelled: true } as unknown as grpc.CallOptions["parent"];
  const running = { cancelled: false } as unknown as grpc.CallOptions["parent"];
  test.each<{ what: string; code: grpc.status; ends: Partial<OwnEnds>; stands: boolean }>([
    {
      what: "its own status",
      code: CANCELLED,
      ends: { own: { code: CANCELLED, details: "gone" } },
      stands: true,
    },
    { what: "another text", code: CANCELLED, ends: { own: { code: CANCELLED, details: "" } }, stands: false },
    {
      what: "another code",
      code: NOT_FOUND,
      ends: { own: { code: CANCELLED, details: "gone" } },
      stands: false,
    },
    { what: "its parent's end", code: CANCELLED, ends: { parent }, stands: true },
    { what: "another code, of a parent that ended", code: NOT_FOUND, ends: { parent }, stands: false },
    { what: "a parent that goes on", code: CANCELLED, ends: { parent: running }, stands: false },
    {
      what: "what its credentials failed with",
      code: UNAUTHENTICATED,
      ends: { credentialsError: "one" },
      stands: true,
    },
    {
      what: "an empty failure of its credentials",
      code: UNAUTHENTICATED,
      ends: { credentialsError: "" },
      stands: false,
    },
    {
      what: "another failure than that of its credentials",
      code: UNAUTHENTICATED,
      ends: { credentialsError: "two" },
      stands: false,
    },
    { what: "a deadline that has passed", code: DEADLINE_EXCEEDED, ends: { deadline: now }, stands: true },
    { what: "the same as a Date", code: DEADLINE_EXCEEDED, ends: { deadline: new Date(now) }, stands: true },
    { what: "another code, when it has passed", code: NOT_FOUND, ends: { deadline: now }, stands: false },
    { what: "a deadline to come", code: DEADLINE_EXCEEDED, ends: { deadline: now + 60_000 }, stands: false },
    {
      what: "no deadline",
      code: DEADLINE_EXCEEDED,
      ends: { deadline: Number.POSITIVE_INFINITY },
      stands: false,
    },
  ])("$what: $stands", ({ code, ends, stands }) => {
    expect(passes(code, { ends: { ...NOBODY, ...ends } })).toBe(stands);
  });
});

describe("the refusal of an unproven status", () => {
  const of = (code: number, details: string) =>
    unproven({ code, details, metadata: new grpc.Metadata() }, undefined);

  test("says what it claims, and that it may be another's", () => {
    expect(of(NOT_FOUND, "no such line")).toMatchObject({
      reason: "KRB_AP_ERR_MUT_FAIL",
      message:
        "the service did not prove its answer, and the call may have run; unproven: NOT_FOUND: no such line",
      details: { unproven_code: "5", unproven_text: "no such line" },
    });
  });

  test("names a code that is none by its number", () => {
    expect(of(99, "x")).toMatchObject({
      message: "the service did not prove its answer, and the call may have run; unproven: status 99: x",
      details: { unproven_code: "99", unproven_text: "x" },
    });
    expect(of(Number.NaN, "x")).toMatchObject({ details: { unproven_code: "NaN" } });
  });

  test("of a server without room for the call is UNAVAILABLE, with how long to wait", () => {
    const busy = { code: RESOURCE_EXHAUSTED, details: "too many calls", metadata: new grpc.Metadata() };
    const claim = new RpcError(RESOURCE_EXHAUSTED, "too many calls", { retryAfterMs: 1500 });
    expect(unproven(busy, claim)).toMatchObject({
      code: UNAVAILABLE,
      details: "the service is busy, and the call may have run; unproven: RESOURCE_EXHAUSTED: too many calls",
      retryAfterMs: 1500,
    });
    // What says nothing of waiting is something else: a message that is too long.
    expect(unproven(busy, new RpcError(RESOURCE_EXHAUSTED, "too many calls"))).toMatchObject({
      reason: "KRB_AP_ERR_MUT_FAIL",
    });
    expect(unproven({ ...busy, code: INTERNAL }, claim)).toMatchObject({ reason: "KRB_AP_ERR_MUT_FAIL" });
  });

  test("of a call that was broken off is UNAVAILABLE: the service did not say no", () => {
    const refusal = of(CANCELLED, "Call cancelled");
    expect(refusal).toBeInstanceOf(RpcError);
    expect(refusal).toMatchObject({
      code: UNAVAILABLE,
      message:
        "the call was broken off without an answer, and may have run; unproven: CANCELLED: Call cancelled",
    });
  });

  test("of a call that was reset in place of a status is UNAVAILABLE, as grpc-js tells of it", async () => {
    const server = createServer().on("stream", (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.once("data", () => stream.close(constants.NGHTTP2_NO_ERROR));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    const bytes = (value: Buffer) => value;
    const status = await new Promise<grpc.ServiceError | null>((resolve) => {
      client.makeUnaryRequest("/a.B/C", bytes, bytes, Buffer.from("request"), resolve);
    });
    client.close();
    server.close();
    expect(status).toMatchObject({ code: INTERNAL });
    expect(of(INTERNAL, status!.details)).toMatchObject({
      code: UNAVAILABLE,
      message:
        "the call was broken off without an answer, and may have run; unproven: INTERNAL: " +
        "Received RST_STREAM with code 0 (Call ended without gRPC status)",
    });
    // What a handler threw is something else.
    expect(of(INTERNAL, "I Received RST_STREAM with code 0")).toMatchObject({
      reason: "KRB_AP_ERR_MUT_FAIL",
    });
  });

  test("of an OK claims nothing", () => {
    expect(of(OK, "")).toMatchObject({
      reason: "KRB_AP_ERR_MUT_FAIL",
      message: "the service could not prove itself; do not trust its answer",
      details: {},
    });
  });
});

test("more is required by one refusal alone", () => {
  expect(isMoreRequired(new KrbError("KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", "more"))).toBe(true);
  expect(isMoreRequired(new KrbError("KDC_ERR_PREAUTH_REQUIRED", "a ticket"))).toBe(false);
  expect(isMoreRequired(new RpcError(UNAUTHENTICATED, "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED"))).toBe(false);
});
