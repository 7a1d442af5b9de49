/** V's operations, called as a user calls them: under seal, over the wire. */
import { type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { KerberosClient } from "../../src/client/index.js";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.js";
import {
  AccessRequestSchema,
  AccessResponseSchema,
} from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  DeleteNoteRequestSchema,
  DeleteNoteResponseSchema,
  EchoRequestSchema,
  EchoResponseSchema,
  GetNoteRequestSchema,
  GetNoteResponseSchema,
  ListNotesRequestSchema,
  ListNotesResponseSchema,
  PutNoteRequestSchema,
  PutNoteResponseSchema,
  ServerTimeRequestSchema,
  ServerTimeResponseSchema,
  WhoAmIRequestSchema,
  WhoAmIResponseSchema,
} from "../../src/gen/kerberos/v1/operations_pb.js";
import { makeAccessReq, openAccessRep } from "../../src/protocol/access-exchange.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { PASSWORDS, startRealm, type TestRealm, ticketFor } from "../support/realm.js";
import { ACCESS, Wire } from "../support/wire.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const HOUR = 3_600_000;

let realm: TestRealm;
let alice: KerberosClient;
let bob: KerberosClient;

beforeAll(async () => {
  realm = await startRealm({ now: NOW });
});
beforeEach(async () => {
  alice = await realm.login("alice", PASSWORDS.alice);
  bob = await realm.login("bob", PASSWORDS.bob);
});
afterAll(() => realm.close());

function call<I extends DescMessage, O extends DescMessage>(request: I, response: O) {
  return (client: KerberosClient, init: MessageInitShape<I>) =>
    client.access(realm.v, { request, response }, init);
}

const whoAmI = call(WhoAmIRequestSchema, WhoAmIResponseSchema);
const echo = call(EchoRequestSchema, EchoResponseSchema);
const serverTime = call(ServerTimeRequestSchema, ServerTimeResponseSchema);
const putNote = call(PutNoteRequestSchema, PutNoteResponseSchema);
const getNote = call(GetNoteRequestSchema, GetNoteResponseSchema);
const listNotes = call(ListNotesRequestSchema, ListNotesResponseSchema);
const deleteNote = call(DeleteNoteRequestSchema, DeleteNoteResponseSchema);

/** An operation's refusal, as the client throws it. */
function refused(code: status) {
  return { name: "RpcError", code };
}

test("who am I: the caller as the ticket says", async () => {
  const answer = await whoAmI(alice, {});
  expect(answer).toMatchObject({
    client: "alice@TEST.EXAMPLE",
    server: "v/localhost@TEST.EXAMPLE",
    flags: ["pre-authent"],
  });
  expect(answer.authtime).toEqual(toTimestamp(NOW));
  expect(answer.endtime).toEqual(toTimestamp(NOW + 10 * HOUR));
});

test("the server's time is the server's", async () => {
  const turned = await startRealm({ now: NOW });
  const client = await turned.login("alice", PASSWORDS.alice);
  turned.advance("2h");
  const { time } = await client.access(
    turned.v,
    { request: ServerTimeRequestSchema, response: ServerTimeResponseSchema },
    {},
  );
  expect(time).toEqual(toTimestamp(NOW + 2 * HOUR));
  expect((await serverTime(alice, {})).time).toEqual(toTimestamp(NOW));
  await turned.close();
});

describe("echo", () => {
  test.each(["", "hello", "Grüße, 世界 🏛", "line\nline\0"])("says %j again", async (text) => {
    expect((await echo(alice, { text })).text).toBe(text);
  });

  test("takes 4096 bytes and no more", async () => {
    const text = "é".repeat(2048);
    expect((await echo(alice, { text })).text).toBe(text);
    await expect(echo(alice, { text: `${text}!` })).rejects.toMatchObject({
      ...refused(status.INVALID_ARGUMENT),
      message: "text: at most 4096 bytes, got 4097",
    });
  });
});

describe("notes", () => {
  test("are written, read, replaced, listed and deleted", async () => {
    const first = await putNote(alice, { name: "todo", text: "buy bread" });
    expect(first.note).toMatchObject({ name: "todo", text: "buy bread", modified: toTimestamp(NOW) });
    await putNote(alice, { name: "a.b_c-D", text: "" });
    await putNote(alice, { name: "todo", text: "buy milk" });
    expect((await getNote(alice, { name: "todo" })).note?.text).toBe("buy milk");
    const { notes } = await listNotes(alice, {});
    expect(notes.map(({ name, text }) => [name, text])).toEqual([
      ["a.b_c-D", ""],
      ["todo", ""],
    ]);
    await deleteNote(alice, { name: "todo" });
    await deleteNote(alice, { name: "a.b_c-D" });
    expect((await listNotes(alice, {})).notes).toEqual([]);
  });

  test("nobody reaches another's", async () => {
    await putNote(alice, { name: "diary", text: "dear diary" });
    for (const reach of [getNote, deleteNote])
      await expect(reach(bob, { name: "diary" })).rejects.toMatchObject({
        ...refused(status.NOT_FOUND),
        message: "you have no note named diary",
      });
    expect((await listNotes(bob, {})).notes).toEqual([]);
    await putNote(bob, { name: "diary", text: "bob's own" });
    expect((await getNote(alice, { name: "diary" })).note?.text).toBe("dear diary");
    await deleteNote(bob, { name: "diary" });
    await deleteNote(alice, { name: "diary" });
  });

  test("outlive the login", async () => {
    await putNote(alice, { name: "kept", text: "still here" });
    await alice.logout();
    const again = await realm.login("alice", PASSWORDS.alice);
    expect((await getNote(again, { name: "kept" })).note?.text).toBe("still here");
    await deleteNote(again, { name: "kept" });
  });

  test.each([getNote, deleteNote])("one that does not exist is NOT_FOUND", async (reach) => {
    await expect(reach(alice, { name: "nothing" })).rejects.toMatchObject(refused(status.NOT_FOUND));
  });

  test.each(["", "a b", "a/b", "a\0b", "ä", "../x", "x".repeat(129)])(
    "the name %j is refused",
    async (name) => {
      for (const reach of [getNote, deleteNote, putNote])
        await expect(reach(alice, { name })).rejects.toMatchObject(refused(status.INVALID_ARGUMENT));
    },
  );

  test.each(["__proto__", "constructor", ".", "..", "x".repeat(128)])(
    "the name %j is one like any other",
    async (name) => {
      await expect(getNote(alice, { name })).rejects.toMatchObject(refused(status.NOT_FOUND));
      await putNote(alice, { name, text: "plain" });
      expect((await getNote(alice, { name })).note?.text).toBe("plain");
      await deleteNote(alice, { name });
    },
  );

  test("a text of 4096 bytes is taken, one of 4097 refused", async () => {
    const text = "x".repeat(4096);
    await putNote(alice, { name: "long", text });
    expect((await getNote(alice, { name: "long" })).note?.text).toBe(text);
    await expect(putNote(alice, { name: "long", text: `${text}x` })).rejects.toMatchObject(
      refused(status.INVALID_ARGUMENT),
    );
    await deleteNote(alice, { name: "long" });
  });

  test("64 are kept and can be listed with the longest names; the 65th is RESOURCE_EXHAUSTED", async () => {
    const names = Array.from({ length: 64 }, (_, at) => `${String(at).padStart(2, "0")}${"n".repeat(126)}`);
    for (const name of names) await putNote(alice, { name, text: "x" });
    expect((await listNotes(alice, {})).notes.map(({ name }) => name)).toEqual(names);
    await expect(putNote(alice, { name: "one-more", text: "x" })).rejects.toMatchObject({
      ...refused(status.RESOURCE_EXHAUSTED),
      message: "at most 64 notes each; delete one first",
    });
    await putNote(alice, { name: names[0]!, text: "replaced" });
    await putNote(bob, { name: "one-more", text: "bob has room" });
    for (const name of names) await deleteNote(alice, { name });
    await deleteNote(bob, { name: "one-more" });
  });
});

describe("what is no operation is refused under seal, and the call is OK on the wire", () => {
  /** Sends any bytes under seal and gives the wire's status with what was sealed in the answer. */
  async function sealed(userData: Uint8Array): Promise<{ code: string; answer: Any }> {
    const ticket = await ticketFor(realm);
    const { request, pending } = makeAccessReq(ticket, userData, realm.now);
    using wire = new Wire(realm.v.address);
    const reply = await wire.call(ACCESS, toBinary(AccessRequestSchema, request));
    const response = fromBinary(AccessResponseSchema, reply.message!);
    return { code: reply.code, answer: fromBinary(AnySchema, openAccessRep(response, pending)) };
  }

  function any(typeUrl: string, value: Uint8Array): Uint8Array {
    return toBinary(AnySchema, { $typeName: "google.protobuf.Any", typeUrl, value });
  }

  const GOOGLE = "type.googleapis.com/";
  test.each([
    [
      "an unknown operation",
      any(`${GOOGLE}kerberos.v1.FormatDiskRequest`, new Uint8Array()),
      "UNIMPLEMENTED",
    ],
    ["a message that is no operation", any(`${GOOGLE}kerberos.v1.Ticket`, new Uint8Array()), "UNIMPLEMENTED"],
    ["__proto__", any(`${GOOGLE}__proto__`, new Uint8Array()), "UNIMPLEMENTED"],
    ["nothing", new Uint8Array(), "UNIMPLEMENTED"],
    ["bytes that are no Any", Buffer.from([0x0a, 0xff]), "INVALID_ARGUMENT"],
    [
      "rubbish as the request",
      any(`${GOOGLE}kerberos.v1.EchoRequest`, Buffer.from([0xff])),
      "INVALID_ARGUMENT",
    ],
    [
      "invalid UTF-8",
      any(`${GOOGLE}kerberos.v1.EchoRequest`, Buffer.from([10, 1, 0x80])),
      "INVALID_ARGUMENT",
    ],
    ["a note's refusal", any(`${GOOGLE}kerberos.v1.GetNoteRequest`, Buffer.from("\n\x01x")), "NOT_FOUND"],
  ] as const)("%s", async (_, userData, code) => {
    const { code: onTheWire, answer } = await sealed(userData);
    expect(onTheWire).toBe("OK");
    expect(anyUnpack(answer, StatusSchema)?.code).toBe(status[code]);
    expect(realm.log.at(-1)).toMatchObject({ exchange: "V", result: "OK", client: "alice@TEST.EXAMPLE" });
  });

  test("the type's prefix is nobody's business", async () => {
    const { answer } = await sealed(any("example.test/x/kerberos.v1.EchoRequest", Buffer.from("\n\x02hi")));
    expect(anyUnpack(answer, EchoResponseSchema)?.text).toBe("hi");
  });
});
