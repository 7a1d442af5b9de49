/** Replays at the TGS and at V, over the wire: nothing is accepted twice, whatever the clock does. */
import { toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { GrantTicketRequestSchema } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { isoTime } from "../../src/protocol/kerberos-time.js";
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

const REPLAYS = [
  [
    "GrantTicket",
    async (realm: TestRealm) => {
      const bytes = toBinary(GrantTicketRequestSchema, tgsReq(realm, await loginTo(realm)));
      return { address: realm.kdc.tgs, path: GRANT_TICKET, bytes };
    },
  ],
  [
    "Access",
    async (realm: TestRealm) => {
      const bytes = toBinary(AccessRequestSchema, accessReq(realm, await ticketFor(realm)));
      return { address: realm.v.address, path: ACCESS, bytes };
    },
  ],
] as const;

test.each(REPLAYS)("%s: the same request twice is refused with KRB_AP_ERR_REPEAT", async (_, make) => {
  await using realm = await startRealm({ now: NOW });
  const { address, path, bytes } = await make(realm);
  using wire = new Wire(address);
  expect((await wire.call(path, bytes)).code).toBe("OK");
  realm.advance("300s");
  const details = { ctime: isoTime(NOW), now: isoTime(NOW + 300_000) };
  expectReply(await wire.call(path, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_REPEAT", details);
  realm.advance(1);
  expectReply(await wire.call(path, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_SKEW");
});

test.each(REPLAYS)(
  "%s: of 16 simultaneous copies over two connections, exactly one is accepted",
  async (_, make) => {
    await using realm = await startRealm({ now: NOW });
    const { address, path, bytes } = await make(realm);
    using one = new Wire(address);
    using other = new Wire(address);
    const copies = Array.from({ length: 16 }, (_, at) => (at % 2 ? one : other).call(path, bytes));
    const replies = await Promise.all(copies);
    expect(replies.filter(({ code }) => code === "OK")).toHaveLength(1);
    for (const reply of replies.filter(({ code }) => code !== "OK"))
      expectReply(reply, "UNAUTHENTICATED", "KRB_AP_ERR_REPEAT");
  },
);

test.each(REPLAYS)("%s: a request refused for another reason is not remembered", async (_, make) => {
  await using realm = await startRealm({ now: NOW });
  const { address, path, bytes } = await make(realm);
  using wire = new Wire(address);
  realm.advance(300_001);
  expectReply(await wire.call(path, bytes), "UNAUTHENTICATED", "KRB_AP_ERR_SKEW");
  realm.advance(-300_001);
  expect((await wire.call(path, bytes)).code).toBe("OK");
});

test.each(REPLAYS)("%s: a server whose clock was set back refuses rather than guess", async (_, make) => {
  await using realm = await startRealm({ now: NOW });
  const first = await make(realm);
  using wire = new Wire(first.address);
  expect((await wire.call(first.path, first.bytes)).code).toBe("OK");
  const second = await make(realm);
  realm.advance("1h");
  await make(realm).then(({ path, bytes }) => wire.call(path, bytes));
  realm.advance("-1h");
  expectReply(await wire.call(second.path, second.bytes), "UNAUTHENTICATED", "KRB_AP_ERR_SKEW", {
    side: "server",
    limit_ms: "300000",
  });
});

test("a repeated AS-REQ is answered, with another session key", async () => {
  await using realm = await startRealm({ now: NOW });
  const request = await asReq(realm);
  const [one, other] = [await authenticate(realm, request), await authenticate(realm, request)];
  expect([one.code, other.code]).toEqual(["OK", "OK"]);
  expect(one.message).not.toEqual(other.message);
});
