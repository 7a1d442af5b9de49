/**
 * Between grpc-js and handlers: messages in, messages out, errors by status.ts. The generated `addXxx` functions end here.
 *
 * Invariants. A call gets exactly one status, and none once it is cancelled. What a handler throws without a status of its
 * own reaches `onInternalError` and never the wire. No promise is left to reject unseen: a handler that throws, whenever
 * and whatever, ends its call and not the process.
 */
import type { EventEmitter } from "node:events";
import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { RpcError } from "./rpc-error.js";
import { decodeRequest, encodeMessage, methodPath, serviceDefinition } from "./service-definition.js";
import { type CallStatus, hasStatus, toStatus } from "./status.js";

/** What a handler knows of its call. */
export interface HandlerContext {
  /** The method called, `/package.Service/Method`. */
  readonly method: string;
  /** The request metadata: the very object the interceptors passed on. */
  readonly metadata: grpc.Metadata;
  /** When the client stops waiting; undefined if it waits without limit. The server's own limits show in `signal` only. */
  readonly deadline: Date | undefined;
  /** Aborts when the call is cancelled, is out of time or, for a stream, the server shuts down; `reason` is an RpcError. */
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
  /** grpc-js's call, for what is not here: the peer's certificate. */
  readonly call: grpc.ServerUnaryCall<Buffer, Buffer> | StreamingCall;
}

/** What holds for all calls of a service. */
export interface ServiceOptions {
  /** Ends the service's streams with UNAVAILABLE. Unary calls run to their end: that is what draining waits for. */
  readonly shutdown?: AbortSignal | undefined;
  /** Told of every error that left as INTERNAL, with its cause: for the log. Must not throw. */
  readonly onInternalError?: ((error: unknown, context: HandlerContext) => void) | undefined;
  /** The full name to register under, instead of the descriptor's. */
  readonly typeName?: string | undefined;
}

/** The handler of one method. */
export type MethodHandler<M> = M extends { methodKind: infer K; input: infer I; output: infer O }
  ? I extends DescMessage
    ? O extends DescMessage
      ? K extends "unary"
        ? (request: MessageShape<I>, context: HandlerContext) => Promise<MessageInitShape<O>>
        : K extends "server_streaming"
          ? (request: MessageShape<I>, context: HandlerContext) => AsyncIterable<MessageInitShape<O>>
          : K extends "client_streaming"
            ? (
                requests: AsyncIterable<MessageShape<I>>,
                context: HandlerContext,
              ) => Promise<MessageInitShape<O>>
            : (
                requests: AsyncIterable<MessageShape<I>>,
                context: HandlerContext,
              ) => AsyncIterable<MessageInitShape<O>>
      : never
    : never
  : never;

/** The handlers of a service, by the methods' names in lower camel case. */
export type ServiceImplementation<S extends DescService> = {
  [K in keyof S["method"]]: MethodHandler<S["method"][K]>;
};

type StreamingCall =
  | grpc.ServerReadableStream<Buffer, Buffer>
  | grpc.ServerWritableStream<Buffer, Buffer>
  | grpc.ServerDuplexStream<Buffer, Buffer>;
type RespondingCall = grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;
type RequestingCall = grpc.ServerReadableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;

/**
 * Adds an implementation of a service to a server. Throws a TypeError if a method lacks its handler, and an Error if the
 * name is taken.
 */
export function addService<S extends DescService>(
  server: grpc.Server,
  service: S,
  implementation: ServiceImplementation<S>,
  options: ServiceOptions = {},
): void {
  const typeName = options.typeName ?? service.typeName;
  const streams = new Set<CallScope>();
  options.shutdown?.addEventListener("abort", () => {
    for (const scope of streams) scope.abort(shuttingDown());
  });
  const handlers: Record<string, grpc.UntypedHandleCall> = {};
  for (const method of service.methods) {
    const handler = (implementation as Record<string, unknown>)[method.localName];
    if (typeof handler !== "function") {
      throw new TypeError(`${typeName}: expected a handler ${method.localName}, got ${typeof handler}`);
    }
    const open: OpenCall = (call) => new CallScope(call, methodPath(method, typeName), options, streams);
    handlers[method.localName] = bridge(method, handler.bind(implementation), open);
  }
  server.addService(serviceDefinition(service, typeName), handlers);
}

type OpenCall = (call: HandlerContext["call"]) => CallScope;

// biome-ignore lint/suspicious/noExplicitAny: checked by ServiceImplementation, whose types are lost in a loop
type AnyHandler = (request: any, context: HandlerContext) => any;

function bridge(method: DescMethod, handler: AnyHandler, open: OpenCall): grpc.UntypedHandleCall {
  switch (method.methodKind) {
    case "unary":
      return bridgeUnary(method.input, method.output, handler, open);
    case "server_streaming":
      return bridgeServerStream(method.input, method.output, handler, open);
    case "client_streaming":
      return bridgeClientStream(method.input, method.output, handler, open);
    case "bidi_streaming":
      return bridgeBidiStream(method.input, method.output, handler, open);
  }
}

function bridgeUnary(
  input: DescMessage,
  output: DescMessage,
  handler: AnyHandler,
  open: OpenCall,
): grpc.handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const scope = open(call);
    void scope.settle(
      async () => encodeMessage(output, await handler(decodeRequest(input, call.request), scope)),
      (response) => respond(response, scope, callback),
      callback,
    );
  };
}

function bridgeClientStream(
  input: DescMessage,
  output: DescMessage,
  handler: AnyHandler,
  open: OpenCall,
): grpc.handleClientStreamingCall<Buffer, Buffer> {
  return (call, callback) => {
    const scope = open(call);
    void scope.settle(
      async () => {
        scope.holdUntilShutdown();
        const response = handler(receive(call, input, scope), scope);
        return encodeMessage(output, await unlessAborted(response, scope.signal));
      },
      (response) => respond(response, scope, callback),
      callback,
    );
  };
}

function bridgeServerStream(
  input: DescMessage,
  output: DescMessage,
  handler: AnyHandler,
  open: OpenCall,
): grpc.handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    const scope = open(call);
    void scope.settle(
      async () => {
        scope.holdUntilShutdown();
        await sendAll(call, output, handler(decodeRequest(input, call.request), scope), scope);
      },
      () => finish(call, scope),
      (status) => fail(call, status),
    );
  };
}

function bridgeBidiStream(
  input: DescMessage,
  output: DescMessage,
  handler: AnyHandler,
  open: OpenCall,
): grpc.handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    const scope = open(call);
    void scope.settle(
      async () => {
        scope.holdUntilShutdown();
        await sendAll(call, output, handler(receive(call, input, scope), scope), scope);
      },
      () => finish(call, scope),
      (status) => fail(call, status),
    );
  };
}

function respond(response: Buffer, scope: CallScope, callback: grpc.sendUnaryData<Buffer>): void {
  scope.sendHeaders();
  callback(null, response, scope.trailers);
}

function finish(call: RespondingCall, scope: CallScope): void {
  scope.sendHeaders();
  call.end(scope.trailers);
}

// grpc-js's way to end a stream with a status: its calls listen to their own "error".
function fail(call: RespondingCall, status: CallStatus): void {
  if (!call.destroyed) call.emit("error", status);
}

/** One call's context, and the end of it. */
class CallScope implements HandlerContext {
  readonly method: string;
  readonly call: HandlerContext["call"];
  readonly metadata: grpc.Metadata;
  readonly deadline: Date | undefined;
  readonly peer: string;
  readonly authority: string;
  readonly headers = new grpc.Metadata();
  readonly trailers = new grpc.Metadata();
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #options: ServiceOptions;
  readonly #streams: Set<CallScope>;
  readonly #timer: NodeJS.Timeout | undefined;
  #cancelled = false;
  #settled = false;
  #headersSent = false;

  constructor(
    call: HandlerContext["call"],
    method: string,
    options: ServiceOptions,
    streams: Set<CallScope>,
  ) {
    this.call = call;
    this.method = method;
    this.metadata = call.metadata;
    this.peer = call.getPeer();
    this.authority = call.getHost();
    this.signal = this.#controller.signal;
    this.#options = options;
    this.#streams = streams;
    const deadline = Number(call.getDeadline());
    if (Number.isFinite(deadline)) {
      this.deadline = new Date(deadline);
      // grpc-js ends the call itself, but tells of it only once all that was written before is read.
      const left = Math.min(Math.max(deadline - Date.now(), 0), 2 ** 31 - 1);
      this.#timer = setTimeout(() => this.abort(outOfTime()), left).unref();
    }
    (call as EventEmitter).on("cancelled", () => {
      this.#cancelled = true;
      // grpc-js says this after the status as well: a handler that is done is not told.
      if (!this.#settled) this.abort(Date.now() >= deadline ? outOfTime() : cancelled());
    });
    if (call.cancelled) this.abort(cancelled());
  }

  sendHeaders(): void {
    if (this.#headersSent) return;
    this.#headersSent = true;
    this.call.sendMetadata(this.headers);
  }

  /** Aborts the signal with this reason, if it has none yet. */
  abort(reason: RpcError): void {
    this.#controller.abort(reason);
  }

  /** Lets the end of the server end this call. */
  holdUntilShutdown(): void {
    this.#streams.add(this);
    if (this.#options.shutdown?.aborted) this.abort(shuttingDown());
    this.signal.throwIfAborted();
  }

  /** Runs a handler, then ends the call one way or the other. Never rejects. */
  async settle<T>(
    run: () => Promise<T>,
    succeed: (value: T) => void,
    refuse: (status: CallStatus) => void,
  ): Promise<void> {
    try {
      const value = await run();
      if (!this.#cancelled) succeed(value);
    } catch (thrown) {
      // A wait that the signal ended may throw its own AbortError: the call's end is why.
      const error = this.signal.aborted && isAbortError(thrown) ? this.signal.reason : thrown;
      if (!hasStatus(error)) this.#report(error);
      if (!this.#cancelled) {
        const status = toStatus(error);
        status.metadata.merge(this.trailers);
        refuse(status);
      }
    } finally {
      this.#settled = true;
      clearTimeout(this.#timer);
      this.#streams.delete(this);
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onInternalError?.(error, this);
    } catch {
      // the log is out of order; the call still gets its status
    }
  }
}

/** The requests of a stream. Throws KRB_ERR_GENERIC for a malformed one, and the signal's reason once it is aborted. */
async function* receive<S extends DescMessage>(
  call: RequestingCall,
  schema: S,
  scope: CallScope,
): AsyncGenerator<MessageShape<S>> {
  try {
    // Without this option Node destroys the whole call at the end of the requests, and no status is ever sent.
    for await (const bytes of call.iterator({ destroyOnReturn: false })) yield decodeRequest(schema, bytes);
  } catch (error) {
    scope.signal.throwIfAborted();
    throw error;
  }
}

/** Sends responses as fast as the client reads them. Throws what the responses throw, or the signal's reason. */
async function sendAll<S extends DescMessage>(
  call: RespondingCall,
  schema: S,
  responses: AsyncIterable<MessageInitShape<S>>,
  scope: CallScope,
): Promise<void> {
  const iterator = responses[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await unlessAborted(iterator.next(), scope.signal);
      if (step.done) return;
      scope.sendHeaders();
      if (!call.write(encodeMessage(schema, step.value))) await drained(call, scope.signal);
    }
  } catch (error) {
    // Not awaited: a generator that waits for something else gets this only when that wait ends.
    iterator.return?.().catch(() => {});
    throw error;
  }
}

/** The promise's outcome, or the signal's reason if that comes first; nothing is left waiting on the signal. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Until the call takes more, or the signal aborts. */
function drained(call: RespondingCall, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    const onAbort = () => {
      call.removeListener("drain", onDrain);
      reject(signal.reason);
    };
    if (signal.aborted) return reject(signal.reason);
    call.once("drain", onDrain);
    signal.addEventListener("abort", onAbort, { once: true });
  });
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

function shuttingDown(): RpcError {
  return new RpcError(grpc.status.UNAVAILABLE, "the server is shutting down");
}
