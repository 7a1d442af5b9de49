/** The six messages of one dialogue as if captured, and the keys each party begins with. */
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import {
  AccessRequestSchema,
  AccessResponseSchema,
} from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EchoRequestSchema } from "../../src/gen/kerberos/v1/operations_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import type { CapturedCall } from "../../src/lab/capture.js";
import type { KeyRings } from "../../src/lab/key-rings.js";
import type { KeySymbol, Party } from "../../src/lab/parties.js";
import type { Key } from "../../src/protocol/keys.js";
import { access, grantTicket, keyOf, login, makeRealm, NOW } from "../support/entries.js";

const realm = makeRealm();
const first = login(realm);
const second = grantTicket(realm, first.credentials);
const echo = toBinary(AnySchema, anyPack(EchoRequestSchema, create(EchoRequestSchema, { text: "hello" })));
const third = access(realm, second.credentials, echo);

/** What each party knows before the first message. */
export function rings(): KeyRings {
  const [kc, ktgs, kv] = [keyOf(realm.alice), keyOf(realm.krbtgt), keyOf(realm.service)];
  const ring = (...keys: [KeySymbol, Key][]) => new Map(keys);
  return new Map<Party, Map<KeySymbol, Key>>([
    ["C", ring(["K_c", kc])],
    ["AS", ring(["K_c", kc], ["K_tgs", ktgs])],
    ["TGS", ring(["K_tgs", ktgs], ["K_v", kv])],
    ["V", ring(["K_v", kv])],
  ]);
}

/** The keys of alice and of the service, and the session key that they share. */
export const keys = {
  alice: keyOf(realm.alice),
  service: keyOf(realm.service),
  session: second.credentials.key,
};

/** The bytes of the messages, by their numbers. */
export const messages = {
  1: toBinary(AuthenticateRequestSchema, first.request),
  2: toBinary(AuthenticateResponseSchema, first.response),
  3: toBinary(GrantTicketRequestSchema, second.request),
  4: toBinary(GrantTicketResponseSchema, second.response),
  5: toBinary(AccessRequestSchema, third.request),
  6: toBinary(AccessResponseSchema, third.response),
  ticket: second.credentials.ticket,
  authenticator: third.request.authenticator,
};

/** The three calls. */
export const calls: readonly CapturedCall[] = [
  call("AuthenticationService/Authenticate", messages[1], messages[2]),
  call("TicketGrantingService/GrantTicket", messages[3], messages[4]),
  call("ApplicationService/Access", messages[5], messages[6]),
];

function call(method: string, request: Uint8Array, response: Uint8Array): CapturedCall {
  const path = `/kerberos.v1.${method}`;
  return { path, sentAt: NOW, request, response, receivedAt: NOW + 7, refusal: undefined };
}
