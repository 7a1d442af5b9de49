/**
 * One dialogue under an encryption type: the six messages, and all that is sealed in them with its key and
 * usage.
 */
import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import {
  AccessRequestSchema,
  AccessResponseSchema,
} from "../../../src/gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../../../src/gen/kerberos/v1/authentication_service_pb.js";
import {
  type EncryptedData,
  EncryptedDataSchema,
  type EncryptionKey,
} from "../../../src/gen/kerberos/v1/encryption_pb.js";
import { PutNoteRequestSchema } from "../../../src/gen/kerberos/v1/operations_pb.js";
import { TicketSchema } from "../../../src/gen/kerberos/v1/sealed_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { KeyUsage } from "../../../src/protocol/key-usage.js";
import { Key } from "../../../src/protocol/keys.js";
import { type PartKind, type PartOf, unsealFromBytes } from "../../../src/protocol/sealed-part.js";
import { access, grantTicket, keyOf, login, makeRealm } from "../../support/entries.js";

/** Something sealed. */
export interface SealedThing {
  readonly what: string;
  readonly data: EncryptedData;
  readonly key: Key;
  readonly usage: number;
}

/** Alice's login, her ticket for the service, and a note that she writes there. */
export function wholeLogin(etype: number) {
  const realm = makeRealm(etype);
  const first = login(realm);
  const second = grantTicket(realm, first.credentials);
  const put = create(PutNoteRequestSchema, { name: "first", text: "a note" });
  const third = access(realm, second.credentials, toBinary(AnySchema, anyPack(PutNoteRequestSchema, put)));
  const [as, tgs, ap] = [first, second, third];
  const messages: readonly (readonly [DescMessage, Uint8Array])[] = [
    [AuthenticateRequestSchema, toBinary(AuthenticateRequestSchema, as.request)],
    [AuthenticateResponseSchema, toBinary(AuthenticateResponseSchema, as.response)],
    [GrantTicketRequestSchema, toBinary(GrantTicketRequestSchema, tgs.request)],
    [GrantTicketResponseSchema, toBinary(GrantTicketResponseSchema, tgs.response)],
    [AccessRequestSchema, toBinary(AccessRequestSchema, ap.request)],
    [AccessResponseSchema, toBinary(AccessResponseSchema, ap.response)],
  ];
  const data = (bytes: Uint8Array) => fromBinary(EncryptedDataSchema, bytes);
  const ticket = (bytes: Uint8Array) => fromBinary(TicketSchema, bytes).encPart!;
  const alice = keyOf(realm.alice);
  const [tgtKey, key] = [first.credentials.key, second.credentials.key];
  const authenticator = opened(key, KeyUsage.AP_REQ_AUTHENTICATOR, "authenticator", ap.request.authenticator);
  const apRep = opened(key, KeyUsage.AP_REP, "encApRepPart", ap.response.apRep);
  const sealed: readonly SealedThing[] = [
    thing("proof", data(as.request.padata[0]!.value), alice, KeyUsage.PA_ENC_TIMESTAMP),
    thing("TGT", ticket(as.response.ticket), keyOf(realm.krbtgt), KeyUsage.TICKET),
    thing("AS-REP", data(as.response.encPart), alice, KeyUsage.AS_REP),
    thing(
      "authenticator for the TGS",
      data(tgs.request.authenticator),
      tgtKey,
      KeyUsage.TGS_REQ_AUTHENTICATOR,
    ),
    thing("service ticket", ticket(tgs.response.ticket), keyOf(realm.service), KeyUsage.TICKET),
    thing("TGS-REP", data(tgs.response.encPart), tgtKey, KeyUsage.TGS_REP_SESSION_KEY),
    thing("authenticator for V", data(ap.request.authenticator), key, KeyUsage.AP_REQ_AUTHENTICATOR),
    thing("request", data(ap.request.request), keyIn(authenticator.subkey), KeyUsage.REQUEST_DATA),
    thing("AP-REP", data(ap.response.apRep), key, KeyUsage.AP_REP),
    thing("response", data(ap.response.response), keyIn(apRep.subkey), KeyUsage.RESPONSE_DATA),
  ];
  return { messages, sealed };
}

function thing(what: string, data: EncryptedData, key: Key, usage: number): SealedThing {
  return { what, data, key, usage };
}

function opened<K extends PartKind>(key: Key, usage: number, kind: K, bytes: Uint8Array): PartOf<K> {
  return unsealFromBytes({ key, usage }, kind, bytes, kind, () => {
    throw new Error(`${kind} does not open`);
  });
}

function keyIn(key: EncryptionKey | undefined): Key {
  return new Key(etypeOf(key!.etype), key!.key);
}
