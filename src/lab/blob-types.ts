/** The types of blob that can be told, a row each. */
import type { DescMessage } from "@bufbuild/protobuf";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { NoteRecordSchema } from "../gen/kerberos/storage/v1/note_record_pb.js";
import { SealedPrincipalRecordSchema } from "../gen/kerberos/storage/v1/principal_record_pb.js";
import {
  AccessRequestSchema,
  AccessResponseSchema,
  ApReqSchema,
} from "../gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../gen/kerberos/v1/encryption_pb.js";
import { ProtectedMessageSchema } from "../gen/kerberos/v1/guard_pb.js";
import { KdcReqBodySchema } from "../gen/kerberos/v1/kdc_pb.js";
import { TicketSchema } from "../gen/kerberos/v1/sealed_pb.js";
import { SessionCallSchema } from "../gen/kerberos/v1/session_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../gen/kerberos/v1/ticket_granting_service_pb.js";
import { decodeCanonical, NotCanonicalError } from "../protocol/strict-decode.js";
import {
  AP_REP_METADATA,
  AP_REQ_METADATA,
  CALL_METADATA,
  REPLY_METADATA,
  STATUS_DETAILS_METADATA,
} from "../rpc/metadata-names.js";
import { annotate, node } from "./bytes/annotate.js";
import type { ByteNode } from "./bytes/byte-node.js";
import { cacheTree, dumpTree, keytabTree } from "./bytes/files.js";
import { nodesOf } from "./bytes/found.js";
import { hexOf } from "./bytes/readable.js";
import { schemaNamed } from "./bytes/schemas.js";

/** A type of blob. */
export interface BlobType {
  /** As it is asked for: `as-req`. */
  readonly name: string;
  /** What it is, with the number of the message. */
  readonly title: string;
  /** The message's full name; undefined for what is no message. */
  readonly message?: string;
  /** Whether bytes are tried to be it unasked. Otherwise too much would be taken for it. */
  readonly isGuessed: boolean;
  /** The metadata of a call that holds it. */
  readonly header?: string;
  /** The tree of the bytes; undefined if they are something else. */
  readonly read: (bytes: Uint8Array) => ByteNode | undefined;
}

/** Every type of blob, in the order in which they are tried. */
export const BLOB_TYPES: readonly BlobType[] = [
  message("as-req", "AS-REQ, message (1)", AuthenticateRequestSchema, ["client", "nonce", "etypes"]),
  message("as-rep", "AS-REP, message (2)", AuthenticateResponseSchema, ["client", "ticket", "enc_part"]),
  message("tgs-req", "TGS-REQ, message (3)", GrantTicketRequestSchema, ["ticket", "authenticator", "body"]),
  message("tgs-rep", "TGS-REP, message (4)", GrantTicketResponseSchema, ["ticket", "enc_part"]),
  message("access-request", "AP-REQ with a sealed request, message (5)", AccessRequestSchema, [
    "ticket",
    "authenticator",
    "request",
  ]),
  message("access-response", "AP-REP with a sealed response, message (6)", AccessResponseSchema, [
    "ap_rep",
    "response",
  ]),
  message("ticket", "Ticket", TicketSchema, ["server", "enc_part"]),
  message("encrypted-data", "EncryptedData", EncryptedDataSchema, ["etype", "cipher"]),
  message("ap-req", "AP-REQ", ApReqSchema, ["ticket", "authenticator"], { header: AP_REQ_METADATA }),
  message("kdc-req-body", "KdcReqBody", KdcReqBodySchema, ["server", "nonce", "etypes"]),
  message(
    "session-call",
    "Proof of a call under a session",
    SessionCallSchema,
    ["session", "number", "mac"],
    {
      header: CALL_METADATA,
    },
  ),
  message("protected-message", "Message of a guarded call", ProtectedMessageSchema, ["checksum"]),
  message("status", "Status of a refused call", StatusSchema, ["code", "message"], {
    header: STATUS_DETAILS_METADATA,
  }),
  message("principal-record", "Stored principal", SealedPrincipalRecordSchema, ["version", "record", "seal"]),
  file("keytab", "Keytab of version 0x0502", keytabTree),
  file("ccache", "Credential cache of version 0x0504", cacheTree),
  file("dump", "Dump of a realm", dumpTree),
  // These look like others, or like anything.
  message("ap-rep", "AP-REP", EncryptedDataSchema, ["etype", "cipher"], {
    header: AP_REP_METADATA,
    isGuessed: false,
  }),
  message("note", "Stored note", NoteRecordSchema, ["modified"], { isGuessed: false }),
  {
    ...file("reply", "Proof of an answer under a session", replyTree),
    header: REPLY_METADATA,
    isGuessed: false,
  },
];

function message(
  name: string,
  title: string,
  schema: DescMessage,
  required: readonly string[],
  more: { readonly header?: string; readonly isGuessed?: boolean } = {},
): BlobType {
  const read = (bytes: Uint8Array) => messageTree(schema, required, bytes);
  return { name, title, message: schema.typeName, isGuessed: true, ...more, read };
}

function file(name: string, title: string, read: BlobType["read"]): BlobType {
  return { name, title, isGuessed: true, read };
}

/** The tree of a message in canonical form, whose required fields are set, as are all messages in it. */
function messageTree(
  schema: DescMessage,
  required: readonly string[],
  bytes: Uint8Array,
): ByteNode | undefined {
  if (!isCanonical(schema, bytes)) return undefined;
  const tree = annotate(schema, bytes);
  if (!required.every((name) => has(tree, name))) return undefined;
  for (const inner of nodesOf(tree)) {
    const type = schemaNamed(inner.type ?? "");
    if (type === undefined) continue;
    if (!isCanonical(type, bytes.subarray(inner.at, inner.at + inner.length))) return undefined;
    if (type === KdcReqBodySchema && !has(inner, "server")) return undefined;
  }
  return tree;
}

function has(tree: ByteNode, field: string): boolean {
  return tree.children.some(({ name }) => name === field);
}

/**
 * google.rpc.Status is no message of ours: it has no canonical form, and is taken if all of it can be read.
 */
function isCanonical(schema: DescMessage, bytes: Uint8Array): boolean {
  if (!schema.typeName.startsWith("kerberos.")) return isReadable(annotate(schema, bytes));
  try {
    decodeCanonical(schema, bytes);
    return true;
  } catch (error) {
    if (error instanceof NotCanonicalError) return false;
    throw error;
  }
}

function isReadable(tree: ByteNode): boolean {
  return ![...nodesOf(tree)].some(({ kind }) => kind === "unknown" || kind === "malformed");
}

/** The proof of an answer is a MAC and nothing else (session.proto, SessionReply). */
function replyTree(bytes: Uint8Array): ByteNode | undefined {
  if (bytes.length !== REPLY_SIZE) return undefined;
  const explanation =
    "The first 16 bytes of HMAC-SHA-256 under the session's key `reply` over the SessionReply, which never " +
    "travels.";
  return node("checksum", "mac", 0, bytes.length, { value: hexOf(bytes), explanation });
}

const REPLY_SIZE = 16;
