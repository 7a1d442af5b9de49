import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.js";
import { EtypeInfo2Schema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { KrbError, KrbErrorCode, type KrbErrorName } from "../../src/protocol/krb-error.js";
import { STATUS_DETAILS_METADATA } from "../../src/rpc/metadata-names.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import {
  type CallStatus,
  ERROR_DOMAIN,
  fromServiceError,
  GRPC_CODE,
  hasStatus,
  INTERNAL_TEXT,
  toStatus,
} from "../../src/rpc/status.js";

const names = Object.keys(KrbErrorCode) as KrbErrorName[];

function detailBytes(sent: CallStatus): Uint8Array {
  const bytes = sent.metadata.get(STATUS_DETAILS_METADATA)[0];
  if (!(bytes instanceof Uint8Array)) throw new Error("no details");
  return bytes;
}

/** What grpc-js's client makes of a status. */
function serviceError(sent: CallStatus): Error {
  return Object.assign(new Error(`${sent.code} ${sent.details}`), sent);
}

function errorInfo(sent: CallStatus): MessageShape<typeof ErrorInfoSchema> {
  const details = fromBinary(StatusSchema, detailBytes(sent)).details;
  const info = anyUnpack(details[0]!, ErrorInfoSchema);
  if (info === undefined) throw new Error("no ErrorInfo");
  return info;
}

describe("a refusal on the wire", () => {
  test.each([
    ["KDC_ERR_PREAUTH_REQUIRED", status.UNAUTHENTICATED],
    ["KDC_ERR_PREAUTH_FAILED", status.UNAUTHENTICATED],
    ["KDC_ERR_CLIENT_REVOKED", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_BAD_INTEGRITY", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_MODIFIED", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_BADMATCH", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_TKT_EXPIRED", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_TKT_NYV", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_SKEW", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_REPEAT", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_NOT_US", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_NOKEY", status.UNAUTHENTICATED],
    ["KRB_AP_ERR_BADKEYVER", status.UNAUTHENTICATED],
    ["KDC_ERR_POLICY", status.PERMISSION_DENIED],
    ["KDC_ERR_BADOPTION", status.PERMISSION_DENIED],
    ["KDC_ERR_S_PRINCIPAL_UNKNOWN", status.NOT_FOUND],
    ["KDC_ERR_NEVER_VALID", status.FAILED_PRECONDITION],
    ["KDC_ERR_KEY_EXPIRED", status.FAILED_PRECONDITION],
    ["KDC_ERR_ETYPE_NOSUPP", status.FAILED_PRECONDITION],
    ["KRB_ERR_GENERIC", status.INVALID_ARGUMENT],
    ["KRB_ERR_FIELD_TOOLONG", status.INVALID_ARGUMENT],
    ["KDC_ERR_SVC_UNAVAILABLE", status.UNAVAILABLE],
  ] as const)("%s has gRPC code %i", (reason, code) => {
    expect(toStatus(new KrbError(reason, "text")).code).toBe(code);
  });

  test("only KDC_ERR_SVC_UNAVAILABLE is worth repeating, and none is OK, UNKNOWN or INTERNAL", () => {
    expect(names.filter((name) => GRPC_CODE[name] === status.UNAVAILABLE)).toEqual([
      "KDC_ERR_SVC_UNAVAILABLE",
    ]);
    for (const code of [status.OK, status.UNKNOWN, status.INTERNAL]) {
      expect(names.filter((name) => GRPC_CODE[name] === code)).toEqual([]);
    }
  });

  test("bears the RFC's name, its number and what was compared", () => {
    const sent = toStatus(new KrbError("KRB_AP_ERR_SKEW", "clock skew too great", { offset: "+612 s" }));
    expect(fromBinary(StatusSchema, detailBytes(sent))).toMatchObject({
      code: status.UNAUTHENTICATED,
      message: "clock skew too great",
    });
    expect(errorInfo(sent)).toMatchObject({
      reason: "KRB_AP_ERR_SKEW",
      domain: ERROR_DOMAIN,
      metadata: { number: "37", offset: "+612 s" },
    });
  });

  test.each(names.filter((name) => name !== "KDC_ERR_C_PRINCIPAL_UNKNOWN"))(
    "%s arrives as the same KrbError",
    (reason) => {
      const told = reason === "KDC_ERR_PREAUTH_FAILED" ? {} : { limit: "300 s" };
      const error = fromServiceError(serviceError(toStatus(new KrbError(reason, "refused", told))));
      expect(error).toBeInstanceOf(KrbError);
      expect(error).toMatchObject({ reason, code: KrbErrorCode[reason], details: told });
    },
  );

  test("how a key is made travels beside it", () => {
    const info = create(EtypeInfo2Schema, { entries: [{ salt: "EXAMPLE.TESTalice" }] });
    const sent = toStatus(new KrbError("KDC_ERR_PREAUTH_REQUIRED", "who are you?", {}, info));
    const error = fromServiceError(serviceError(sent)) as KrbError;
    expect(error.reason).toBe("KDC_ERR_PREAUTH_REQUIRED");
    expect(error.etypeInfo).toEqual(info);
  });

  test("an unknown client leaves as the very bytes of a wrong password", () => {
    const unknown = toStatus(
      new KrbError("KDC_ERR_C_PRINCIPAL_UNKNOWN", "no mallory", { client: "mallory" }),
    );
    const wrong = toStatus(new KrbError("KDC_ERR_PREAUTH_FAILED", "bad timestamp", { usage: "1" }));
    expect(Buffer.from(detailBytes(unknown))).toEqual(Buffer.from(detailBytes(wrong)));
    expect([unknown.code, unknown.details]).toEqual([wrong.code, wrong.details]);
    expect(errorInfo(unknown).reason).toBe("KDC_ERR_PREAUTH_FAILED");
    expect(unknown.details).not.toContain("mallory");
  });

  test("stays below 4 KiB in its header, whatever its details", () => {
    const details = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`key${i}`, "ö".repeat(5000)]));
    const sent = toStatus(new KrbError("KDC_ERR_POLICY", "é".repeat(5000), details));
    const header = Buffer.from(detailBytes(sent)).toString("base64").length + encodeURI(sent.details).length;
    expect(header).toBeLessThan(5120);
    expect(Buffer.from(detailBytes(sent)).toString("base64").length).toBeLessThan(4096);
    expect(errorInfo(sent).metadata).toMatchObject({ number: "12" });
    expect(sent.details.endsWith("é…")).toBe(true);
  });

  test("half a surrogate pair does not break the status text", () => {
    const sent = toStatus(new KrbError("KRB_ERR_GENERIC", "name \ud800 is malformed"));
    expect(encodeURI(sent.details)).toBe("name%20%EF%BF%BD%20is%20malformed");
  });
});

describe("any other error on the wire", () => {
  test.each([
    new Error("the key is 0123456789abcdef"),
    Object.assign(new Error("No such file or directory"), { code: 2 }), // a store's or a system's number
    Object.assign(new Error("odd"), { code: 99, details: "no such code" }),
    Object.assign(new Error("fine"), { code: 0, details: "OK is no error" }),
    "a string",
    undefined,
    null,
  ])("is INTERNAL and says nothing: %s", (error) => {
    const sent = toStatus(error);
    expect(sent).toMatchObject({ code: status.INTERNAL, details: INTERNAL_TEXT });
    expect(sent.metadata.getMap()).toEqual({});
    expect(hasStatus(error)).toBe(false);
  });

  test("with a status of its own keeps code and text, not the metadata it came with", () => {
    const metadata = new Metadata();
    metadata.set("from", "elsewhere");
    const sent = toStatus(Object.assign(new Error("x"), { code: status.ABORTED, details: "busy", metadata }));
    expect(sent).toMatchObject({ code: status.ABORTED, details: "busy" });
    expect(sent.metadata.getMap()).toEqual({});
  });

  test("of a rate limit says when to come back", () => {
    const sent = toStatus(new RpcError(status.RESOURCE_EXHAUSTED, "slower", { retryAfterMs: 1500 }));
    const error = fromServiceError(serviceError(sent));
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, message: "slower", retryAfterMs: 1500 });
  });
});

describe("a failed call on the client", () => {
  function received(details: Uint8Array): Error {
    const metadata = new Metadata();
    metadata.set(STATUS_DETAILS_METADATA, Buffer.from(details));
    return serviceError({ code: status.UNAUTHENTICATED, details: "no", metadata });
  }
  function withInfo(reason: string, domain: string): Uint8Array {
    const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain }));
    return toBinary(StatusSchema, create(StatusSchema, { code: 16, message: "no", details: [info] }));
  }

  test.each([
    ["garbage", new Uint8Array([0xff, 0xff, 0xff])],
    ["another domain", withInfo("KRB_AP_ERR_REPEAT", "example.com")],
    ["a reason that is none", withInfo("KRB_AP_ERR_NONSENSE", ERROR_DOMAIN)],
    ["a reason out of Object's prototype", withInfo("toString", ERROR_DOMAIN)],
  ])("is an RpcError where the details are %s", (_, details) => {
    const error = fromServiceError(received(details));
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: status.UNAUTHENTICATED, codeName: "UNAUTHENTICATED", message: "no" });
  });

  test("says what to do where that is known", () => {
    for (const code of [status.UNAVAILABLE, status.DEADLINE_EXCEEDED]) {
      const error = fromServiceError(
        serviceError({ code, details: "x", metadata: new Metadata() }),
      ) as RpcError;
      expect(error.codeName).toBe(status[code]);
      expect(error.hint).toMatch(/address/);
    }
  });

  test("is read whichever copy of grpc-js made its metadata", () => {
    const sent = toStatus(new KrbError("KRB_AP_ERR_REPEAT", "again"));
    const { metadata } = sent;
    const ofAnotherCopy = { get: (key: string) => metadata.get(key), getMap: () => metadata.getMap() };
    const error = Object.assign(new Error("x"), { ...sent, metadata: ofAnotherCopy });
    expect(fromServiceError(error)).toMatchObject({ reason: "KRB_AP_ERR_REPEAT" });
    const untold = Object.assign(new Error("x"), { ...sent, metadata: new Map() });
    expect(fromServiceError(untold)).toBeInstanceOf(RpcError);
  });

  test("that is one of ours already stays as it is", () => {
    const refusal = new KrbError("KRB_AP_ERR_REPEAT", "again");
    expect(fromServiceError(refusal)).toBe(refusal);
  });
});
