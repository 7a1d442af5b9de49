/** Refusals: RFC 4120's name and number, and how they travel (docs/protocol.md, "Refusals"). Done for you. */
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

const { FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND, UNAUTHENTICATED } = grpc.status;

/** The refusals of the exercise: the RFC's number, and the gRPC code. */
const REASONS = {
  KDC_ERR_S_PRINCIPAL_UNKNOWN: [7, NOT_FOUND],
  KDC_ERR_NEVER_VALID: [11, FAILED_PRECONDITION],
  KDC_ERR_ETYPE_NOSUPP: [14, FAILED_PRECONDITION],
  KRB_AP_ERR_BAD_INTEGRITY: [31, UNAUTHENTICATED],
  KRB_AP_ERR_TKT_EXPIRED: [32, UNAUTHENTICATED],
  KRB_AP_ERR_TKT_NYV: [33, UNAUTHENTICATED],
  KRB_AP_ERR_REPEAT: [34, UNAUTHENTICATED],
  KRB_AP_ERR_NOT_US: [35, UNAUTHENTICATED],
  KRB_AP_ERR_BADMATCH: [36, UNAUTHENTICATED],
  KRB_AP_ERR_SKEW: [37, UNAUTHENTICATED],
  KRB_AP_ERR_MODIFIED: [41, UNAUTHENTICATED],
  KRB_AP_ERR_BADKEYVER: [44, UNAUTHENTICATED],
  KRB_AP_ERR_INAPP_CKSUM: [50, UNAUTHENTICATED],
  KRB_ERR_GENERIC: [60, INVALID_ARGUMENT],
} as const;

/** Throw it: the client sees the reason, its number and the text. */
export class Refusal extends Error {
  readonly reason: keyof typeof REASONS;

  constructor(reason: keyof typeof REASONS, text: string) {
    super(text);
    this.reason = reason;
  }
}

/** Throw it where the exercise goes on. */
export class NotWritten extends Error {}

/** The end of a call that failed. What is no Refusal goes to stderr, and the client learns nothing of it. */
export function statusOf(error: unknown): Partial<grpc.StatusObject> {
  if (error instanceof NotWritten) return { code: grpc.status.UNIMPLEMENTED, details: "not written yet" };
  if (!(error instanceof Refusal)) {
    console.error(error);
    return { code: grpc.status.INTERNAL, details: "internal error" };
  }
  const { reason, message } = error;
  const [number, code] = REASONS[reason];
  const info = create(ErrorInfoSchema, { reason, domain: "tessera", metadata: { number: String(number) } });
  const status = create(StatusSchema, { code, message, details: [anyPack(ErrorInfoSchema, info)] });
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
  return { code, details: message, metadata };
}
