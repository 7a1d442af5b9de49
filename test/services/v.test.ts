/** V by itself: from where a ticket that is bound to addresses may be used. */
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { EchoRequestSchema } from "../../src/gen/kerberos/v1/operations_pb.js";
import { makeAccessReq } from "../../src/protocol/access-exchange.js";
import type { HandlerContext } from "../../src/rpc/server-runtime.js";
import { applicationService } from "../../src/services/v.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import { NotesStore } from "../../src/store/notes-store.js";
import { MemoryReplayCache } from "../../src/store/replay/memory-replay-cache.js";
import { grantTicket, login, makeRealm, NOW, resealTicket, SKEW } from "../support/entries.js";

const realm = makeRealm(20);
const { principal, keys } = realm.service;
const v = applicationService({
  serviceKeys: () => ({ principal, keys }),
  permittedEtypes: [20],
  clockSkew: SKEW,
  replayCache: new MemoryReplayCache({ skew: SKEW, startedAt: NOW, restart: "fresh" }),
  notes: new NotesStore(openMemoryStore()),
  clock: () => NOW,
  log: () => {},
});

/** Calls V from a peer, with a ticket for 192.0.2.1 alone. */
function callFrom(peer: string) {
  const { credentials } = grantTicket(realm, login(realm).credentials);
  const ticket = resealTicket(credentials.ticket, realm.service, (part) => {
    part.addresses = ["192.0.2.1"];
  });
  const echo = toBinary(AnySchema, anyPack(EchoRequestSchema, create(EchoRequestSchema, { text: "hello" })));
  const { request } = makeAccessReq({ ...credentials, ticket }, echo, NOW);
  const context = {
    metadata: new grpc.Metadata(),
    headers: new grpc.Metadata(),
    trailers: new grpc.Metadata(),
    peer,
  };
  return v.access(request, context as unknown as HandlerContext);
}

test.each(["192.0.2.1:1234", "::ffff:192.0.2.1:1234"])(
  "a ticket for an address is good from there: %s",
  async (peer) => {
    expect((await callFrom(peer)).response?.length).toBeGreaterThan(0);
  },
);

test.each(["192.0.2.2:1234", "::ffff:192.0.2.2:1234", "2001:db8::1:1234", "unknown"])(
  "and from nowhere else: %s",
  async (peer) => {
    await expect(callFrom(peer)).rejects.toMatchObject({ reason: "KRB_AP_ERR_BADADDR" });
  },
);
