/**
 * Between callers and grpc-js: the base of the generated clients.
 *
 * Invariants. No call lacks a deadline. A call fails with a KrbError or an RpcError, never with grpc-js's own
 * error; an argument that is not a message of its type fails with what protobuf-es throws, before anything is
 * sent. A stream that its consumer abandons is cancelled. Interceptors see each message as the Buffer that
 * travels.
 */
import type { EventEmitter } from "node:events";
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
import { CHANNEL_OPTIONS } from "./channel-options.js";
import { type Requests, receive, sendAll } from "./client-streams.js";
import { targetBehindProxy } from "./grpc-js-internals.js";
import { httpProxyFor } from "./http-proxy.js";
import { isLoopbackAddress } from "./network-address.js";
import { RpcError } from "./rpc-error.js";
import { decodeResponse, encodeMessage, identity, methodPath } from "./service-definition.js";
import { fromServiceError } from "./status.js";

/** Settings of a client, for all its calls. */
export interface ClientOptions {
  /** How long a call may take unless it says otherwise, in milliseconds; 10 s by default. */
  readonly timeoutMs?: number | undefined;
  /** Interceptors of every call, outermost first. */
  readonly interceptors?: readonly grpc.Interceptor[] | undefined;
  /** grpc-js settings that differ from the usual ones; only for a channel that the client makes itself. */
  readonly channelOptions?: grpc.ChannelOptions | undefined;
}

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

/** How long a call may take by default, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** The base of the generated clients: a channel and the four kinds of call. */
export class ServiceClient {
  readonly #client: grpc.Client;
  readonly #ownsChannel: boolean;
  readonly #timeoutMs: number;
  readonly #interceptors: readonly grpc.Interceptor[];
  #closed = false;

  /** A client with a channel of its own, which `close` closes. */
  constructor(address: string, credentials: grpc.ChannelCredentials, options?: ClientOptions);
  /** A client over a channel that belongs to somebody else, who closes it. */
  constructor(channel: grpc.ChannelInterface, options?: ClientOptions);
  constructor(
    target: string | grpc.ChannelInterface,
    credentialsOrOptions?: grpc.ChannelCredentials | ClientOptions,
    maybeOptions?: ClientOptions,
  ) {
    const own = typeof target === "string";
    const options = (own ? maybeOptions : (credentialsOrOptions as ClientOptions | undefined)) ?? {};
    this.#ownsChannel = own;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#interceptors = options.interceptors ?? [];
    if (own) {
      if (!(credentialsOrOptions instanceof grpc.ChannelCredentials)) {
        throw new TypeError("credentials: expected grpc.ChannelCredentials beside an address");
      }
      // No proxy leads to this machine, whatever http_proxy says.
      const direct = isLoopbackAddress(target) ? { "grpc.enable_http_proxy": 0 } : {};
      const channelOptions: grpc.ChannelOptions = {
        ...CHANNEL_OPTIONS,
        ...direct,
        ...options.channelOptions,
      };
      this.#client = new grpc.Client(target, credentialsOrOptions, channelOptions);
    } else {
      this.#client = new grpc.Client("", grpc.credentials.createInsecure(), { channelOverride: target });
    }
  }

  /** The channel, for a client of another service on the same connection. */
  get channel(): grpc.ChannelInterface {
    return this.#client.getChannel();
  }

  /** Ends the client: its own channel is closed; running calls go on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#ownsChannel) this.#client.close();
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
    const reply = await new Promise<Buffer>((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        methodPath(method),
        identity,
        identity,
        bytes,
        requestMetadata(options),
        this.#callOptions(options),
        this.#settler(resolve, reject, () => release()),
      );
      const release = follow(call, options);
    });
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
    const reply = await new Promise<Buffer>((resolve, reject) => {
      const call = this.#client.makeClientStreamRequest(
        methodPath(method),
        identity,
        identity,
        requestMetadata(options),
        this.#callOptions(options),
        this.#settler(resolve, reject, () => {
          release();
          sending.stop();
        }),
      );
      const release = follow(call, options);
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
    const call = this.#client.makeServerStreamRequest(
      methodPath(method),
      identity,
      identity,
      encodeMessage(method.input, request),
      requestMetadata(options),
      this.#callOptions(options),
    );
    const release = follow(call, options);
    try {
      yield* receive(call, method.output, this.#failure);
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
    const call = this.#client.makeBidiStreamRequest(
      methodPath(method),
      identity,
      identity,
      requestMetadata(options),
      this.#callOptions(options),
    );
    const release = follow(call, options);
    const sending = sendAll(call, method.input, requests, () => call.cancel());
    try {
      yield* receive(call, method.output, this.#failure);
    } catch (error) {
      if (sending.failure) throw sending.failure.error;
      throw error;
    } finally {
      release();
      sending.stop();
      call.cancel();
    }
  }

  #checkOpen(options: CallOptions): void {
    if (this.#closed) throw new TypeError("the client is closed");
    if (options.signal?.aborted) throw cancelledHere(options.signal);
  }

  #settler(
    resolve: (bytes: Buffer) => void,
    reject: (error: Error) => void,
    release: () => void,
  ): grpc.requestCallback<Buffer> {
    return (error, bytes) => {
      release();
      if (error) reject(this.#failure(error));
      else resolve(bytes!);
    };
  }

  /** What a call failed with; where its proxy made no connection, with the proxy's name. */
  readonly #failure = (thrown: unknown): Error => {
    const error = fromServiceError(thrown);
    if (!(error instanceof RpcError) || !isProxysFault(error)) return error;
    const target = targetBehindProxy(this.#client.getChannel());
    const proxy = target === undefined ? undefined : httpProxyFor(target);
    if (proxy === undefined) return error;
    return new RpcError(error.code, `no connection through the proxy of ${proxy.setting}`, {
      cause: error,
      hint: `to go without it: ${proxy.remedy}`,
    });
  };

  #callOptions(options: CallOptions): grpc.CallOptions {
    return {
      deadline: options.deadline ?? Date.now() + (options.timeoutMs ?? this.#timeoutMs),
      // In grpc-js a call's own list would replace the client's; here the two add up.
      interceptors: [...this.#interceptors, ...(options.interceptors ?? [])],
      ...(options.credentials && { credentials: options.credentials }),
    };
  }
}

function requestMetadata(options: CallOptions): grpc.Metadata {
  return options.metadata?.clone() ?? new grpc.Metadata();
}

/** Passes metadata on and the signal down; returns a function that lets go of the signal. */
function follow(call: EventEmitter & { cancel(): void }, options: CallOptions): () => void {
  const { signal, onHeaders, onTrailers } = options;
  // A failed stream emits "error", which ends the process where nobody listens; the iteration reports it.
  call.on("error", () => {});
  if (onHeaders) call.on("metadata", onHeaders);
  if (onTrailers) call.on("status", (status: grpc.StatusObject) => onTrailers(status.metadata));
  if (!signal) return () => {};
  const onAbort = () => call.cancel();
  signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}

/**
 * Whether a call failed at its proxy: then grpc-js says `undefined`, or that it has no address for its name.
 */
function isProxysFault({ code, message }: RpcError): boolean {
  if (code === grpc.status.UNAVAILABLE)
    return /^No connection established\. Last error: undefined|^Name resolution failed/.test(message);
  return code === grpc.status.DEADLINE_EXCEEDED && message.includes("Waiting for LB pick");
}

function cancelledHere(signal: AbortSignal): Error {
  return fromServiceError({
    code: grpc.status.CANCELLED,
    details: "the call was cancelled before it started",
    cause: signal.reason,
  });
}
