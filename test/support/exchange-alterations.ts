/** Alters the messages of a vector's exchange in one thing, under the right keys. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { AccessRequest, AccessResponse } from "../../src/gen/kerberos/v1/application_service_pb.js";
import type { AuthenticateResponse } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { type EncryptedData, EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { TicketSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import type {
  GrantTicketRequest,
  GrantTicketResponse,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeApReq } from "../../src/protocol/ap-exchange.js";
import { AP_USE, type AuthenticatorUse } from "../../src/protocol/authenticator.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import type { Key } from "../../src/protocol/keys.js";
import { type PartKind, type PartOf, sealToBytes, unsealFromBytes } from "../../src/protocol/sealed-part.js";
import { keyDrawn, NOW, type Run, withoutPadding } from "./exchange-vectors.js";
import { recordedRandom } from "./recorded-random.js";

/** A field that no message has, as it stands at the end of one: number 500, the varint 1. */
export const UNKNOWN_FIELD = Uint8Array.of(0xa0, 0x1f, 1);

type Alter<K extends PartKind> = (part: PartOf<K>) => void;

/** The ways to alter an exchange's messages, with randomness that depends on the encryption type alone. */
export function alterationsOf(run: Run) {
  const { clientKey, tgt, ticket } = run;
  const { random } = recordedRandom(`refused ${clientKey.etype.etype}`);

  /** Opens a blob, alters its part, and seals it again, as another kind or for another usage if wanted. */
  const reseal = <K extends PartKind>(
    key: Key,
    usage: number,
    kind: K,
    bytes: Uint8Array,
    alter: Alter<K>,
    into: PartKind = kind,
    sealedFor = usage,
  ): Uint8Array => {
    const part = unsealFromBytes({ key, usage }, kind, Uint8Array.from(bytes), kind, cannotOpen);
    alter(part);
    return sealToBytes({ key, usage: sealedFor }, into, part as never, random);
  };
  /** Alters an EncryptedData itself. */
  const reframe = (bytes: Uint8Array, alter: (data: EncryptedData) => void): Uint8Array => {
    const data = fromBinary(EncryptedDataSchema, bytes);
    alter(data);
    return toBinary(EncryptedDataSchema, data);
  };

  return {
    random,
    reseal,
    reframe,
    /** Encrypts what `alter` makes of a plaintext, its padding left off. */
    replain: (key: Key, usage: number, bytes: Uint8Array, alter: (plaintext: Uint8Array) => Uint8Array) =>
      reframe(bytes, (data) => {
        const plaintext = withoutPadding(key.cipher.decrypt(usage, data.cipher));
        data.cipher = key.cipher.encrypt(usage, alter(plaintext), random);
      }),
    authenticate: (credentials: Credentials, use: AuthenticatorUse, covered: Uint8Array): Uint8Array =>
      makeApReq(credentials, use, covered, undefined, NOW, random).blobs.authenticator,
    inTgt: (message: GrantTicketRequest, alter: Alter<"encTicketPart">) => {
      const { key } = run.krbtgt.keys[0]!;
      const clear = fromBinary(TicketSchema, message.ticket);
      const sealed = toBinary(EncryptedDataSchema, clear.encPart!);
      const again = reseal(key, KeyUsage.TICKET, "encTicketPart", sealed, alter);
      clear.encPart = { ...fromBinary(EncryptedDataSchema, again), kvno: clear.encPart!.kvno };
      message.ticket = toBinary(TicketSchema, clear);
    },
    inAuthenticator,
    /** Seals the request again and has the authenticator cover it. */
    inRequest:
      (alter: Alter<"encRequestPart">, sealedFor: number = KeyUsage.REQUEST_DATA) =>
      (message: AccessRequest) => {
        const key = keyDrawn(run, 5, "subkey");
        const kind = "encRequestPart";
        message.request = reseal(key, KeyUsage.REQUEST_DATA, kind, message.request, alter, kind, sealedFor);
        inAuthenticator(ticket, AP_USE, (part) => {
          part.checksum!.checksum = ticket.key.cipher.checksum(AP_USE.checksum, message.request, random);
        })(message);
      },
    inReply: (alter: Alter<"encAsRepPart">) => (message: AuthenticateResponse) => {
      message.encPart = reseal(clientKey, KeyUsage.AS_REP, "encAsRepPart", message.encPart, alter);
    },
    inGrant:
      (alter: Alter<"encTgsRepPart">, sealedFor: number = KeyUsage.TGS_REP_SESSION_KEY) =>
      (message: GrantTicketResponse) => {
        const kind = "encTgsRepPart";
        const usage = KeyUsage.TGS_REP_SESSION_KEY;
        message.encPart = reseal(tgt.key, usage, kind, message.encPart, alter, kind, sealedFor);
      },
    inProof: (alter: Alter<"encApRepPart">) => (message: AccessResponse) => {
      message.apRep = reseal(ticket.key, KeyUsage.AP_REP, "encApRepPart", message.apRep, alter);
    },
    inAnswer: (alter: Alter<"encResponsePart">) => (message: AccessResponse) => {
      const key = keyDrawn(run, 6, "subkey");
      message.response = reseal(key, KeyUsage.RESPONSE_DATA, "encResponsePart", message.response, alter);
    },
  };

  function inAuthenticator(credentials: Credentials, use: AuthenticatorUse, alter: Alter<"authenticator">) {
    return (message: { authenticator: Uint8Array }) => {
      const { authenticator } = message;
      message.authenticator = reseal(
        credentials.key,
        use.authenticator,
        "authenticator",
        authenticator,
        alter,
      );
    };
  }
}

function cannotOpen(): never {
  throw new Error("a vector tried to alter what it can't open");
}
