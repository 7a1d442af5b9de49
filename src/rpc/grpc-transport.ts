/**
 * The transport over grpc-js: a channel, and the four kinds of call on it, as bytes.
 *
 * Invariants. No call lacks a deadline. Interceptors see each message as the Buffer that travels. A call
 * whose signal aborts is cancelled.
 */
import type { EventEmitter } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { CHANNEL_OPTIONS } from "./channel-options.js";
import { targetBehindProxy } from "./grpc-js-internals.js";
import { httpProxyFor } from "./http-proxy.js";
import { isLoopbackAddress } from "./network-address.js";
import { onAbort } from "./on-abort.js";
import { RpcError } from "./rpc-error.js";
import { identity } from "./service-definition.js";
import { fromServiceError } from "./status.js";
import type { Transport, TransportOptions } from "./transport.js";

/** A stream that was started, and what lets go of its signal when it is over. */
export interface Started<Call> {
  readonly call: Call;
  readonly release: () => void;
}

/** Calls over a channel of grpc-js. */
export class GrpcTransport implements Transport {
  readonly #client: grpc.Client;
  readonly #ownsChannel: boolean;

  /** Over a channel of its own, which `close` closes. */
  constructor(address: string, credentials: grpc.ChannelCredentials, channelOptions?: grpc.ChannelOptions);
  /** Over a channel that belongs to somebody else, who closes it. */
  constructor(channel: grpc.ChannelInterface);
  constructor(
    target: string | grpc.ChannelInterface,
    credentials?: grpc.ChannelCredentials,
    channelOptions?: grpc.ChannelOptions,
  ) {
    this.#ownsChannel = typeof target === "string";
    if (typeof target !== "string") {
      this.#client = new grpc.Client("", grpc.credentials.createInsecure(), { channelOverride: target });
      return;
    }
    if (!(credentials instanceof grpc.ChannelCredentials))
      throw new TypeError("credentials: expected grpc.ChannelCredentials beside an address");
    // No proxy leads to this machine, whatever http_proxy says.
    const direct = isLoopbackAddress(target) ? { "grpc.enable_http_proxy": 0 } : {};
    this.#client = new grpc.Client(target, credentials, { ...CHANNEL_OPTIONS, ...direct, ...channelOptions });
  }

  /** The channel, for another transport on the same connection. */
  get channel(): grpc.ChannelInterface {
    return this.#client.getChannel();
  }

  unary(method: string, request: Buffer, options: TransportOptions): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const ended = (error: Error | null, response?: Buffer) => {
        release();
        if (error) reject(this.failure(error));
        else resolve(response!);
      };
      const metadata = requestMetadata(options);
      const settings = callOptions(options);
      const call = this.#client.makeUnaryRequest(
        method,
        identity,
        identity,
        request,
        metadata,
        settings,
        ended,
      );
      const release = follow(call, options);
    });
  }

  /** @param ended told once how the call ended: with its response, or with an error. */
  clientStream(
    method: string,
    options: TransportOptions,
    ended: (error: Error | null, response?: Buffer) => void,
  ): grpc.ClientWritableStream<Buffer> {
    const call = this.#client.makeClientStreamRequest(
      method,
      identity,
      identity,
      requestMetadata(options),
      callOptions(options),
      (error: Error | null, response?: Buffer) => {
        release();
        ended(error && this.failure(error), response);
      },
    );
    const release = follow(call, options);
    return call;
  }

  serverStream(
    method: string,
    request: Buffer,
    options: TransportOptions,
  ): Started<grpc.ClientReadableStream<Buffer>> {
    const call = this.#client.makeServerStreamRequest(
      method,
      identity,
      identity,
      request,
      requestMetadata(options),
      callOptions(options),
    );
    return { call, release: follow(call, options) };
  }

  bidiStream(method: string, options: TransportOptions): Started<grpc.ClientDuplexStream<Buffer, Buffer>> {
    const call = this.#client.makeBidiStreamRequest(
      method,
      identity,
      identity,
      requestMetadata(options),
      callOptions(options),
    );
    return { call, release: follow(call, options) };
  }

  close(): void {
    if (this.#ownsChannel) this.#client.close();
  }

  /** What a call failed with; where its proxy made no connection, with the proxy's name. */
  readonly failure = (thrown: unknown): Error => {
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
}

function callOptions({ deadline, interceptors, credentials }: TransportOptions): grpc.CallOptions {
  return {
    deadline,
    ...(interceptors && { interceptors: [...interceptors] }),
    ...(credentials && { credentials }),
  };
}

function requestMetadata({ metadata }: TransportOptions): grpc.Metadata {
  return metadata?.clone() ?? new grpc.Metadata();
}

/** Passes metadata on and the signal down; returns a function that lets go of the signal. */
function follow(call: EventEmitter & { cancel(): void }, options: TransportOptions): () => void {
  const { signal, onHeaders, onTrailers } = options;
  // A failed stream emits "error", which ends the process where nobody listens; the iteration reports it.
  call.on("error", () => {});
  if (onHeaders) call.on("metadata", onHeaders);
  if (onTrailers) call.on("status", (status: grpc.StatusObject) => onTrailers(status.metadata));
  if (!signal) return () => {};
  return onAbort(signal, () => call.cancel());
}

/**
 * Whether a call failed at its proxy: then grpc-js says `undefined`, or that it has no address for its name.
 */
function isProxysFault({ code, message }: RpcError): boolean {
  if (code === grpc.status.UNAVAILABLE)
    return /^No connection established\. Last error: undefined|^Name resolution failed/.test(message);
  return code === grpc.status.DEADLINE_EXCEEDED && message.includes("Waiting for LB pick");
}
