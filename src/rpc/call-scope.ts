/**
 * One call on the server: what its handler is told, and how it ends.
 *
 * Invariants. A call gets exactly one status, and none once it is cancelled. What a handler throws without a
 * status of its own reaches `onInternalError` and never the wire. `settle` never rejects: a handler that
 * throws, whenever and whatever, ends its call and not the process.
 */
import * as grpc from "@grpc/grpc-js";
import type { Chain, Link } from "../collections/chain.js";
import { nextTurn } from "./next-turn.js";
import { RpcError } from "./rpc-error.js";
import { type CallStatus, hasStatus, toStatus } from "./status.js";

/** What a handler knows of its call. */
export interface HandlerContext {
  /** The method called, `/package.Service/Method`. */
  readonly method: string;
  /** The request metadata: the very object that the interceptors passed on. */
  readonly metadata: grpc.Metadata;
  /**
   * When the client stops waiting; undefined if it waits without limit. The server's own limits show in
   * `signal` only.
   */
  readonly deadline: Date | undefined;
  /**
   * Aborts when the call is cancelled or out of time or, for a stream, when the server shuts down; `reason`
   * is an RpcError.
   */
  readonly signal: AbortSignal;
  /** The client's address and port. */
  readonly peer: string;
  /** The `:authority` the client called. */
  readonly authority: string;
  /** Initial response metadata: sent before the first response. */
  readonly headers: grpc.Metadata;
  /** Trailing response metadata: sent with the status. */
  readonly trailers: grpc.Metadata;
  /** Sends `headers` now. Without it they go with the first response. */
  sendHeaders(): void;
  /** The call itself, for what is not here: on grpc-js's servers, the peer's certificate. */
  readonly call: IncomingCall;
}

/** A call as a server gets it: grpc-js's own, or that of a server without sockets. */
export interface IncomingCall {
  readonly metadata: grpc.Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  /** The `:authority`. */
  getHost(): string;
  getDeadline(): grpc.Deadline;
  sendMetadata(headers: grpc.Metadata): void;
  on(event: "cancelled", listener: () => void): unknown;
}

/** grpc-js's timer may ring before the clock shows the time, in milliseconds. */
const CLOCK_NOISE_MS = 5;

/** Settings for all calls of a service. */
export interface ServiceOptions {
  /**
   * Ends the service's streams with UNAVAILABLE. Unary calls run to completion, and draining waits for them.
   */
  readonly shutdown?: AbortSignal | undefined;
  /** Told of every error that left as INTERNAL, for the log. Must not throw. */
  readonly onInternalError?: ((error: unknown, context: HandlerContext) => void) | undefined;
  /** The full name to register under, instead of the descriptor's. */
  readonly typeName?: string | undefined;
}

/** One call's context, and the end of it. */
export class CallScope implements HandlerContext {
  readonly method: string;
  readonly call: IncomingCall;
  readonly metadata: grpc.Metadata;
  readonly deadline: Date | undefined;
  readonly peer: string;
  readonly authority: string;
  /** Made on first use: most calls need neither. */
  #headers: grpc.Metadata | undefined;
  #trailers: grpc.Metadata | undefined;
  /** Made on first use: most handlers never ask for the signal, and making it costs as much as a hash. */
  #controller: AbortController | undefined;
  /** Why the call ended before its handler did. */
  #abortReason: RpcError | undefined;
  readonly #options: ServiceOptions;
  readonly #streams: Chain<CallScope>;
  /** Its place among the streams that end when the server shuts down. */
  #place: Link<CallScope> | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #cancelled = false;
  #settled = false;
  #headersSent = false;

  constructor(call: IncomingCall, method: string, options: ServiceOptions, streams: Chain<CallScope>) {
    this.call = call;
    this.method = method;
    this.metadata = call.metadata;
    this.peer = call.getPeer();
    this.authority = call.getHost();
    this.#options = options;
    this.#streams = streams;
    const deadline = Number(call.getDeadline());
    if (Number.isFinite(deadline)) {
      this.deadline = new Date(deadline);
      // grpc-js ends the call itself, but says so only once everything written before has been read.
      const left = Math.min(Math.max(deadline - Date.now(), 0), 2 ** 31 - 1);
      this.#timer = setTimeout(() => this.abort(outOfTime()), left).unref();
    }
    call.on("cancelled", () => {
      this.#cancelled = true;
      // grpc-js also says this after the status; a handler that is done is not told.
      const isOutOfTime = Date.now() >= deadline - CLOCK_NOISE_MS;
      if (!this.#settled) this.abort(isOutOfTime ? outOfTime() : cancelled());
    });
    if (call.cancelled) this.abort(cancelled());
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  get headers(): grpc.Metadata {
    this.#headers ??= new grpc.Metadata();
    return this.#headers;
  }

  get trailers(): grpc.Metadata {
    this.#trailers ??= new grpc.Metadata();
    return this.#trailers;
  }

  /** The trailers, if anything wrote to them. */
  get trailersIfAny(): grpc.Metadata | undefined {
    return this.#trailers;
  }

  sendHeaders(): void {
    if (this.#headersSent) return;
    this.#headersSent = true;
    this.call.sendMetadata(this.headers);
  }

  /** Sends what was written to `headers`; where nothing was, grpc-js's own go with the response. */
  sendHeadersIfAny(): void {
    if (this.#headers !== undefined) this.sendHeaders();
  }

  /** Aborts the signal with this reason, if it has none yet. */
  abort(reason: RpcError): void {
    this.#abortReason ??= reason;
    this.#controller?.abort(reason);
  }

  /** Has the call ended when the server shuts down. Throws why it has ended, if it has. */
  holdUntilShutdown(): void {
    this.#place = this.#streams.add(this);
    if (this.#options.shutdown?.aborted) this.abort(shuttingDown());
    if (this.#abortReason !== undefined) throw this.#abortReason;
  }

  /** Runs a handler at the next turn, then ends the call one way or the other. Never rejects. */
  async settle<T>(
    run: () => Promise<T>,
    succeed: (value: T) => void,
    refuse: (status: CallStatus) => void,
  ): Promise<void> {
    try {
      await nextTurn();
      // It ended while it waited: nobody is left to answer.
      if (this.#abortReason !== undefined) throw this.#abortReason;
      const value = await run();
      if (!this.#cancelled) succeed(value);
    } catch (thrown) {
      // A wait that the signal aborted may throw an AbortError of its own; the reason is the end of the call.
      const error = this.#abortReason !== undefined && isAbortError(thrown) ? this.#abortReason : thrown;
      if (!hasStatus(error)) this.#report(error);
      if (!this.#cancelled) {
        const status = toStatus(error);
        if (this.#trailers !== undefined) status.metadata.merge(this.#trailers);
        refuse(status);
      }
    } finally {
      this.#settled = true;
      clearTimeout(this.#timer);
      this.#streams.remove(this.#place);
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onInternalError?.(error, this);
    } catch {
      // the log is broken; the call still gets its status
    }
  }
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function cancelled(): RpcError {
  return new RpcError(grpc.status.CANCELLED, "the call was cancelled");
}

function outOfTime(): RpcError {
  return new RpcError(grpc.status.DEADLINE_EXCEEDED, "the call is out of time");
}

/** Why a stream ends when its server does. */
export function shuttingDown(): RpcError {
  return new RpcError(grpc.status.UNAVAILABLE, "the server is shutting down");
}
