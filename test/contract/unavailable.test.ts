/**
 * What the servers say when something behind them is down: they fail closed, with the cause only in the log.
 */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { AuthenticateRequestSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import {
  DeleteNoteRequestSchema,
  GetNoteRequestSchema,
  ListNotesRequestSchema,
  PutNoteRequestSchema,
  WhoAmIRequestSchema,
} from "../../src/gen/kerberos/v1/operations_pb.js";
import { GrantTicketRequestSchema } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeAccessReq } from "../../src/protocol/access-exchange.js";
import { isoTime } from "../../src/protocol/kerberos-time.js";
import { krbtgtOf } from "../../src/protocol/principal.js";
import { startAs, startTgs, startV } from "../../src/services/realm-servers.js";
import { LoginAttempts } from "../../src/store/attempts/login-attempts.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import { NotesStore } from "../../src/store/notes-store.js";
import { MemoryReplayCache } from "../../src/store/replay/memory-replay-cache.js";
import { StoreError } from "../../src/store/store-error.js";
import { principalsBy } from "../support/entries.js";
import { accessReq, asReq, loginTo, startRealm, tgsReq, ticketFor } from "../support/realm.js";
import { ACCESS, AUTHENTICATE, expectReply, GRANT_TICKET, Wire } from "../support/wire.js";
import { authenticate, call, grantTicket, KRBTGT, NOW, V } from "../support/wire-refusals.js";

const DOWN = new StoreError("unavailable", "the disk is gone: /secret/path");
const LISTEN = { host: "127.0.0.1", port: 0 };

test("with the database down, AS and TGS are UNAVAILABLE; the cause stays in the log", async () => {
  await using realm = await startRealm({ now: NOW });
  const tgt = await loginTo(realm);
  const log: unknown[] = [];
  let down = false;
  const principals = principalsBy(async (name) => {
    if (down) throw DOWN;
    return realm.entry(name);
  });
  const kdc = {
    principals,
    attempts: LoginAttempts.inMemory("secret"),
    policy: realm.policy,
    clock: () => NOW,
    log: (line: unknown) => void log.push(line),
  };
  const [as, tgs] = [await startAs(kdc, LISTEN), await startTgs(kdc, LISTEN)];
  down = true;
  const asked = toBinary(AuthenticateRequestSchema, await asReq(realm));
  const granted = toBinary(GrantTicketRequestSchema, tgsReq(realm, tgt));
  for (const reply of [
    await call(as.address, AUTHENTICATE, asked),
    await call(tgs.address, GRANT_TICKET, granted),
  ]) {
    const id = reply.headers.get("x-correlation-id")[0] ?? reply.metadata.id;
    expectReply(reply, "UNAVAILABLE", "KDC_ERR_SVC_UNAVAILABLE", { id });
    expect(reply.text).toBe("the server can't reach its store; try again");
    expect(log).toContainEqual(
      expect.objectContaining({ level: "error", id, result: "KDC_ERR_SVC_UNAVAILABLE", text: DOWN.message }),
    );
  }
  down = false;
  expect((await call(tgs.address, GRANT_TICKET, granted)).code).toBe("OK");
  await Promise.all([as.stop(0), tgs.stop(0)]);
});

test("an error that is not a refusal is INTERNAL with a fixed text", async () => {
  await using realm = await startRealm({ now: NOW });
  const log: { result?: unknown; text?: unknown }[] = [];
  let broken = false;
  const principals = principalsBy(async (name) => {
    if (broken) throw new TypeError("secret of the programmer");
    return realm.entry(name);
  });
  const kdc = {
    principals,
    attempts: LoginAttempts.inMemory("secret"),
    policy: realm.policy,
    clock: () => NOW,
    log: (line: object) => void log.push(line),
  };
  const as = await startAs(kdc, LISTEN);
  broken = true;
  const asked = toBinary(AuthenticateRequestSchema, await asReq(realm));
  const reply = await call(as.address, AUTHENTICATE, asked);
  expect(reply).toMatchObject({ code: "INTERNAL", text: "internal error", reason: undefined });
  expect(log.find(({ result }) => result === "INTERNAL")?.text).toContain("secret of the programmer");
  await as.stop(0);
});

test("with the TGS's principal gone, AS and TGS are UNAVAILABLE", async () => {
  await using realm = await startRealm({ now: NOW });
  const tgt = await loginTo(realm);
  await realm.remove(KRBTGT);
  const server = krbtgtOf("TEST.EXAMPLE");
  for (const reply of [
    await authenticate(realm, await asReq(realm)),
    await grantTicket(realm, tgsReq(realm, tgt)),
  ])
    expectReply(reply, "UNAVAILABLE", "KDC_ERR_SVC_UNAVAILABLE", { server });
});

test("with V's notes down, V is UNAVAILABLE; what needs no notes is answered, the cause stays in the log", async () => {
  await using realm = await startRealm({ now: NOW });
  const keys = await realm.keys(V);
  const log: unknown[] = [];
  const down = () => Promise.reject(DOWN);
  const notes = new NotesStore({
    get: down,
    update: down,
    scan: () => ({ [Symbol.asyncIterator]: () => ({ next: down }), count: down }),
    close: () => Promise.resolve(),
  });
  const v = await startV(
    {
      serviceKeys: () => keys,
      permittedEtypes: realm.policy.permittedEtypes,
      clockSkew: 300_000,
      replayCache: new MemoryReplayCache({ skew: 300_000, startedAt: NOW, restart: "fresh" }),
      notes,
      clock: () => NOW,
      log: (line: unknown) => void log.push(line),
    },
    LISTEN,
  );
  const ticket = await ticketFor(realm);
  using wire = new Wire(v.address);
  const send = (schema: DescMessage, init: MessageInitShape<DescMessage>) => {
    const any = anyPack(schema, create(schema, init));
    const { request } = makeAccessReq(ticket, toBinary(AnySchema, any), NOW);
    return wire.call(ACCESS, toBinary(AccessRequestSchema, request));
  };
  for (const [schema, init] of [
    [PutNoteRequestSchema, { name: "todo", text: "buy bread" }],
    [GetNoteRequestSchema, { name: "todo" }],
    [ListNotesRequestSchema, {}],
    [DeleteNoteRequestSchema, { name: "todo" }],
  ] as const) {
    const reply = await send(schema, init);
    const id = reply.metadata.id;
    expectReply(reply, "UNAVAILABLE", "KDC_ERR_SVC_UNAVAILABLE", { id });
    expect(reply.text).toBe("the server can't reach its store; try again");
    expect(log).toContainEqual(
      expect.objectContaining({ exchange: "V", id, result: "KDC_ERR_SVC_UNAVAILABLE", text: DOWN.message }),
    );
  }
  expect((await send(WhoAmIRequestSchema, {})).code).toBe("OK");
  await v.stop(0);
});

test("V with a full replay cache is UNAVAILABLE and accepts nothing unchecked", async () => {
  await using realm = await startRealm({ now: NOW });
  const keys = await realm.keys(V);
  const replayCache = new MemoryReplayCache({
    skew: 300_000,
    startedAt: NOW,
    restart: "fresh",
    maxBytes: 64,
  });
  const v = await startV(
    {
      serviceKeys: () => keys,
      permittedEtypes: realm.policy.permittedEtypes,
      clockSkew: 300_000,
      replayCache,
      notes: new NotesStore(openMemoryStore()),
      clock: () => NOW,
      log: () => {},
    },
    LISTEN,
  );
  const ticket = await ticketFor(realm);
  using wire = new Wire(v.address);
  const send = () => wire.call(ACCESS, toBinary(AccessRequestSchema, accessReq(realm, ticket)));
  expect((await send()).code).toBe("OK");
  expectReply(await send(), "UNAVAILABLE", "KDC_ERR_SVC_UNAVAILABLE", {
    max_bytes: "64",
    until: isoTime(NOW + 300_000),
  });
  await v.stop(0);
});

test("a V that restarted without memory refuses what may be a copy", async () => {
  await using realm = await startRealm({ now: NOW });
  const keys = await realm.keys(V);
  const v = await startV(
    {
      serviceKeys: () => keys,
      permittedEtypes: realm.policy.permittedEtypes,
      clockSkew: 300_000,
      replayCache: new MemoryReplayCache({ skew: 300_000, startedAt: NOW, uptime: () => realm.now }),
      notes: new NotesStore(openMemoryStore()),
      clock: () => realm.now,
      log: () => {},
    },
    LISTEN,
  );
  const ticket = await ticketFor(realm);
  const send = () => call(v.address, ACCESS, toBinary(AccessRequestSchema, accessReq(realm, ticket)));
  expectReply(await send(), "UNAUTHENTICATED", "KRB_AP_ERR_SKEW", { side: "server" });
  realm.advance(300_001);
  expect((await send()).code).toBe("OK");
  await v.stop(0);
});
