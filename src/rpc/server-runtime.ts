/**
 * Between a server and handlers: messages in, messages out, each call ended by its CallScope. The generated
 * `addXxx` functions end here. The server is grpc-js's; of one without sockets, a unary method asks no more
 * than `UnaryMethod` says.
 */
import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import { Chain } from "../collections/chain.js";
import {
  CallScope,
  type HandlerContext,
  type IncomingCall,
  type ServiceOptions,
  shuttingDown,
} from "./call-scope.js";
import { decodeRequest, encodeMessage, methodPath, serviceDefinition } from "./service-definition.js";
import type { CallStatus } from "./status.js";

export type { HandlerContext, ServiceOptions };

/** What services are added to: a grpc-js server, or anything else that brings calls to their methods. */
export type ServiceHost = Pick<grpc.Server, "addService">;

/** A unary method as its server calls it: bytes in, bytes or a status out. */
export type UnaryMethod = (
  call: IncomingCall & { readonly request: Buffer },
  callback: grpc.sendUnaryData<Buffer>,
) => void;

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

type RespondingCall = grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;
type RequestingCall = grpc.ServerReadableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;

/**
 * Adds an implementation of a service to a server. Throws a TypeError if a method lacks its handler, and an
 * Error if the name is taken.
 */
export function addService<S extends DescService>(
  server: ServiceHost,
  service: S,
  implementation: ServiceImplementation<S>,
  options: ServiceOptions = {},
): void {
  const typeName = options.typeName ?? service.typeName;
  const streams = new Chain<CallScope>();
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

type OpenCall = (call: IncomingCall) => CallScope;

// biome-ignore lint/suspicious/noExplicitAny: checked by ServiceImplementation; a loop loses its types
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
): UnaryMethod {
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
  scope.sendHeadersIfAny();
  callback(null, response, scope.trailersIfAny);
}

function finish(call: RespondingCall, scope: CallScope): void {
  scope.sendHeaders();
  call.end(scope.trailersIfAny);
}

// grpc-js's way to end a stream with a status: its calls listen to their own "error".
function fail(call: RespondingCall, status: CallStatus): void {
  if (!call.destroyed) call.emit("error", status);
}

/**
 * The requests of a stream. Throws KRB_ERR_GENERIC for a malformed one, and the signal's reason once it is
 * aborted.
 */
async function* receive<S extends DescMessage>(
  call: RequestingCall,
  schema: S,
  scope: CallScope,
): AsyncGenerator<MessageShape<S>> {
  try {
    // Without this option Node destroys the whole call at the end of the requests, and no status is ever
    // sent.
    for await (const bytes of call.iterator({ destroyOnReturn: false })) yield decodeRequest(schema, bytes);
  } catch (error) {
    scope.signal.throwIfAborted();
    throw error;
  }
}

/**
 * Sends responses as fast as the client reads them. Throws what the responses throw, or the signal's reason.
 */
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

/**
 * The promise's outcome, or the signal's reason if that comes first; nothing is left waiting on the signal.
 */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Waits until the call takes more, or the signal aborts. */
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
