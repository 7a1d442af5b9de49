/**
 * Makes the negative vectors of docs/protocol.md: messages of the exchange of each encryption type, each
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
import { MessageKind } from "../../src/gen/kerberos/v1/guard_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { TicketFlag, TicketSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  type GrantTicketRequest,
  GrantTicketRequestSchema,
  type GrantTicketResponse,
  GrantTicketResponseSchema,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { openAccessRep, verifyAccessReq } from "../../src/protocol/access-exchange.js";
import { issueTgt, openAsRep } from "../../src/protocol/as-exchange.js";
import { AP_USE, TGS_USE } from "../../src/protocol/authenticator.js";
import { toEncryptionKey } from "../../src/protocol/encryption-key.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { makeEncTimestamp } from "../../src/protocol/pre-authentication.js";
import { openTgsRep, verifyTgsReq } from "../../src/protocol/tgs-exchange.js";
import { alterationsOf, UNKNOWN_FIELD } from "./exchange-alterations.js";
import { ETYPES, NOW, runExchange, TILL } from "./exchange-vectors.js";
import { hex } from "./recorded-random.js";

/** Encryption types without key usages: what is sealed for one use opens for another. */
const WITHOUT_USAGE: readonly number[] = [3, -1, -2];

/** A message that must be refused. */
interface Refused<Message> {
  readonly what: string;
  readonly reason: KrbErrorName;
  /** What the refusal names as wrong, where it names a field. */
  readonly field?: string;
  readonly alter: (message: Message) => void;
}

/** Reads each message as its receiver does, at the vector's time. Throws the KrbError of a refusal. */
export async function readers(
  etype: number,
): Promise<Readonly<Record<string, (bytes: Uint8Array) => unknown>>> {
  const run = await runExchange(etype);
  return {
    1: (bytes) => issueTgt(fromBinary(AuthenticateRequestSchema, bytes), run.asContext, NOW),
    2: (bytes) => openAsRep(fromBinary(AuthenticateResponseSchema, bytes), run.asReq, run.clientKey, NOW),
    3: (bytes) => verifyTgsReq(fromBinary(GrantTicketRequestSchema, bytes), run.krbtgt, run.policy, NOW),
    4: (bytes) => openTgsRep(fromBinary(GrantTicketResponseSchema, bytes), run.tgsReq.pending, NOW),
    5: (bytes) => verifyAccessReq(fromBinary(AccessRequestSchema, bytes), run.servicePolicy, NOW),
    6: (bytes) => openAccessRep(fromBinary(AccessResponseSchema, bytes), run.apReq.pending),
  };
}

/** The negative vectors of every encryption type. */
export async function makeRefusedVectors() {
  return (await Promise.all(ETYPES.map(makeRefusedOf))).flat();
}

/** The negative vectors of an encryption type, message by message. */
async function makeRefusedOf(etype: number) {
  const run = await runExchange(etype);
  const { clientKey, tgt, ticket } = run;
  const alterations = alterationsOf(run);
  const { random, reseal, reframe, replain, authenticate } = alterations;
  const { inTgt, inAuthenticator, inRequest, inReply, inGrant, inProof, inAnswer } = alterations;
  const row = etypeOf(etype);
  const other = etypeOf(etype === 20 ? 19 : 20);
  const andUnknown = (plaintext: Uint8Array) => Buffer.concat([plaintext, UNKNOWN_FIELD]);
  const turned = (bytes: Uint8Array) => reframe(bytes, ({ cipher }) => (cipher[cipher.length - 1]! ^= 1));
  /** Rows that make sense for some encryption types only. */
  const where = <T>(condition: boolean, ...rows: T[]): T[] => (condition ? rows : []);
  const padded = row.messageBlockSize > 1;
  const knowsUsage = !WITHOUT_USAGE.includes(etype);

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
        m.padata[0]!.value = replain(clientKey, KeyUsage.PA_ENC_TIMESTAMP, m.padata[0]!.value, andUnknown);
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
      alter: inReply((part) => part.etypes.push(other.etype)),
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
      alter: inReply((part) => (part.key = toEncryptionKey(randomKey(other, random)))),
    },
    {
      what: "an unknown field beneath the seal",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: (m) => (m.encPart = replain(clientKey, KeyUsage.AS_REP, m.encPart, andUnknown)),
    },
    {
      what: "a part of another kind: that of a TGS reply",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: (m) => {
        const kind = "encAsRepPart";
        m.encPart = reseal(clientKey, KeyUsage.AS_REP, kind, m.encPart, () => {}, "encTgsRepPart");
      },
    },
    {
      what: "an EncryptedData of another encryption type",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: (m) => (m.encPart = reframe(m.encPart, (data) => (data.etype = other.etype))),
    },
    {
      what: "a session key a byte too long",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "reply.key",
      alter: inReply((part) => (part.key!.key = Buffer.concat([part.key!.key, Buffer.of(1)]))),
    },
    ...where<Refused<AuthenticateResponse>>(row.weak, {
      what: "a weak session key",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "reply.key",
      alter: inReply((part) => (part.key!.key = new Uint8Array(row.keySize).fill(1))),
    }),
    ...where<Refused<AuthenticateResponse>>(row.integrity, {
      what: "a bit of the seal turned over",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: (m) => (m.encPart = turned(m.encPart)),
    }),
    ...where<Refused<AuthenticateResponse>>(
      padded,
      {
        what: "a padding byte that is not zero",
        reason: "KRB_AP_ERR_BAD_INTEGRITY",
        alter: (m) => {
          const padding = (plaintext: Uint8Array) => Buffer.concat([plaintext, Buffer.of(1)]);
          m.encPart = replain(clientKey, KeyUsage.AS_REP, m.encPart, padding);
        },
      },
      {
        what: "eight zeros more than the padding",
        reason: "KRB_AP_ERR_BAD_INTEGRITY",
        alter: (m) => {
          const padding = (plaintext: Uint8Array) => Buffer.concat([plaintext, Buffer.alloc(8)]);
          m.encPart = replain(clientKey, KeyUsage.AS_REP, m.encPart, padding);
        },
      },
    ),
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
      what: "a checksum of another type",
      reason: "KRB_AP_ERR_INAPP_CKSUM",
      alter: inAuthenticator(tgt, TGS_USE, (part) => (part.checksum!.type = other.checksumType)),
    },
    ...where<Refused<GrantTicketRequest>>(row.integrity, {
      what: "a bit of the ticket's seal turned over",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: (m) => {
        const clear = fromBinary(TicketSchema, m.ticket);
        const { cipher } = clear.encPart!;
        cipher[cipher.length - 1]! ^= 1;
        m.ticket = toBinary(TicketSchema, clear);
      },
    }),
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
        part.subkey = toEncryptionKey(randomKey(other, random));
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
    ...where<Refused<GrantTicketResponse>>(knowsUsage, {
      what: "sealed for key usage 9, under the session key",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: inGrant(() => {}, KeyUsage.TGS_REP_SUBKEY),
    }),
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
      alter: inRequest((part) => (part.kind = MessageKind.END)),
    },
    {
      what: "a request other than the one the authenticator covers",
      reason: "KRB_AP_ERR_MODIFIED",
      field: "checksum",
      alter: (m) => (m.request = turned(m.request)),
    },
    ...where<Refused<AccessRequest>>(knowsUsage, {
      what: "a request sealed for key usage 1025",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: inRequest(() => {}, KeyUsage.RESPONSE_DATA),
    }),
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
      alter: inAnswer((part) => (part.kind = MessageKind.END)),
    },
    ...where<Refused<AccessResponse>>(row.integrity, {
      what: "a bit of the answer turned over",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      alter: (m) => (m.response = turned(m.response)),
    }),
  ];

  return [
    ...rows(etype, 1, AuthenticateRequestSchema, run.asReq, first),
    ...rows(etype, 2, AuthenticateResponseSchema, run.asRep, second),
    ...rows(etype, 3, GrantTicketRequestSchema, run.tgsReq.request, third),
    ...rows(etype, 4, GrantTicketResponseSchema, run.tgsRep, fourth),
    ...rows(etype, 5, AccessRequestSchema, run.apReq.request, fifth),
    ...rows(etype, 6, AccessResponseSchema, run.apRep, sixth),
  ];
}

function rows<Desc extends DescMessage>(
  etype: number,
  message: number,
  schema: Desc,
  good: MessageShape<Desc>,
  refused: readonly Refused<MessageShape<Desc>>[],
) {
  return refused.map(({ what, reason, field, alter }) => {
    const altered = clone(schema, good);
    alter(altered);
    return { etype, message, what, reason, field, bytes: hex(toBinary(schema, altered)) };
  });
}
