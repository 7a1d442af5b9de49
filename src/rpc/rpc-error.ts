/**
 * Failures of a call that Kerberos has no name for: connection, deadline, limits, methods and names that do
 * not exist. A handler throws it to end its call so; a client throws it when a call has ended so.
 */
import * as grpc from "@grpc/grpc-js";
import { ReadableError } from "../errors/readable-error.js";

const HINTS: Partial<Record<grpc.status, string>> = {
  [grpc.status.UNAVAILABLE]:
    "is the server running at that address? If it is, wait a little and repeat the call",
  [grpc.status.DEADLINE_EXCEEDED]: "no answer in time: check address and network, or allow more time",
  [grpc.status.RESOURCE_EXHAUSTED]: "wait before repeating the call, or send less",
  [grpc.status.UNIMPLEMENTED]: "the server has no such method: is it the right address?",
};

/** What an RpcError may carry besides its code and text. */
export interface RpcErrorOptions {
  /** What the reader can do about it, instead of what fits the code. */
  readonly hint?: string | undefined;
  /** What led to it; stays on this side of the wire. */
  readonly cause?: unknown;
  /** How long to wait before repeating the call, in milliseconds; travels as google.rpc.RetryInfo. */
  readonly retryAfterMs?: number | undefined;
  /** The trailers of the call that ended so; set on the client only. */
  readonly trailers?: grpc.Metadata | undefined;
}

/** A call that ended with a status other than OK and other than a Kerberos refusal. */
export class RpcError extends ReadableError {
  override readonly name = "RpcError";
  /** The gRPC status code. */
  readonly code: grpc.status;
  /** Its name: `UNAVAILABLE`. */
  readonly codeName: string;
  /** The status text; the same as `message`. */
  readonly details: string;
  /** How long the server asks to wait before the call is repeated, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The trailers of the call, where this error came off the wire. */
  readonly trailers: grpc.Metadata | undefined;

  constructor(code: grpc.status, text: string, options: RpcErrorOptions = {}) {
    super(text, { hint: options.hint ?? HINTS[code], ...("cause" in options && { cause: options.cause }) });
    this.code = code;
    this.codeName = grpc.status[code] ?? `code ${code}`;
    this.details = text;
    this.retryAfterMs = options.retryAfterMs;
    this.trailers = options.trailers;
  }

  override get text() {
    return `${this.message} (${this.codeName})`;
  }

  override get facts() {
    return { reason: this.codeName };
  }
}
