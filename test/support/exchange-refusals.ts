/**
 * Makes the negative vectors of docs/protocol.md: messages of the exchange of encryption type 20, each
 * altered in one thing under the right keys, with the reason for which the other end must refuse it.
 */
import { clone, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  type AccessRequest,
  AccessRequestSchema,
  type AccessResponse,
  AccessResponseSchema,
} from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
  type AuthenticateResponse,
  AuthenticateResponseSchema,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { TicketFlag, TicketSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  type GrantTicketRequest,
  GrantTicketRequestSchema,
  type GrantTicketResponse,
  GrantTicketResponseSchema,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { openAccessRep, verifyAccessReq } from "../../src/protocol/access-exchange.js";
import { AP_USE, type AuthenticatorUse, makeApReq, TGS_USE } from "../../src/protocol/ap-exchange.js";
import { issueTgt, openAsRep } from "../../src/protocol/as-exchange.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { toEncryptionKey } from "../../src/protocol/encryption-key.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { type Key, randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { makeEncTimestamp } from "../../src/protocol/pre-authentication.js";
import { type PartKind, type PartOf, sealToBytes, unsealFromBytes } from "../../src/protocol/sealed-part.js";
import { openTgsRep, verifyTgsReq } from "../../src/protocol/tgs-exchange.js";
import { NOW, runExchange, TILL } from "./exchange-vectors.js";
import { hex, recordedRandom } from "./recorded-random.js";

const ETYPE = 20;
/** A field that no message has, as it stands at the end of one: number 500, the varint 1. */
const UNKNOWN_FIELD = Uint8Array.of(0xa0, 0x1f, 1);

/** A message that must be refused. */
interface Refused<Message> {
  readonly what: string;
  readonly reason: KrbErrorName;
  /** What the refusal names as wrong, where it names a field. */
  readonly field?: string;
  readonly alter: (message: Message) => void;
}

/** Reads each message as its receiver does, at the vector's time. Throws the KrbError of a refusal. */
export async function readers(): Promise<Readonly<Record<string, (bytes: Uint8Array) => unknown>>> {
  const run = await runExchange(ETYPE);
  return {
    1: (bytes) => issueTgt(fromBinary(AuthenticateRequestSchema, bytes), run.asContext, NOW),
    2: (bytes) => openAsRep(fromBinary(AuthenticateResponseSchema, bytes), run.asReq, run.clientKey, NOW),
    3: (bytes) => verifyTgsReq(fromBinary(GrantTicketRequestSchema, bytes), run.krbtgt, run.policy, NOW),
    4: (bytes) => openTgsRep(fromBinary(GrantTicketResponseSchema, bytes), run.tgsReq.pending, NOW),
    5: (bytes) => verifyAccessReq(fromBinary(AccessRequestSchema, bytes), run.servicePolicy, NOW),
    6: (bytes) => openAccessRep(fromBinary(AccessResponseSchema, bytes), run.apReq.pending),
  };
}

/** The negative vectors, message by message. */
export async function makeRefusedVectors() {
  const run = await runExchange(ETYPE);
  const { random } = recordedRandom("refused");
  const { clientKey, tgt, ticket } = run;

  /** Opens a blob, alters its part, and seals it again. */
  const reseal = <K extends PartKind>(
    key: Key,
    usage: number,
    kind: K,
    bytes: Uint8Array,
    alter: (part: PartOf<K>) => void,
    into: PartKind = kind,
    sealedFor = usage,
  ): Uint8Array => {
    const part = unsealFromBytes({ key, usage }, kind, Uint8Array.from(bytes), kind, cannotOpen);
    alter(part);
    return sealToBytes({ key, usage: sealedFor }, into, part as never, random);
  };
  /** Seals a plaintext of its own making: what follows a part is no part of it. */
  const withUnknown = (key: Key, usage: number, bytes: Uint8Array): Uint8Array => {
    const data = fromBinary(EncryptedDataSchema, bytes);
    const plaintext = Buffer.concat([key.cipher.decrypt(usage, data.cipher), UNKNOWN_FIELD]);
    data.cipher = key.cipher.encrypt(usage, plaintext, random);
    return toBinary(EncryptedDataSchema, data);
  };
  const authenticate = (credentials: Credentials, use: AuthenticatorUse, covered: Uint8Array): Uint8Array =>
    makeApReq(credentials, use, covered, undefined, NOW, random).blobs.authenticator;
  const inTgt = (message: GrantTicketRequest, alter: (part: PartOf<"encTicketPart">) => void) => {
    const { key } = run.krbtgt.keys[0]!;
    const clear = fromBinary(TicketSchema, message.ticket);
    const sealed = toBinary(EncryptedDataSchema, clear.encPart!);
    const again = reseal(key, KeyUsage.TICKET, "encTicketPart", sealed, alter);
    clear.encPart = { ...fromBinary(EncryptedDataSchema, again), kvno: clear.encPart!.kvno };
    message.ticket = toBinary(TicketSchema, clear);
  };
  const inAuthenticator =
    (credentials: Credentials, use: AuthenticatorUse, alter: (part: PartOf<"authenticator">) => void) =>
    (message: { authenticator: Uint8Array }) => {
      const { authenticator } = message;
      message.authenticator = reseal(
        credentials.key,
        use.authenticator,
        "authenticator",
        authenticator,
        alter,
      );
    };
  const subkeys = {
    client: run.draws.find(({ message, what }) => message === 5 && what === "subkey")!.bytes,
    service: run.draws.find(({ message, what }) => message === 6 && what === "subkey")!.bytes,
  };
  const subkey = (of: keyof typeof subkeys) =>
    randomKey(etypeOf(ETYPE), () => Uint8Array.from(Buffer.from(subkeys[of], "hex")));
  /** Seals the request again and has the authenticator cover it. */
  const inRequest =
    (alter: (part: PartOf<"encRequestPart">) => void, sealedFor: number = KeyUsage.REQUEST_DATA) =>
    (message: AccessRequest) => {
      const key = subkey("client");
      const usage = KeyUsage.REQUEST_DATA;
      const kind = "encRequestPart";
      message.request = reseal(key, usage, kind, message.request, alter, kind, sealedFor);
      inAuthenticator(ticket, AP_USE, (part) => {
        part.checksum!.checksum = ticket.key.cipher.checksum(AP_USE.checksum, message.request);
      })(message);
    };
  const inReply = (alter: (part: PartOf<"encAsRepPart">) => void) => (message: AuthenticateResponse) => {
    message.encPart = reseal(clientKey, KeyUsage.AS_REP, "encAsRepPart", message.encPart, alter);
  };
  const inGrant =
    (alter: (part: PartOf<"encTgsRepPart">) => void, sealedFor: number = KeyUsage.TGS_REP_SESSION_KEY) =>
    (message: GrantTicketResponse) => {
      const { encPart } = message;
      const usage = KeyUsage.TGS_REP_SESSION_KEY;
      const kind = "encTgsRepPart";
      message.encPart = reseal(tgt.key, usage, kind, encPart, alter, kind, sealedFor);
    };
  const inProof = (alter: (part: PartOf<"encApRepPart">) => void) => (message: AccessResponse) => {
    message.apRep = reseal(ticket.key, KeyUsage.AP_REP, "encApRepPart", message.apRep, alter);
  };
  const inAnswer = (alter: (part: PartOf<"encResponsePart">) => void) => (message: AccessResponse) => {
    const key = subkey("service");
    message.response = reseal(key, KeyUsage.RESPONSE_DATA, "encResponsePart", message.response, alter);
  };

  const first: Refused<AuthenticateRequest>[] = [
    { what: "no proof", reason: "KDC_ERR_PREAUTH_REQUIRED", alter: (m) => (m.padata = []) },
    {
      what: "the proof of another request: the nonce differs",
      reason: "KDC_ERR_PREAUTH_FAILED",
      alter: (m) => (m.nonce = m.nonce.toReversed()),
    },
    {
      what: "a proof made 300,001 ms ago",
      reason: "KRB_AP_ERR_SKEW",
      alter: (m) => (m.padata = [makeEncTimestamp(clientKey, m.nonce, NOW - 300_001, random)]),
    },
    {
      what: "an unknown field in the EncryptedData of the proof",
      reason: "KRB_ERR_GENERIC",
      field: "padata.value",
      alter: (m) => {
        m.padata[0]!.value = Buffer.concat([m.padata[0]!.value, UNKNOWN_FIELD]);
      },
    },
    {
      what: "an unknown field beneath the seal of the proof",
      reason: "KDC_ERR_PREAUTH_FAILED",
      alter: (m) => {
        m.padata[0]!.value = withUnknown(clientKey, KeyUsage.PA_ENC_TIMESTAMP, m.padata[0]!.value);
      },
    },
    {
      what: "a nonce of 15 bytes",
      reason: "KRB_ERR_GENERIC",
      field: "request.nonce",
      alter: (m) => (m.nonce = m.nonce.subarray(1)),
    },
    { what: "the option FORWARDABLE", reason: "KDC_ERR_BADOPTION", alter: (m) => (m.options = [1 as never]) },
  ];
  const second: Refused<AuthenticateResponse>[] = [
    {
      what: "another nonce",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "nonce",
      alter: inReply((part) => part.nonce.reverse()),
    },
    {
      what: "another list of encryption types",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "etypes",
      alter: inReply((part) => part.etypes.push(3)),
    },
    {
      what: "an end later than asked",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "endtime",
      alter: inReply((part) => (part.endtime = toTimestamp(TILL + 1))),
    },
    {
      what: "no flag INITIAL",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "flags",
      alter: inReply((part) => (part.flags = [TicketFlag.PRE_AUTHENT])),
    },
    {
      what: "a renewable ticket that was not asked for",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "renew_till",
      alter: inReply((part) => {
        part.flags.unshift(TicketFlag.RENEWABLE);
        part.renewTill = toTimestamp(TILL + 1);
      }),
    },
    {
      what: "a session key of an encryption type that was not asked for",
      reason: "KDC_ERR_ETYPE_NOSUPP",
      field: "reply.key",
      alter: inReply((part) => (part.key = toEncryptionKey(randomKey(etypeOf(19), random)))),
    },
    {
      what: "an unknown field beneath the seal",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: (m) => (m.encPart = withUnknown(clientKey, KeyUsage.AS_REP, m.encPart)),
    },
    {
      what: "a part of another kind: that of a TGS reply",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: (m) => {
        const kind = "encAsRepPart";
        m.encPart = reseal(clientKey, KeyUsage.AS_REP, kind, m.encPart, () => {}, "encTgsRepPart");
      },
    },
  ];
  const third: Refused<GrantTicketRequest>[] = [
    {
      what: "a body other than the one the authenticator covers",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "checksum",
      alter: (m) => {
        const body = fromBinary(KdcReqBodySchema, m.body);
        m.body = toBinary(KdcReqBodySchema, { ...body, server: "v/elsewhere@EXAMPLE.TEST" });
      },
    },
    {
      what: "an unknown field in the body, covered by the authenticator",
      reason: "KRB_ERR_GENERIC",
      field: "body",
      alter: (m) => {
        m.body = Buffer.concat([m.body, UNKNOWN_FIELD]);
        m.authenticator = authenticate(tgt, TGS_USE, m.body);
      },
    },
    {
      what: "another client in the authenticator",
      reason: "KRB_AP_ERR_BADMATCH",
      alter: inAuthenticator(tgt, TGS_USE, (part) => (part.client = "bob@EXAMPLE.TEST")),
    },
    {
      what: "a nonce of 11 bytes in the authenticator",
      reason: "KRB_ERR_GENERIC",
      field: "authenticator.nonce",
      alter: inAuthenticator(tgt, TGS_USE, (part) => (part.nonce = part.nonce.subarray(0, 11))),
    },
    {
      what: "a subkey of another encryption type",
      reason: "KDC_ERR_ETYPE_NOSUPP",
      field: "authenticator.subkey",
      alter: inAuthenticator(tgt, TGS_USE, (part) => {
        part.subkey = toEncryptionKey(randomKey(etypeOf(19), random));
      }),
    },
    {
      what: "a ticket for a service in place of the TGT",
      reason: "KRB_AP_ERR_NOT_US",
      alter: (m) => {
        m.ticket = ticket.ticket;
        m.authenticator = authenticate(ticket, TGS_USE, m.body);
      },
    },
    {
      what: "a TGT with the flag RENEWABLE and no renew_till",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "ticket.renew_till",
      alter: (m) => inTgt(m, (part) => part.flags.unshift(TicketFlag.RENEWABLE)),
    },
    {
      what: "a TGT that crossed a realm",
      reason: "KDC_ERR_PATH_NOT_ACCEPTED",
      alter: (m) => inTgt(m, (part) => (part.transited = "OTHER.TEST")),
    },
  ];
  const fourth: Refused<GrantTicketResponse>[] = [
    {
      what: "another service",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "server",
      alter: inGrant((part) => (part.server = "v/elsewhere@EXAMPLE.TEST")),
    },
    {
      what: "sealed for key usage 9, under the session key",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: inGrant(() => {}, KeyUsage.TGS_REP_SUBKEY),
    },
  ];
  const fifth: Refused<AccessRequest>[] = [
    {
      what: "no subkey",
      reason: "KRB_ERR_GENERIC",
      field: "authenticator.subkey",
      alter: inAuthenticator(ticket, AP_USE, (part) => delete part.subkey),
    },
    {
      what: "a sequence number other than the one announced",
      reason: "KRB_AP_ERR_BADORDER",
      alter: inRequest((part) => (part.seqNumber += 1)),
    },
    {
      what: "an end marker",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "request",
      alter: inRequest((part) => (part.end = true)),
    },
    {
      what: "a request sealed for key usage 1025",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: inRequest(() => {}, KeyUsage.RESPONSE_DATA),
    },
  ];
  const sixth: Refused<AccessResponse>[] = [
    {
      what: "another nonce in the proof",
      reason: "KRB_AP_ERR_MUT_FAIL",
      alter: inProof((part) => part.nonce.reverse()),
    },
    {
      what: "another time in the proof",
      reason: "KRB_AP_ERR_MUT_FAIL",
      alter: inProof((part) => (part.ctime = toTimestamp(NOW + 1))),
    },
    {
      what: "no subkey in the proof",
      reason: "KRB_AP_ERR_MUT_FAIL",
      alter: inProof((part) => delete part.subkey),
    },
    {
      what: "a sequence number other than the one announced",
      reason: "KRB_AP_ERR_BADORDER",
      alter: inAnswer((part) => (part.seqNumber += 1)),
    },
    {
      what: "an end marker",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "response",
      alter: inAnswer((part) => (part.end = true)),
    },
  ];

  return [
    ...rows(1, AuthenticateRequestSchema, run.asReq, first),
    ...rows(2, AuthenticateResponseSchema, run.asRep, second),
    ...rows(3, GrantTicketRequestSchema, run.tgsReq.request, third),
    ...rows(4, GrantTicketResponseSchema, run.tgsRep, fourth),
    ...rows(5, AccessRequestSchema, run.apReq.request, fifth),
    ...rows(6, AccessResponseSchema, run.apRep, sixth),
  ];
}

function rows<Desc extends DescMessage>(
  message: number,
  schema: Desc,
  good: MessageShape<Desc>,
  refused: readonly Refused<MessageShape<Desc>>[],
) {
  return refused.map(({ what, reason, field, alter }) => {
    const altered = clone(schema, good);
    alter(altered);
    return { message, what, reason, field, bytes: hex(toBinary(schema, altered)) };
  });
}

function cannotOpen(): never {
  throw new Error("a vector tried to alter what it can't open");
}
