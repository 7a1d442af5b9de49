/**
 * What is serialized inside `bytes` fields: Kerberos puts messages into messages as bytes, because what is
 * checked or sealed is the bytes that travelled. A row for each such field.
 */
import { createRegistry, type DescMessage } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.js";
import {
  PrincipalRecordSchema,
  SealedPrincipalRecordSchema,
} from "../../gen/kerberos/storage/v1/principal_record_pb.js";
import { ApReqSchema } from "../../gen/kerberos/v1/application_service_pb.js";
import { EncryptedDataSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { ExtensionType } from "../../gen/kerberos/v1/extension_pb.js";
import { MessageKind } from "../../gen/kerberos/v1/guard_pb.js";
import { EtypeInfo2Schema, KdcReqBodySchema, PaDataType } from "../../gen/kerberos/v1/kdc_pb.js";
import { file_kerberos_v1_operations } from "../../gen/kerberos/v1/operations_pb.js";
import { AdIfRelevantSchema, TicketSchema } from "../../gen/kerberos/v1/sealed_pb.js";
import {
  GuardChallengeSchema,
  RepeatedAttemptSchema,
  SessionGrantSchema,
} from "../../gen/kerberos/v1/session_pb.js";
import { knownEtype } from "../../protocol/etypes.js";

/**
 * What tells a `bytes` field's contents: the field's own bytes, and the numbers and texts of fields beside
 * it.
 */
export interface Beside {
  readonly bytes: Uint8Array;
  /** The last number in the field of that name; undefined without one. */
  readonly number: (name: string) => number | undefined;
  /** The last text in the field of that name; empty without one. */
  readonly text: (name: string) => string;
}

type Inside = DescMessage | ((beside: Beside) => DescMessage | undefined);

/** Authorization data of type 1, AD-IF-RELEVANT (RFC 4120 §5.2.6.1). */
const AD_IF_RELEVANT = 1;

const ROWS: Readonly<Record<string, Inside>> = {
  "kerberos.v1.AuthenticateResponse.ticket": TicketSchema,
  "kerberos.v1.AuthenticateResponse.enc_part": EncryptedDataSchema,
  "kerberos.v1.GrantTicketRequest.ticket": TicketSchema,
  "kerberos.v1.GrantTicketRequest.authenticator": EncryptedDataSchema,
  "kerberos.v1.GrantTicketRequest.body": KdcReqBodySchema,
  "kerberos.v1.GrantTicketResponse.ticket": TicketSchema,
  "kerberos.v1.GrantTicketResponse.enc_part": EncryptedDataSchema,
  "kerberos.v1.AccessRequest.ticket": TicketSchema,
  "kerberos.v1.AccessRequest.authenticator": EncryptedDataSchema,
  "kerberos.v1.AccessRequest.request": EncryptedDataSchema,
  "kerberos.v1.AccessResponse.ap_rep": EncryptedDataSchema,
  "kerberos.v1.AccessResponse.response": EncryptedDataSchema,
  "kerberos.v1.ApReq.ticket": TicketSchema,
  "kerberos.v1.ApReq.authenticator": EncryptedDataSchema,
  "kerberos.v1.PaData.value": ({ number }) =>
    number("type") === PaDataType.ENC_TIMESTAMP ? EncryptedDataSchema : undefined,
  "kerberos.v1.Extension.data": ({ number, bytes }) => extension(number("type"), bytes),
  "kerberos.v1.AuthorizationData.data": ({ number }) =>
    number("type") === AD_IF_RELEVANT ? AdIfRelevantSchema : undefined,
  "kerberos.v1.EncPrivPart.user_data": ({ bytes }) => (isKnownAny(bytes) ? AnySchema : undefined),
  "kerberos.v1.ProtectedMessage.message": ({ number }) =>
    number("kind") === MessageKind.RENEWAL ? ApReqSchema : undefined,
  "google.protobuf.Any.value": ({ text }) => typeOf(text("type_url")),
  "kerberos.storage.v1.DumpRecord.record": SealedPrincipalRecordSchema,
  "kerberos.storage.v1.SealedPrincipalRecord.record": PrincipalRecordSchema,
};

/** The message that is serialized in a `bytes` field, given by its full name; undefined if there is none. */
export function insideOf(field: string, beside: Beside): DescMessage | undefined {
  const row = ROWS[field];
  return typeof row === "function" ? row(beside) : row;
}

function extension(type: number | undefined, bytes: Uint8Array): DescMessage | undefined {
  if (type === ExtensionType.REPEATS) return RepeatedAttemptSchema;
  return type === ExtensionType.SESSION && bytes.length > 0 ? SessionGrantSchema : undefined;
}

/** What a google.protobuf.Any of ours may hold: an operation of V, a status and its details. */
const IN_ANY = createRegistry(
  file_kerberos_v1_operations,
  StatusSchema,
  ErrorInfoSchema,
  BadRequestSchema,
  RetryInfoSchema,
  EtypeInfo2Schema,
  GuardChallengeSchema,
);

function typeOf(url: string): DescMessage | undefined {
  return IN_ANY.getMessage(url.slice(url.lastIndexOf("/") + 1));
}

/**
 * Whether bytes begin with the first field of an Any whose type is known: the application's may be anything.
 */
function isKnownAny(bytes: Uint8Array): boolean {
  const length = bytes[1];
  if (bytes[0] !== 0x0a || length === undefined || length > 0x7f) return false;
  const url = new TextDecoder().decode(bytes.subarray(2, 2 + length));
  return url.includes("/") && typeOf(url) !== undefined;
}

/** How many bytes at the end of a ciphertext are no cipher but a checksum, as they are. */
export function plainTail(
  etype: number,
): { readonly size: number; readonly explanation: string } | undefined {
  const last = knownEtype(etype)?.layout.at(-1);
  if (last?.size === undefined || last.enciphered) return undefined;
  return { size: last.size, explanation: last.explanation };
}
