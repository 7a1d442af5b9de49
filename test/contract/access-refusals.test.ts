/** Every refusal of Access that the contract names, over the wire: one row each, with a realm of its own. */
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type AccessRequest, AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { MessageKind } from "../../src/gen/kerberos/v1/guard_pb.js";
import type { Authenticator } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { makeApReq, makeSubkey } from "../../src/protocol/ap-exchange.js";
import { AP_USE } from "../../src/protocol/authenticator.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { randomKey } from "../../src/protocol/keys.js";
import { withRandomKeys } from "../../src/protocol/new-principal.js";
import { sealToBytes } from "../../src/protocol/sealed-part.js";
import { emptyPart, reseal, resealTicket } from "../support/entries.js";
import { accessReq, asReq, echoData, loginTo, startRealm, tgsReq, ticketFor } from "../support/realm.js";
import { expectReply } from "../support/wire.js";
import {
  access,
  authenticate,
  grantTicket,
  HOUR,
  malformed,
  NOW,
  proofRows,
  type Row,
  V,
} from "../support/wire-refusals.js";

/** Alters what the authenticator says of the data that follows. */
function withSequence(change: (part: Authenticator) => void): Row<AccessRequest>["send"] {
  return async (realm) => {
    const ticket = await ticketFor(realm);
    const request = accessReq(realm, ticket);
    const sealing = { key: ticket.key, usage: KeyUsage.AP_REQ_AUTHENTICATOR };
    return { ...request, authenticator: reseal(request.authenticator, sealing, "authenticator", change) };
  };
}

/** A request that is marked as the end of a stream, under a right authenticator. */
function withEnd(ticket: Credentials, now: number): AccessRequest {
  const fresh = { subkey: makeSubkey(ticket.key), seqNumber: 5 };
  const sealing = { key: fresh.subkey, usage: KeyUsage.REQUEST_DATA };
  const part = {
    ...emptyPart("encRequestPart"),
    userData: echoData({ text: "hello" }),
    seqNumber: 5,
    kind: MessageKind.END,
  };
  const request = sealToBytes(sealing, "encRequestPart", part);
  const { blobs } = makeApReq(ticket, AP_USE, request, fresh, now);
  return create(AccessRequestSchema, { ...blobs, request });
}

const V_ROWS: Row<AccessRequest>[] = [
  ...proofRows(
    V,
    KeyUsage.AP_REQ_AUTHENTICATOR,
    (realm) => ticketFor(realm),
    (realm, ticket, at) => accessReq(realm, ticket, at),
  ),
  {
    when: "a TGT in place of the service ticket",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_NOT_US",
    details: { server: "v/localhost@TEST.EXAMPLE" },
    send: async (realm) => accessReq(realm, await loginTo(realm)),
  },
  {
    when: "a ticket for another service",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_NOT_US",
    send: async (realm) => {
      await realm.addService("other/localhost");
      return accessReq(realm, await ticketFor(realm, "alice", "other/localhost"));
    },
  },
  {
    when: "a request other than the one the authenticator was made for",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "checksum" },
    send: async (realm) => {
      const ticket = await ticketFor(realm);
      return { ...accessReq(realm, ticket), request: accessReq(realm, ticket).request };
    },
  },
  {
    when: "no request",
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "request" },
    send: async (realm) => ({ ...accessReq(realm, await ticketFor(realm)), request: new Uint8Array() }),
  },
  {
    when: "no subkey",
    ...malformed("authenticator.subkey"),
    send: withSequence((part) => {
      delete part.subkey;
    }),
  },
  {
    when: "a subkey other than the one the request is sealed under",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BAD_INTEGRITY",
    details: { part: "request" },
    send: withSequence((part) => {
      part.subkey!.key = randomKey(etypeOf(3)).exportBytes();
    }),
  },
  {
    when: "an end marker in the request",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "request" },
    send: async (realm) => withEnd(await ticketFor(realm), realm.now),
  },
  {
    when: "a sequence number that was not announced",
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BADORDER",
    details: { expected: "77" },
    send: withSequence((part) => {
      part.seqNumber = 77;
    }),
  },
];

test.each(V_ROWS)("Access is refused with $reason: $when", async ({ send, code, reason, details }) => {
  await using realm = await startRealm({ now: NOW });
  expectReply(await access(realm, await send(realm)), code, reason, details);
});

test("a ticket from before V's keys changed: the refusal says which versions there are, and what to do", async () => {
  await using realm = await startRealm({ now: NOW });
  await realm.change(V, (entry) => withRandomKeys(entry, [3], NOW, 1));
  const reply = await access(realm, accessReq(realm, await ticketFor(realm)));
  expectReply(reply, "UNAUTHENTICATED", "KRB_AP_ERR_BADKEYVER", { ticket_kvno: "2", held_kvno: "1" });
  expect(reply.text).toContain("tessera kadmin ktadd");
});

test("a ticket bound to the caller's own address is accepted", async () => {
  await using realm = await startRealm({ now: NOW });
  const ticket = await ticketFor(realm);
  const bound = resealTicket(ticket.ticket, await realm.entry(V), (part) => {
    part.addresses = ["192.0.2.7", "127.0.0.1"];
  });
  expect((await access(realm, accessReq(realm, { ...ticket, ticket: bound }))).code).toBe("OK");
});

test("a ticket that ended within the skew is still accepted by V", async () => {
  await using realm = await startRealm({ now: NOW });
  const ticket = await ticketFor(realm);
  realm.advance(10 * HOUR + 300_000);
  expect((await access(realm, accessReq(realm, ticket))).code).toBe("OK");
});

test.each([300_000, -300_000])("exactly the permitted skew is accepted: %i ms", async (offset) => {
  await using realm = await startRealm({ now: NOW });
  expect((await authenticate(realm, await asReq(realm, "alice", {}, NOW + offset))).code).toBe("OK");
  const tgt = await loginTo(realm);
  expect((await grantTicket(realm, tgsReq(realm, tgt, V, {}, NOW + offset))).code).toBe("OK");
  const ticket = await ticketFor(realm);
  expect((await access(realm, accessReq(realm, ticket, NOW + offset))).code).toBe("OK");
});
