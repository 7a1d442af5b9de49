/**
 * What a blob is. Protobuf does not say, so each type is tried in its canonical form; a type whose required
 * fields are missing is not a candidate. What is sealed inside is opened with whatever keys there are: the
 * kind of the part and its key usage are found by trying too, because the seal tells.
 */
import { type DescMessage, isFieldSet, type Message } from "@bufbuild/protobuf";
import {
  AccessRequestSchema,
  AccessResponseSchema,
  ApReqSchema,
} from "../gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import { type EncryptedData, EncryptedDataSchema } from "../gen/kerberos/v1/encryption_pb.js";
import { type KdcReqBody, KdcReqBodySchema, type PaData } from "../gen/kerberos/v1/kdc_pb.js";
import { type Ticket, TicketSchema } from "../gen/kerberos/v1/sealed_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../gen/kerberos/v1/ticket_granting_service_pb.js";
import { decodeCanonical, NotCanonicalError } from "../protocol/strict-decode.js";
import { type Disclosure, type Field, fieldsOf } from "./fields.js";
import { type NamedKey, type OpenedPart, openPart } from "./open-part.js";

/** A type of blob. */
export interface BlobType {
  /** As it is asked for: `as-req`. */
  readonly name: string;
  /** What it is, with the number of the message. */
  readonly title: string;
  readonly schema: DescMessage;
  /** Fields that must be set for a guess to count. */
  readonly required: readonly string[];
  /**
   * Fields that hold something sealed: a Ticket, an EncryptedData, or either in bytes. Empty: the blob
   * itself.
   */
  readonly sealed: readonly string[];
}

/** Every type of blob, in the order in which they are tried. */
export const BLOB_TYPES: readonly BlobType[] = [
  row("as-req", "AS-REQ, message (1)", AuthenticateRequestSchema, ["client", "nonce", "etypes"], ["padata"]),
  row("as-rep", "AS-REP, message (2)", AuthenticateResponseSchema, ["client", "ticket", "enc_part"]),
  row("tgs-req", "TGS-REQ, message (3)", GrantTicketRequestSchema, ["ticket", "authenticator", "body"]),
  row("tgs-rep", "TGS-REP, message (4)", GrantTicketResponseSchema, ["ticket", "enc_part"]),
  row("access-request", "AP-REQ with a sealed request, message (5)", AccessRequestSchema, [
    "ticket",
    "authenticator",
    "request",
  ]),
  row("access-response", "AP-REP with a sealed response, message (6)", AccessResponseSchema, [
    "ap_rep",
    "response",
  ]),
  row("ticket", "Ticket", TicketSchema, ["server", "enc_part"], ["enc_part"]),
  row("encrypted-data", "EncryptedData", EncryptedDataSchema, ["etype", "cipher"], [""]),
  row("ap-req", "AP-REQ", ApReqSchema, ["ticket", "authenticator"]),
  row("kdc-req-body", "KdcReqBody", KdcReqBodySchema, ["server", "nonce", "etypes"], []),
];

function row(
  name: string,
  title: string,
  schema: DescMessage,
  required: readonly string[],
  sealed: readonly string[] = required.filter((field) => field !== "client" && field !== "body"),
): BlobType {
  return { name, title, schema, required, sealed };
}

/** A blob whose type is known. */
export interface Blob {
  readonly type: BlobType;
  readonly message: Message;
  readonly bytes: Uint8Array;
}

/** What is in a blob. */
export interface BlobContents {
  /** The fields in clear. */
  readonly clear: readonly Field[];
  readonly sealed: readonly OpenedPart[];
}

/**
 * Finds out what a blob is, given as base64, as hex or as the bytes themselves.
 * @param types those it may be, in the order in which to try them.
 * @returns undefined if it is none of them.
 */
export function identify(input: Uint8Array, types: readonly BlobType[] = BLOB_TYPES): Blob | undefined {
  for (const bytes of readings(input))
    for (const type of types) {
      const message = tryDecode(type, bytes);
      if (message !== undefined) return { type, message, bytes };
    }
  return undefined;
}

/** Reads a blob, and opens with the given keys what is sealed in it. */
export function readBlob(
  { type, message }: Blob,
  keys: readonly NamedKey[],
  disclosure: Disclosure,
): BlobContents {
  const body = bodyOf(message);
  const clear = fieldsOf(type.schema, message, disclosure, [...type.sealed, "body"]);
  if (body !== undefined)
    clear.push({ name: "body", value: { fields: fieldsOf(KdcReqBodySchema, body, disclosure) } });
  const sealed = type.sealed.flatMap((field) =>
    sealedIn(type.schema, field, message).map((data) => openPart(field, data, keys, disclosure)),
  );
  return { clear, sealed };
}

/** The ways to read the input: its text as hex or base64, or its bytes. */
function* readings(input: Uint8Array): Generator<Uint8Array> {
  const text = Buffer.from(input).toString("latin1").replaceAll(/\s+/g, "");
  const hex = text.replace(/^0x/, "");
  if (/^(?:[0-9a-fA-F]{2})+$/.test(hex)) yield Buffer.from(hex, "hex");
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) yield Buffer.from(text, "base64");
  yield input;
}

/**
 * The message if the bytes are one of that type, with everything sealed and serialized in it; otherwise
 * undefined.
 */
function tryDecode({ schema, required, sealed }: BlobType, bytes: Uint8Array): Message | undefined {
  try {
    const message = decodeCanonical(schema, bytes);
    const isSet = (name: string) => {
      const field = schema.fields.find((candidate) => candidate.name === name);
      return field !== undefined && isFieldSet(message, field);
    };
    if (!required.every(isSet)) return undefined;
    for (const field of sealed) sealedIn(schema, field, message);
    return bodyOf(message)?.server === "" ? undefined : message;
  } catch (error) {
    if (error instanceof NotCanonicalError) return undefined;
    throw error;
  }
}

/**
 * The body of a TGS-REQ; undefined for other messages. Throws NotCanonicalError if it holds something else.
 */
function bodyOf(message: Message): KdcReqBody | undefined {
  const { body } = message as { body?: Uint8Array };
  return body === undefined ? undefined : decodeCanonical(KdcReqBodySchema, body);
}

/** What is sealed in a field. Throws NotCanonicalError if the field holds something else. */
function sealedIn(schema: DescMessage, name: string, message: Message): EncryptedData[] {
  if (name === "") return [message as EncryptedData];
  const field = schema.fields.find((candidate) => candidate.name === name);
  const value = field && (message as unknown as Record<string, unknown>)[field.localName];
  if (name === "padata")
    return (value as readonly PaData[]).map((padata) => decodeCanonical(EncryptedDataSchema, padata.value));
  if (!(value instanceof Uint8Array)) return [value as EncryptedData];
  if (name !== "ticket") return [decodeCanonical(EncryptedDataSchema, value)];
  const { encPart }: Ticket = decodeCanonical(TicketSchema, value);
  return encPart === undefined ? [] : [encPart];
}
