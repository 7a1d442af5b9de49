/**
 * Every refusal of GrantTicket that the contract names, over the wire: one row each, with a realm of its own.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { KdcOption, KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import {
  type GrantTicketRequest,
  GrantTicketRequestSchema,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeApReq } from "../../src/protocol/ap-exchange.js";
import { TGS_USE } from "../../src/protocol/authenticator.js";
import { isoTime, toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { withRandomKeys } from "../../src/protocol/new-principal.js";
import { resealTicket } from "../support/entries.js";
import { loginTo, startRealm, type TestRealm, tgsReq, ticketFor } from "../support/realm.js";
import { expectReply } from "../support/wire.js";
import {
  grantTicket,
  HOUR,
  KRBTGT,
  malformed,
  NOW,
  proofRows,
  type Row,
  V,
} from "../support/wire-refusals.js";

const TGS_PROOF_ROWS = proofRows(
  KRBTGT,
  KeyUsage.TGS_REQ_AUTHENTICATOR,
  (realm) => loginTo(realm),
  (realm, tgt, at) => tgsReq(realm, tgt, V, {}, at),
);

/** A TGS-REQ for a service, once the realm is as the row needs it. */
function asks(server: string, prepare?: (realm: TestRealm) => Promise<void>, wish = {}) {
  return async (realm: TestRealm) => {
    const tgt = await loginTo(realm);
    await prepare?.(realm);
    return tgsReq(realm, tgt, server, wish);
  };
}

/** A TGS-REQ with a body of the test's own, properly covered by the authenticator. */
function withBody(bytes: (body: Uint8Array) => Uint8Array): Row<GrantTicketRequest>["send"] {
  return async (realm) => {
    const tgt = await loginTo(realm);
    const body = bytes(tgsReq(realm, tgt).body);
    const { blobs } = makeApReq(tgt, TGS_USE, body, undefined, realm.now);
    return create(GrantTicketRequestSchema, { ...blobs, body });
  };
}

const TGS_ROWS: Row<GrantTicketRequest>[] = [
  ...TGS_PROOF_ROWS,
  {
    when: "a service ticket in place of the TGT",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_NOT_US",
    details: { server: "krbtgt/TEST.EXAMPLE@TEST.EXAMPLE" },
    send: async (realm) => tgsReq(realm, await ticketFor(realm)),
  },
  {
    when: "a body other than the one the authenticator was made for",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "checksum" },
    send: async (realm) => {
      const tgt = await loginTo(realm);
      return { ...tgsReq(realm, tgt), body: tgsReq(realm, tgt).body };
    },
  },
  { when: "no body", ...malformed("body"), send: withBody(() => new Uint8Array()) },
  {
    when: "bytes that are not a body",
    ...malformed("body"),
    send: withBody(() => Buffer.from("not a body")),
  },
  {
    when: "a body that is not canonical",
    ...malformed("body"),
    send: withBody((body) => Buffer.concat([body, body])),
  },
  {
    when: "a body without a server",
    ...malformed("body.server"),
    send: withBody(() =>
      toBinary(KdcReqBodySchema, create(KdcReqBodySchema, { nonce: new Uint8Array(16), etypes: [3] })),
    ),
  },
  {
    when: "an unknown service",
    code: "NOT_FOUND",
    reason: "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    details: { server: "nothing/here@TEST.EXAMPLE" },
    send: asks("nothing/here"),
  },
  {
    when: "a user in place of a service",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_MUST_USE_USER2USER",
    details: { server: "bob@TEST.EXAMPLE" },
    send: asks("bob"),
  },
  {
    when: "a service of another realm",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_WRONG_REALM",
    details: { asked: "OTHER.EXAMPLE", realm: "TEST.EXAMPLE" },
    send: asks("v/localhost@OTHER.EXAMPLE"),
  },
  {
    when: "a disabled service",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_SERVICE_REVOKED",
    send: asks(V, (realm) => realm.change(V, (entry) => ({ ...entry, disabled: true }))),
  },
  {
    when: "an expired service",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_SERVICE_EXP",
    send: asks(V, (realm) => realm.change(V, (entry) => ({ ...entry, expiresAt: NOW }))),
  },
  {
    when: "a client deleted since its login",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_CLIENT_REVOKED",
    send: asks(V, (realm) => realm.remove("alice")),
  },
  {
    when: "a client disabled since its login",
    code: "UNAUTHENTICATED",
    reason: "KDC_ERR_CLIENT_REVOKED",
    send: asks(V, (realm) => realm.change("alice", (entry) => ({ ...entry, disabled: true }))),
  },
  {
    when: "a TGT from a TGT",
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_POLICY",
    details: { rule: "tgs-issues-no-tgt" },
    send: asks(KRBTGT),
  },
  {
    when: "a TGT longer than the realm permits: a golden ticket",
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_POLICY",
    details: { rule: "tgt-max-life", limit_ms: String(10 * HOUR) },
    send: async (realm) => {
      const tgt = await loginTo(realm);
      const ticket = resealTicket(tgt.ticket, await realm.entry(KRBTGT), (part) => {
        part.endtime = toTimestamp(NOW + 10 * 365 * 24 * HOUR);
      });
      return tgsReq(realm, { ...tgt, ticket });
    },
  },
  {
    when: "renewal of a TGT that is not renewable",
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_BADOPTION",
    details: { option: "renew" },
    send: asks(KRBTGT, undefined, { options: [KdcOption.RENEW] }),
  },
  {
    when: "renewal into a service ticket",
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_BADOPTION",
    details: { option: "renew" },
    send: asks(V, undefined, { options: [KdcOption.RENEW] }),
  },
  {
    when: "an option that does not exist",
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_BADOPTION",
    details: { option: "14" },
    send: asks(V, undefined, { options: [14] }),
  },
  {
    when: "an end in the past",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_NEVER_VALID",
    details: { till: isoTime(NOW) },
    send: asks(V, undefined, { till: NOW }),
  },
  {
    when: "a TGT that ended, within the skew",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_NEVER_VALID",
    send: async (realm) => {
      const tgt = await loginTo(realm);
      realm.advance(10 * HOUR + 1);
      return tgsReq(realm, tgt);
    },
  },
  {
    when: "a beginning in the future",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_CANNOT_POSTDATE",
    send: withBody(() =>
      toBinary(
        KdcReqBodySchema,
        create(KdcReqBodySchema, {
          server: "v/localhost@TEST.EXAMPLE",
          nonce: new Uint8Array(16),
          etypes: [3],
          from: toTimestamp(NOW + 300_001),
        }),
      ),
    ),
  },
  {
    when: "no encryption type that client, service and realm share",
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_ETYPE_NOSUPP",
    details: { asked: "20 19", held: "3" },
    send: asks(V, undefined, { etypes: [20, 19] }),
  },
  {
    when: "33 encryption types",
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_FIELD_TOOLONG",
    details: { field: "body.etypes", length: "33", limit: "32" },
    send: asks(V, undefined, { etypes: Array(33).fill(3) }),
  },
  {
    when: "a TGT from before the TGS's keys changed",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BADKEYVER",
    details: { ticket_kvno: "1", held_kvno: "2" },
    send: asks(V, (realm) => realm.change(KRBTGT, (entry) => withRandomKeys(entry, [3], NOW, 0))),
  },
];

test.each(TGS_ROWS)("GrantTicket is refused with $reason: $when", async ({ send, code, reason, details }) => {
  await using realm = await startRealm({ now: NOW });
  const reply = await grantTicket(realm, await send(realm));
  expectReply(reply, code, reason, details);
  expect(reply.etypeInfo).toBeUndefined();
});
