/** Names, lists and texts meant to do harm: refused by name as malformed, and nothing worse. */
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AuthenticateRequestSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { GrantTicketRequestSchema } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { asReq, loginTo, NO_BRAKES, startRealm, type TestRealm, tgsReq } from "../support/realm.js";
import { AUTHENTICATE, expectReply, GRANT_TICKET, Wire, type WireReply } from "../support/wire.js";
import { bytesField, joinFields, splitFields } from "../support/wire-fields.js";

let realm: TestRealm;
let tgt: Credentials;

beforeAll(async () => {
  realm = await startRealm({ policy: { attempts: NO_BRAKES } });
  tgt = await loginTo(realm);
});
afterAll(async () => {
  for (const wire of Object.values(wires)) wire!.close();
  await realm.close();
});

const wires: Partial<Record<string, Wire>> = {};

function send(path: string, bytes: Uint8Array): Promise<WireReply> {
  const { as, tgs } = realm.kdc;
  const address = { [AUTHENTICATE]: as, [GRANT_TICKET]: tgs }[path]!;
  wires[path] ??= new Wire(address);
  return wires[path].call(path, bytes);
}

const HOSTILE = [
  "__proto__@TEST.EXAMPLE",
  "alice@__proto__",
  "alice",
  "@TEST.EXAMPLE",
  "alice@",
  "/alice@TEST.EXAMPLE",
  "alice/@TEST.EXAMPLE",
  "alice//x@TEST.EXAMPLE",
  "a/b/c/d/e@TEST.EXAMPLE",
  "alice@TEST.EXAMPLE@TEST.EXAMPLE",
  "alice\\@TEST.EXAMPLE",
  " alice@TEST.EXAMPLE",
  "alice@TEST.EXAMPLE\n",
  "alice\0@TEST.EXAMPLE",
  "alice\u001b[2J@TEST.EXAMPLE",
  "alice\u202e@TEST.EXAMPLE",
  "al\u0456ce@TEST.EXAMPLE",
  "alicé@TEST.EXAMPLE",
  "alice@test.example",
  "../../etc/passwd@TEST.EXAMPLE",
  "note:x@TEST.EXAMPLE",
];

test.each(HOSTILE)("the hostile name %j is malformed, as client and as service", async (name) => {
  const request = await asReq(realm);
  const asClient = await send(
    AUTHENTICATE,
    toBinary(AuthenticateRequestSchema, { ...request, client: name }),
  );
  expectReply(asClient, "INVALID_ARGUMENT", "KRB_ERR_GENERIC", { field: "client" });
  const asServer = await send(
    AUTHENTICATE,
    toBinary(AuthenticateRequestSchema, { ...request, server: name }),
  );
  expectReply(asServer, "INVALID_ARGUMENT", "KRB_ERR_GENERIC", { field: "server" });
});

test.each(["constructor", "toString", "hasOwnProperty", "valueOf", "then"])(
  "the name %s is a name like any other",
  async (name) => {
    const request = await asReq(realm);
    const client = `${name}@TEST.EXAMPLE`;
    const reply = await send(AUTHENTICATE, toBinary(AuthenticateRequestSchema, { ...request, client }));
    expectReply(reply, "UNAUTHENTICATED", "KDC_ERR_PREAUTH_FAILED");
    const asked = tgsReq(realm, tgt, name);
    const granted = await send(GRANT_TICKET, toBinary(GrantTicketRequestSchema, asked));
    expectReply(granted, "NOT_FOUND", "KDC_ERR_S_PRINCIPAL_UNKNOWN", { server: client });
  },
);

test.each([
  ["a lone continuation byte", [0x80]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
  ["cut short", [0xe2, 0x82]],
])("invalid UTF-8 in a name is malformed: %s", async (_, bytes) => {
  const good = splitFields(toBinary(AuthenticateRequestSchema, await asReq(realm)));
  const client = Buffer.concat([Buffer.from("alice"), Buffer.from(bytes), Buffer.from("@TEST.EXAMPLE")]);
  const reply = await send(AUTHENTICATE, joinFields([bytesField(1, client), ...good.slice(1)]));
  expectReply(reply, "INVALID_ARGUMENT", "KRB_ERR_GENERIC");
});

test("lists as long as a message can hold are too long", async () => {
  const request = await asReq(realm);
  for (const [field, reply] of [
    ["request.etypes", await sendAs({ ...request, etypes: Array(8000).fill(3) })],
    [
      "padata",
      await sendAs({ ...request, padata: Array(1500).fill({ ...request.padata[0]!, value: Buffer.of(1) }) }),
    ],
  ] as const)
    expectReply(reply, "INVALID_ARGUMENT", "KRB_ERR_FIELD_TOOLONG", { field });
  const options = await sendAs({ ...request, options: Array(8000).fill(8) });
  expectReply(options, "INVALID_ARGUMENT", "KRB_ERR_GENERIC", { field: "request.options" });
  function sendAs(message: typeof request) {
    return send(AUTHENTICATE, toBinary(AuthenticateRequestSchema, message));
  }
});

test("a refusal's text and details stay small, however long the name", async () => {
  const name = `${"a".repeat(15_000)}@TEST.EXAMPLE`;
  const reply = await send(
    AUTHENTICATE,
    toBinary(AuthenticateRequestSchema, { ...(await asReq(realm)), client: name }),
  );
  expectReply(reply, "INVALID_ARGUMENT", "KRB_ERR_FIELD_TOOLONG", { length: "15013" });
  expect(JSON.stringify(reply.trailers.getMap()).length).toBeLessThan(4096);
});
