/**
 * Refusals on the wire, both ways: KrbError ↔ gRPC status with google.rpc.Status in
 * `grpc-status-details-bin`.
 *
 * Invariants. An unknown error leaves as INTERNAL with a fixed text, whatever it says.
 * KDC_ERR_C_PRINCIPAL_UNKNOWN and KDC_ERR_PREAUTH_FAILED leave as the same bytes: nobody learns from a
 * refusal who has an account.
 */
import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack, anyUnpack, durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { type EtypeInfo2, EtypeInfo2Schema } from "../gen/kerberos/v1/kdc_pb.js";
import { GuardChallengeSchema } from "../gen/kerberos/v1/session_pb.js";
import { KrbError, KrbErrorCode, type KrbErrorName } from "../protocol/krb-error.js";
import { asCallersSee } from "../protocol/pre-authentication.js";
import { STATUS_DETAILS_METADATA } from "./metadata-names.js";
import { RpcError } from "./rpc-error.js";

/** The `domain` of every ErrorInfo of this project. */
export const ERROR_DOMAIN = "tessera";

/** The text of every status whose cause is the server's alone to know. */
export const INTERNAL_TEXT = "internal error";

/** The end of a call: what a server interceptor's `sendStatus` and a handler's callback take. */
export interface CallStatus {
  readonly code: grpc.status;
  readonly details: string;
  readonly metadata: grpc.Metadata;
}

// Metadata is small by custom (8 KiB for all of it): these keep the trailer below 4 KiB, base64 and all.
const MAX_TEXT = 512;
const MAX_DETAIL = 1024;
const MAX_DETAILS = 1536;

const {
  FAILED_PRECONDITION,
  INTERNAL,
  INVALID_ARGUMENT,
  NOT_FOUND,
  OK,
  PERMISSION_DENIED,
  UNAUTHENTICATED,
  UNAVAILABLE,
  UNKNOWN,
} = grpc.status;

/** The gRPC code of every refusal. UNAVAILABLE is the only one worth repeating. */
export const GRPC_CODE: Readonly<Record<KrbErrorName, grpc.status>> = {
  KDC_ERR_NAME_EXP: FAILED_PRECONDITION,
  KDC_ERR_SERVICE_EXP: FAILED_PRECONDITION,
  KDC_ERR_C_PRINCIPAL_UNKNOWN: UNAUTHENTICATED,
  KDC_ERR_S_PRINCIPAL_UNKNOWN: NOT_FOUND,
  KDC_ERR_CANNOT_POSTDATE: FAILED_PRECONDITION,
  KDC_ERR_NEVER_VALID: FAILED_PRECONDITION,
  KDC_ERR_POLICY: PERMISSION_DENIED,
  KDC_ERR_BADOPTION: PERMISSION_DENIED,
  KDC_ERR_ETYPE_NOSUPP: FAILED_PRECONDITION,
  KDC_ERR_CLIENT_REVOKED: UNAUTHENTICATED,
  KDC_ERR_SERVICE_REVOKED: FAILED_PRECONDITION,
  KDC_ERR_TGT_REVOKED: UNAUTHENTICATED,
  KDC_ERR_KEY_EXPIRED: FAILED_PRECONDITION,
  KDC_ERR_PREAUTH_FAILED: UNAUTHENTICATED,
  KDC_ERR_PREAUTH_REQUIRED: UNAUTHENTICATED,
  KDC_ERR_MUST_USE_USER2USER: FAILED_PRECONDITION,
  KDC_ERR_PATH_NOT_ACCEPTED: PERMISSION_DENIED,
  KDC_ERR_SVC_UNAVAILABLE: UNAVAILABLE,
  KRB_AP_ERR_BAD_INTEGRITY: UNAUTHENTICATED,
  KRB_AP_ERR_TKT_EXPIRED: UNAUTHENTICATED,
  KRB_AP_ERR_TKT_NYV: UNAUTHENTICATED,
  KRB_AP_ERR_REPEAT: UNAUTHENTICATED,
  KRB_AP_ERR_NOT_US: UNAUTHENTICATED,
  KRB_AP_ERR_BADMATCH: UNAUTHENTICATED,
  KRB_AP_ERR_SKEW: UNAUTHENTICATED,
  KRB_AP_ERR_BADADDR: UNAUTHENTICATED,
  KRB_AP_ERR_MODIFIED: UNAUTHENTICATED,
  KRB_AP_ERR_BADORDER: UNAUTHENTICATED,
  KRB_AP_ERR_BADKEYVER: UNAUTHENTICATED,
  KRB_AP_ERR_NOKEY: UNAUTHENTICATED,
  KRB_AP_ERR_MUT_FAIL: UNAUTHENTICATED,
  KRB_AP_ERR_INAPP_CKSUM: UNAUTHENTICATED,
  KRB_ERR_GENERIC: INVALID_ARGUMENT,
  KRB_ERR_FIELD_TOOLONG: INVALID_ARGUMENT,
  KDC_ERR_WRONG_REALM: FAILED_PRECONDITION,
  KDC_ERR_MORE_PREAUTH_DATA_REQUIRED: UNAUTHENTICATED,
};

/**
 * The status that ends a call which failed with `error`. Never throws, and tells nothing of an unknown error.
 */
export function toStatus(error: unknown): CallStatus {
  if (error instanceof KrbError) return krbStatus(error);
  if (error instanceof RpcError) {
    return statusOf(error.code, error.details, retryInfo(error.retryAfterMs));
  }
  if (carriesStatus(error)) return statusOf(error.code, error.details, []);
  return statusOf(INTERNAL, INTERNAL_TEXT, []);
}

/** Whether `error` is one that names its own status; any other belongs in the log. */
export function hasStatus(error: unknown): boolean {
  return error instanceof KrbError || error instanceof RpcError || carriesStatus(error);
}

/**
 * The error behind a failed call, on the client: the same KrbError that the server threw, or an RpcError. An
 * error that is already one of these is returned as it is.
 */
export function fromServiceError(error: unknown): KrbError | RpcError {
  if (error instanceof KrbError || error instanceof RpcError) return error;
  if (!carriesStatus(error)) {
    const text = error instanceof Error ? error.message : String(error);
    return new RpcError(UNKNOWN, text, { cause: error });
  }
  const trailers = isMetadata(error.metadata) ? error.metadata : undefined;
  const details = readDetails(trailers);
  const refusal = details && readRefusal(details, error.details);
  if (refusal) return refusal;
  return new RpcError(error.code, error.details, {
    cause: error,
    trailers,
    retryAfterMs: details && readRetryAfter(details),
  });
}

function krbStatus(error: KrbError): CallStatus {
  const { reason, code, message, details, etypeInfo, challenge } = asCallersSee(error);
  const info = create(ErrorInfoSchema, {
    reason,
    domain: ERROR_DOMAIN,
    metadata: { ...clipped(details), number: String(code) },
  });
  const parts = [anyPack(ErrorInfoSchema, info)];
  if (etypeInfo !== undefined) parts.push(anyPack(EtypeInfo2Schema, etypeInfo));
  if (challenge !== undefined)
    parts.push(anyPack(GuardChallengeSchema, create(GuardChallengeSchema, { challenge })));
  return statusOf(GRPC_CODE[reason], message, parts);
}

function statusOf(code: grpc.status, text: string, parts: readonly Any[]): CallStatus {
  const details = clip(text, MAX_TEXT);
  const metadata = new grpc.Metadata();
  if (parts.length > 0) {
    const status = create(StatusSchema, { code, message: details, details: [...parts] });
    metadata.set(STATUS_DETAILS_METADATA, Buffer.from(toBinary(StatusSchema, status)));
  }
  return { code, details, metadata };
}

function retryInfo(retryAfterMs: number | undefined): Any[] {
  if (retryAfterMs === undefined) return [];
  const info = create(RetryInfoSchema, { retryDelay: durationFromMs(Math.max(0, Math.round(retryAfterMs))) });
  return [anyPack(RetryInfoSchema, info)];
}

// A store's or a system's error may have a number called `code` too: only one with `details` is a status.
function carriesStatus(error: unknown): error is { code: grpc.status; details: string; metadata?: unknown } {
  if (typeof error !== "object" || error === null) return false;
  const { code, details } = error as { code?: unknown; details?: unknown };
  if (typeof code !== "number" || typeof details !== "string") return false;
  return Number.isInteger(code) && code > OK && code <= UNAUTHENTICATED;
}

/** Metadata, of whichever copy of grpc-js: an application may have one of its own. */
function isMetadata(value: unknown): value is grpc.Metadata {
  return typeof (value as Partial<grpc.Metadata> | null | undefined)?.getMap === "function";
}

function clipped(details: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  let left = MAX_DETAILS;
  for (const [key, value] of Object.entries(details)) {
    const short = clip(value, Math.min(MAX_DETAIL, left));
    left -= Buffer.byteLength(key) + Buffer.byteLength(short);
    if (left <= 0) break;
    kept[key] = short;
  }
  return kept;
}

// Half a surrogate pair would make grpc-js throw when it encodes the status text, and end the process.
function clip(text: string, maxBytes: number): string {
  const whole = text.replace(/\p{Surrogate}/gu, "\uFFFD");
  const bytes = Buffer.from(whole, "utf8");
  if (bytes.length <= maxBytes) return whole;
  let end = Math.max(0, maxBytes - 3);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.toString("utf8", 0, end)}…`;
}

type Status = MessageShape<typeof StatusSchema>;

/** The details among the trailers of a call; undefined where there are none that can be read. */
export function readDetails(trailers: grpc.Metadata | undefined): Status | undefined {
  const bytes = trailers?.get(STATUS_DETAILS_METADATA)[0];
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    return fromBinary(StatusSchema, bytes);
  } catch {
    return undefined; // the peer's bytes: the call's code and text still stand
  }
}

function readRefusal(status: Status, text: string): KrbError | undefined {
  for (const part of status.details) {
    const info = unpack(part, ErrorInfoSchema);
    if (info?.domain !== ERROR_DOMAIN || !Object.hasOwn(KrbErrorCode, info.reason)) continue;
    const { number: _, ...details } = info.metadata;
    return new KrbError(
      info.reason as KrbErrorName,
      text,
      details,
      readEtypeInfo(status),
      readChallenge(status),
    );
  }
  return undefined;
}

function readEtypeInfo(status: Status): EtypeInfo2 | undefined {
  for (const part of status.details) {
    const info = unpack(part, EtypeInfo2Schema);
    if (info !== undefined) return info;
  }
  return undefined;
}

function readChallenge(status: Status): Uint8Array | undefined {
  for (const part of status.details) {
    const challenge = unpack(part, GuardChallengeSchema)?.challenge;
    if (challenge !== undefined && challenge.length > 0) return challenge;
  }
  return undefined;
}

function readRetryAfter(status: Status): number | undefined {
  for (const part of status.details) {
    const delay = unpack(part, RetryInfoSchema)?.retryDelay;
    if (delay !== undefined) return durationMs(delay);
  }
  return undefined;
}

function unpack<
  S extends
    | typeof ErrorInfoSchema
    | typeof RetryInfoSchema
    | typeof EtypeInfo2Schema
    | typeof GuardChallengeSchema,
>(part: Any, schema: S): MessageShape<S> | undefined {
  try {
    return anyUnpack(part, schema);
  } catch {
    return undefined;
  }
}
