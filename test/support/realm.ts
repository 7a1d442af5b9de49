/**
 * A whole realm for these tests, and requests made one step below the client, so that a test can alter what
 * it sends.
 *
 *   await using realm = await startRealm();                alice and bob, `textbook`, all servers on port 0
 *   const tgt = await loginTo(realm, "alice");
 *   const ticket = await ticketFor(realm, tgt);
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import type { AccessRequest } from "../../src/gen/kerberos/v1/application_service_pb.js";
import type { AuthenticateRequest } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EchoRequestSchema } from "../../src/gen/kerberos/v1/operations_pb.js";
import type { GrantTicketRequest } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeAccessReq } from "../../src/protocol/access-exchange.js";
import { makeAsReq } from "../../src/protocol/as-exchange.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import type { TicketWish } from "../../src/protocol/kdc-request.js";
import type { Key } from "../../src/protocol/keys.js";
import { makeTgsReq } from "../../src/protocol/tgs-exchange.js";
import { createTestRealm, type TestRealm, type TestRealmOptions } from "../../src/testing/test-realm.js";

export { createTestRealm, TestRealm, type TestRealmOptions } from "../../src/testing/test-realm.js";

/** Passwords of the users of `startRealm`. */
export const PASSWORDS = { alice: "correct horse battery staple", bob: "hunter2 is not a good one" } as const;
/** A user of `startRealm`. */
export type User = keyof typeof PASSWORDS;

const ANY_NUMBER = { count: 1_000_000, span: 1_000 };

/** Limits of failed logins that no test reaches, for tests of what each of many failures is answered. */
export const NO_BRAKES = { nameAndPeer: ANY_NUMBER, name: ANY_NUMBER, peer: ANY_NUMBER };

/** A `textbook` realm with alice and bob. */
export function startRealm(options: TestRealmOptions = {}): Promise<TestRealm> {
  return createTestRealm({ profile: "textbook", users: PASSWORDS, ...options });
}

/** The first long-term key of a principal. */
export async function keyOf(realm: TestRealm, name: string): Promise<Key> {
  return (await realm.keys(name)).keys[0]!.key;
}

/** The encryption types of the realm's keys, which a wish asks for by default. */
function wishOf(realm: TestRealm, wish: Partial<TicketWish>): TicketWish {
  return { etypes: realm.policy.keyEtypes, ...wish };
}

/** Message (1) with a valid proof. */
export async function asReq(
  realm: TestRealm,
  name: string = "alice",
  wish: Partial<TicketWish> = {},
  at = realm.now,
): Promise<AuthenticateRequest> {
  return makeAsReq(realm.principal(name), wishOf(realm, wish), await keyOf(realm, name), at);
}

/** Message (3). */
export function tgsReq(
  realm: TestRealm,
  tgt: Credentials,
  server = "v/localhost",
  wish: Partial<TicketWish> = {},
  at = realm.now,
): GrantTicketRequest {
  return makeTgsReq(tgt, realm.principal(server), wishOf(realm, wish), at).request;
}

/** Message (5) with a sealed echo request. */
export function accessReq(realm: TestRealm, ticket: Credentials, at = realm.now): AccessRequest {
  return makeAccessReq(ticket, echoData({ text: "hello" }), at).request;
}

/** An echo request in the form V expects under the seal. */
export function echoData(init: MessageInitShape<typeof EchoRequestSchema>): Uint8Array {
  return toBinary(AnySchema, anyPack(EchoRequestSchema, create(EchoRequestSchema, init)));
}

/** Logs in and returns the TGT. */
export function loginTo(realm: TestRealm, name: User = "alice", options = {}): Promise<Credentials> {
  return realm.client().login(realm.principal(name), PASSWORDS[name], options);
}

/** A new ticket for a service from the TGS. */
export async function ticketFor(realm: TestRealm, name: User = "alice", service = "v/localhost") {
  const client = await realm.login(name, PASSWORDS[name]);
  return client.serviceTicket(realm.principal(service));
}
