/**
 * Every refusal of Authenticate that the contract names, over the wire: one row each, with a realm of its
 * own.
 */
import { expect, test } from "vitest";
import type { AuthenticateRequest } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { KdcOption, type PaData, PaDataType } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { makeAsReq } from "../../src/protocol/as-exchange.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { isoTime, toTimestamp } from "../../src/protocol/kerberos-time.js";
import { randomKey } from "../../src/protocol/keys.js";
import { asReq, startRealm } from "../support/realm.js";
import { expectReply } from "../support/wire.js";
import { authenticate, malformed, NOW, type Row, skew } from "../support/wire-refusals.js";

/** An AS-REQ spoilt by one change. */
function asReqWith(change: (request: AuthenticateRequest) => void): Row<AuthenticateRequest>["send"] {
  return async (realm) => {
    const request = await asReq(realm);
    change(request);
    return request;
  };
}

const AS_ROWS: Row<AuthenticateRequest>[] = [
  {
    when: "no proof",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_PREAUTH_REQUIRED",
    send: asReqWith((request) => {
      request.padata = [];
    }),
  },
  {
    when: "only a proof of an unknown kind",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_PREAUTH_REQUIRED",
    send: asReqWith((request) => {
      request.padata[0]!.type = 149 as PaDataType;
    }),
  },
  {
    when: "a proof under an encryption type for which the client has no key",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_PREAUTH_REQUIRED",
    send: async (realm) =>
      makeAsReq(realm.principal("alice"), { etypes: [20, 3] }, randomKey(etypeOf(20)), realm.now),
  },
  {
    when: "a wrong password",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_PREAUTH_FAILED",
    send: async (realm) =>
      makeAsReq(realm.principal("alice"), { etypes: [3] }, randomKey(etypeOf(3)), realm.now),
  },
  {
    when: "an unknown client",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_PREAUTH_FAILED",
    send: async (realm) =>
      makeAsReq(realm.principal("nobody"), { etypes: [3] }, randomKey(etypeOf(3)), realm.now),
  },
  {
    when: "the proof of another request",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_PREAUTH_FAILED",
    send: async (realm) => ({ ...(await asReq(realm)), padata: (await asReq(realm)).padata }),
  },
  {
    when: "a clock too far ahead",
    ...skew(300_001),
    send: (realm) => asReq(realm, "alice", {}, NOW + 300_001),
  },
  {
    when: "a clock too far behind",
    ...skew(-300_001),
    send: (realm) => asReq(realm, "alice", {}, NOW - 300_001),
  },
  {
    when: "a disabled client with a right proof",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_CLIENT_REVOKED",
    send: async (realm) => {
      await realm.change("alice", (entry) => ({ ...entry, disabled: true }));
      return asReq(realm);
    },
  },
  {
    when: "an expired client",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_NAME_EXP",
    send: async (realm) => {
      await realm.change("alice", (entry) => ({ ...entry, expiresAt: NOW }));
      return asReq(realm);
    },
  },
  {
    when: "an expired password",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_KEY_EXPIRED",
    send: async (realm) => {
      await realm.change("alice", (entry) => ({ ...entry, passwordExpiresAt: NOW }));
      return asReq(realm);
    },
  },
  {
    when: "an end in the past",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_NEVER_VALID",
    details: { till: isoTime(NOW), server_time: isoTime(NOW) },
    send: (realm) => asReq(realm, "alice", { till: NOW }),
  },
  {
    when: "a beginning in the future",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_CANNOT_POSTDATE",
    details: { from: isoTime(NOW + 300_001) },
    send: asReqWith((request) => {
      request.from = toTimestamp(NOW + 300_001);
    }),
  },
  {
    when: "no encryption type for which the client has a key",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_ETYPE_NOSUPP",
    details: { asked: "20 19", held: "3" },
    send: (realm) => asReq(realm, "alice", { etypes: [20, 19] }),
  },
  {
    when: "a service other than the TGS",
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_POLICY",
    details: { rule: "as-serves-tgs-only", server: "v/localhost@TEST.EXAMPLE" },
    send: asReqWith((request) => {
      request.server = "v/localhost@TEST.EXAMPLE";
    }),
  },
  ...[KdcOption.UNSPECIFIED, 1, 31, -1].map(
    (option): Row<AuthenticateRequest> => ({
      when: `option ${option}`,
      code: "PERMISSION_DENIED",
      reason: "KDC_ERR_BADOPTION",
      details: { option: String(option) },
      send: asReqWith((request) => {
        request.options = [option as KdcOption];
      }),
    }),
  ),
  {
    when: "a client of another realm",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_WRONG_REALM",
    details: { asked: "OTHER.EXAMPLE", realm: "TEST.EXAMPLE" },
    send: asReqWith((request) => {
      request.client = "alice@OTHER.EXAMPLE";
    }),
  },
  ...(
    [
      ["client", { client: "" }],
      ["client", { client: "alice" }],
      ["server", { server: "krbtgt" }],
      ["request.nonce", { nonce: new Uint8Array(15) }],
      ["request.nonce", { nonce: new Uint8Array(17) }],
      ["request.etypes", { etypes: [] }],
      ["request.options", { options: [KdcOption.RENEWABLE, KdcOption.RENEWABLE] }],
      ["request.till", { till: { $typeName: "google.protobuf.Timestamp", seconds: 2n ** 62n, nanos: 0 } }],
      ["request.from", { from: { $typeName: "google.protobuf.Timestamp", seconds: 0n, nanos: -1 } }],
    ] as const
  ).map(
    ([field, change]): Row<AuthenticateRequest> => ({
      when: `a malformed ${field}`,
      ...malformed(field),
      send: asReqWith((request) => Object.assign(request, change)),
    }),
  ),
  {
    when: "two proofs",
    ...malformed("padata"),
    send: asReqWith((request) => {
      request.padata.push(request.padata[0]!);
    }),
  },
  {
    when: "a proof without a kind",
    ...malformed("padata.type"),
    send: asReqWith((request) => {
      request.padata[0]!.type = PaDataType.UNSPECIFIED;
    }),
  },
  {
    when: "an empty proof",
    ...malformed("padata.value"),
    send: asReqWith((request) => {
      request.padata[0]!.value = new Uint8Array();
    }),
  },
  {
    when: "33 encryption types",
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_FIELD_TOOLONG",
    details: { field: "request.etypes", length: "33", limit: "32" },
    send: (realm) => asReq(realm, "alice", { etypes: Array(33).fill(3) }),
  },
  {
    when: "nine proofs",
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_FIELD_TOOLONG",
    details: { field: "padata", length: "9", limit: "8" },
    send: asReqWith((request) => {
      const { value } = request.padata[0]!;
      for (let type = 100; type < 108; type++)
        request.padata.push({ ...request.padata[0]!, type, value } as PaData);
    }),
  },
  {
    when: "a name of 256 characters",
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_FIELD_TOOLONG",
    details: { field: "client", length: "256", limit: "255" },
    send: asReqWith((request) => {
      request.client = `${"a".repeat(243)}@TEST.EXAMPLE`;
    }),
  },
];

test.each(AS_ROWS)("Authenticate is refused with $reason: $when", async ({ send, code, reason, details }) => {
  await using realm = await startRealm({ now: NOW });
  const reply = await authenticate(realm, await send(realm));
  expectReply(reply, code, reason, details);
  const preauth = reason === "KDC_ERR_PREAUTH_REQUIRED" || reason === "KDC_ERR_PREAUTH_FAILED";
  expect(reply.etypeInfo !== undefined).toBe(preauth);
  expect((await authenticate(realm, await asReq(realm, "bob"))).code).toBe("OK");
});
