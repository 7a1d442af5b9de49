/**
 * The seam between messages and what carries them: a client's unary calls as bytes. grpc-js is behind it
 * (grpc-transport.ts) and so may be anything else that brings a request to a server and an answer back.
 */
import type * as grpc from "@grpc/grpc-js";

/** Settings of one call. */
export interface CallOptions {
  /** How long the call may take, in milliseconds; `Infinity` for a stream without end. */
  readonly timeoutMs?: number | undefined;
  /**
   * When the call must have ended, a number in milliseconds since the epoch; takes precedence over
   * `timeoutMs`.
   */
  readonly deadline?: Date | number | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** Request metadata; neither kept nor changed. */
  readonly metadata?: grpc.Metadata | undefined;
  /** Call credentials, asked once per attempt. */
  readonly credentials?: grpc.CallCredentials | undefined;
  /** More interceptors, inside the client's own. */
  readonly interceptors?: readonly grpc.Interceptor[] | undefined;
  /** Told of the initial response metadata, before any response. */
  readonly onHeaders?: ((headers: grpc.Metadata) => void) | undefined;
  /** Told of the trailing metadata, when the call has ended. */
  readonly onTrailers?: ((trailers: grpc.Metadata) => void) | undefined;
}

/** Settings of one call as a transport gets them: with a deadline, and with all of its interceptors. */
export interface TransportOptions extends Omit<CallOptions, "timeoutMs"> {
  readonly deadline: Date | number;
}

/** Carries unary calls to one server. */
export interface Transport {
  /**
   * Makes one call. Interceptors and call credentials are grpc-js's own: another transport has no use for
   * them.
   * @param method `/package.Service/Method`.
   * @param request the request as it travels.
   * @returns the response as it travels. Rejects with a gRPC status (`code`, `details`, `metadata`), which
   *   the caller reads as it reads grpc-js's own.
   */
  unary(method: string, request: Buffer, options: TransportOptions): Promise<Buffer>;
  /** Takes no more calls; those under way go on. */
  close(): void;
}
