/**
 * Between callers and a transport: the base of the generated clients. Messages become bytes here, and bytes
 * messages.
 *
 * Invariants. No call lacks a deadline. A call fails with a KrbError or an RpcError, never with grpc-js's own
 * error; an argument that is not a message of its type fails with what protobuf-es throws, before anything is
 * sent. A stream that its consumer abandons is cancelled.
 */
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { type Requests, receive, sendAll } from "./client-streams.js";
import { GrpcTransport } from "./grpc-transport.js";
import { decodeResponse, encodeMessage, methodPath } from "./service-definition.js";
import { fromServiceError } from "./status.js";
import { traceClientCall } from "./tracing.js";
import type { CallOptions, Transport, TransportOptions } from "./transport.js";

export type { CallOptions };

/** Settings of a client, for all its calls. */
export interface ClientOptions {
  /** How long a call may take unless it says otherwise, in milliseconds; 10 s by default. */
  readonly timeoutMs?: number | undefined;
  /** Interceptors of every call, outermost first. */
  readonly interceptors?: readonly grpc.Interceptor[] | undefined;
  /** grpc-js settings that differ from the usual ones; only for a channel that the client makes itself. */
  readonly channelOptions?: grpc.ChannelOptions | undefined;
}

/** How long a call may take by default, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** The base of the generated clients: a transport and the four kinds of call. */
export class ServiceClient {
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #interceptors: readonly grpc.Interceptor[];
  #closed = false;

  /** A client with a channel of its own, which `close` closes. */
  constructor(address: string, credentials: grpc.ChannelCredentials, options?: ClientOptions);
  /** A client over a channel that belongs to somebody else, who closes it. */
  constructor(channel: grpc.ChannelInterface, options?: ClientOptions);
  /** A client over a transport, which `close` closes. */
  constructor(transport: Transport, options?: ClientOptions);
  constructor(
    target: string | grpc.ChannelInterface | Transport,
    credentialsOrOptions?: grpc.ChannelCredentials | ClientOptions,
    maybeOptions?: ClientOptions,
  ) {
    const credentials = credentialsOrOptions as grpc.ChannelCredentials;
    const given = typeof target === "string" ? maybeOptions : (credentialsOrOptions as ClientOptions);
    const { timeoutMs = DEFAULT_TIMEOUT_MS, interceptors = [], channelOptions } = given ?? {};
    this.#timeoutMs = timeoutMs;
    this.#interceptors = interceptors;
    if (typeof target === "string") this.#transport = new GrpcTransport(target, credentials, channelOptions);
    else this.#transport = "unary" in target ? target : new GrpcTransport(target);
  }

  /**
   * The channel, for a client of another service on the same connection. Throws TypeError where the transport
   * has none.
   */
  get channel(): grpc.ChannelInterface {
    return this.#grpc.channel;
  }

  /** Ends the client: its own channel is closed; running calls go on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** One request, one response. */
  protected async callUnary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    this.#checkOpen(options);
    const bytes = encodeMessage(method.input, request);
    const path = methodPath(method);
    const span = traceClientCall(path);
    const { metadata, ...completed } = this.#completed(options);
    let reply: Buffer;
    try {
      reply = await this.#transport.unary(path, bytes, {
        ...completed,
        metadata: span === undefined ? metadata : span.injected(metadata),
      });
    } catch (thrown) {
      const error = fromServiceError(thrown);
      span?.fail(error);
      throw error;
    }
    span?.end(grpc.status.OK);
    return decodeResponse(method.output, reply);
  }

  /**
   * Requests until they end, then one response. A failure of `requests` cancels the call and is thrown as it
   * is.
   */
  protected async callClientStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodClientStreaming<I, O>,
    requests: Requests<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    this.#checkOpen(options);
    const path = methodPath(method);
    const reply = await new Promise<Buffer>((resolve, reject) => {
      const call = this.#grpc.clientStream(path, this.#completed(options), (error, response) => {
        sending.stop();
        if (error) reject(error);
        else resolve(response!);
      });
      const sending = sendAll(call, method.input, requests, (error) => {
        reject(error);
        call.cancel();
      });
    });
    return decodeResponse(method.output, reply);
  }

  /** One request, responses until they end. The call starts when the first response is asked for. */
  protected async *callServerStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    this.#checkOpen(options);
    const bytes = encodeMessage(method.input, request);
    const { call, release } = this.#grpc.serverStream(methodPath(method), bytes, this.#completed(options));
    try {
      yield* receive(call, method.output, this.#grpc.failure);
    } finally {
      release();
      call.cancel();
    }
  }

  /**
   * Requests and responses side by side. The call starts when the first response is asked for. A failure of
   * `requests` cancels the call and is thrown as it is.
   */
  protected async *callBidiStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    requests: Requests<I>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    this.#checkOpen(options);
    const { call, release } = this.#grpc.bidiStream(methodPath(method), this.#completed(options));
    const sending = sendAll(call, method.input, requests, () => call.cancel());
    try {
      yield* receive(call, method.output, this.#grpc.failure);
    } catch (error) {
      if (sending.failure) throw sending.failure.error;
      throw error;
    } finally {
      release();
      sending.stop();
      call.cancel();
    }
  }

  /** Streams are grpc-js's alone. */
  get #grpc(): GrpcTransport {
    if (this.#transport instanceof GrpcTransport) return this.#transport;
    throw new TypeError("this client's transport carries unary calls only");
  }

  #checkOpen(options: CallOptions): void {
    if (this.#closed) throw new TypeError("the client is closed");
    if (options.signal?.aborted) throw cancelledHere(options.signal);
  }

  #completed({ timeoutMs = this.#timeoutMs, interceptors = [], ...options }: CallOptions): TransportOptions {
    return {
      ...options,
      deadline: options.deadline ?? Date.now() + timeoutMs,
      // In grpc-js a call's own list would replace the client's; here the two add up.
      interceptors: [...this.#interceptors, ...interceptors],
    };
  }
}

function cancelledHere(signal: AbortSignal): Error {
  return fromServiceError({
    code: grpc.status.CANCELLED,
    details: "the call was cancelled before it started",
    cause: signal.reason,
  });
}
