/**
 * Replays over the wire: V accepts nothing twice, whatever the clock does; the KDC answers a copy to its
 * sender.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { KdcOption } from "../../src/gen/kerberos/v1/kdc_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { isoTime } from "../../src/protocol/kerberos-time.js";
import { randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { makeTgsReq, openTgsRep } from "../../src/protocol/tgs-exchange.js";
import {
  accessReq,
  asReq,
  loginTo,
  startRealm,
  type TestRealm,
  tgsReq,
  ticketFor,
} from "../support/realm.js";
import { ACCESS, expectReply, GRANT_TICKET, Wire } from "../support/wire.js";
import { authenticate, NOW } from "../support/wire-refusals.js";

/** A request to V, and where it goes. */
async function accessOf(realm: TestRealm) {
  const bytes = toBinary(AccessRequestSchema, accessReq(realm, await ticketFor(realm)));
  return { address: realm.v.address, path: ACCESS, bytes };
}

test("V: the same request twice is refused with KRB_AP_ERR_REPEAT", async () => {
  await using realm = await startRealm({ now: NOW });
  const { address, path, bytes } = await accessOf(realm);
  using wire = new Wire(address);
  expect((await wire.call(path, bytes)).code).toBe("OK");
  realm.advance("300s");
  const details = { ctime: isoTime(NOW), now: isoTime(NOW + 300_000) };
  expectReply(await wire.call(path, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_REPEAT", details);
  realm.advance(1);
  expectReply(await wire.call(path, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_SKEW");
});

test("V: of 16 simultaneous copies over two connections, exactly one is accepted", async () => {
  await using realm = await startRealm({ now: NOW });
  const { address, path, bytes } = await accessOf(realm);
  using one = new Wire(address);
  using other = new Wire(address);
  const copies = Array.from({ length: 16 }, (_, at) => (at % 2 ? one : other).call(path, bytes));
  const replies = await Promise.all(copies);
  expect(replies.filter(({ code }) => code === "OK")).toHaveLength(1);
  for (const reply of replies.filter(({ code }) => code !== "OK"))
    expectReply(reply, "UNAUTHENTICATED", "KRB_AP_ERR_REPEAT");
});

test("V: a request refused for another reason is not remembered", async () => {
  await using realm = await startRealm({ now: NOW });
  const { address, path, bytes } = await accessOf(realm);
  using wire = new Wire(address);
  realm.advance(300_001);
  expectReply(await wire.call(path, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_SKEW");
  realm.advance(-300_001);
  expect((await wire.call(path, bytes)).code).toBe("OK");
});

test("V: a server whose clock was set back refuses rather than guess", async () => {
  await using realm = await startRealm({ now: NOW });
  const first = await accessOf(realm);
  using wire = new Wire(first.address);
  expect((await wire.call(first.path, first.bytes)).code).toBe("OK");
  const second = await accessOf(realm);
  realm.advance("1h");
  await accessOf(realm).then(({ path, bytes }) => wire.call(path, bytes));
  realm.advance("-1h");
  expectReply(await wire.call(second.path, second.bytes), "UNAUTHENTICATED", "KRB_AP_ERR_SKEW", {
    side: "server",
    refused_through: isoTime(NOW),
  });
});

test("a repeated AS-REQ is answered the same; its proof in another request is a replay", async () => {
  await using realm = await startRealm({ now: NOW });
  const request = await asReq(realm);
  const [one, other] = [await authenticate(realm, request), await authenticate(realm, request)];
  expect([one.code, other.code]).toEqual(["OK", "OK"]);
  expect(one.message).toEqual(other.message);
  const altered = { ...request, etypes: [...request.etypes].reverse() };
  altered.options = [KdcOption.RENEWABLE];
  expectReply(await authenticate(realm, altered), "UNAUTHENTICATED", "KRB_AP_ERR_REPEAT", {
    field: "padata",
  });
  expect(realm.log.map(({ result }) => result)).toEqual(["OK", "REPEATED", "KRB_AP_ERR_REPEAT"]);
});

test("a repeated TGS-REQ is answered, with another session key, until its authenticator is too old", async () => {
  await using realm = await startRealm({ now: NOW });
  const tgt = await loginTo(realm);
  const before = (await realm.entry("alice"))!;
  const wish = { etypes: realm.policy.keyEtypes };
  const { request, pending } = makeTgsReq(tgt, realm.v.principal, wish, NOW);
  const bytes = toBinary(GrantTicketRequestSchema, request);
  using wire = new Wire(realm.kdc.tgs);
  const replies = await Promise.all(Array.from({ length: 16 }, () => wire.call(GRANT_TICKET, bytes)));
  expect(replies.map(({ code }) => code)).toEqual(Array(16).fill("OK"));
  const keys = replies.map(({ message }) => {
    const response = fromBinary(GrantTicketResponseSchema, message!);
    // Nobody else's ticket, and nobody else's key opens it.
    const { credentials } = openTgsRep(response, pending, NOW);
    expect(credentials).toMatchObject({ client: "alice@TEST.EXAMPLE", server: realm.v.principal });
    const stranger = { ...pending, tgt: { ...tgt, key: randomKey(tgt.key.etype) } };
    expect(() => openTgsRep(response, stranger, NOW)).toThrow(KrbError);
    return Buffer.from(credentials.key.exportBytes()).toString("hex");
  });
  expect(new Set(keys).size).toBe(16);
  expect(await realm.entry("alice")).toEqual(before);
  realm.advance(300_001);
  expectReply(await wire.call(GRANT_TICKET, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_SKEW");
});

test("a TGS-REQ with another body is no copy: its authenticator does not cover it", async () => {
  await using realm = await startRealm({ now: NOW });
  const tgt = await loginTo(realm);
  const [mine, other] = [tgsReq(realm, tgt), tgsReq(realm, tgt)];
  const bytes = toBinary(GrantTicketRequestSchema, { ...mine, body: other.body });
  using wire = new Wire(realm.kdc.tgs);
  expectReply(await wire.call(GRANT_TICKET, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_MODIFIED");
});
