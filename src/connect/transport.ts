/**
 * The client: a Connect transport whose calls carry tickets. Connect makes messages and interceptors of its
 * own; the bytes go over a grpc-js channel with `ticketInterceptor` on it, so that one piece of code proves
 * calls, repeats what must be repeated and checks what comes back.
 */
import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createTransport } from "@connectrpc/connect/protocol-grpc";
import * as grpc from "@grpc/grpc-js";
import type { TicketInterceptorOptions } from "../client/guard/config.js";
import { ticketInterceptor } from "../client/guard/interceptor.js";
import type { TicketSource } from "../client/guard/tickets.js";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { httpOverChannel } from "./http-over-channel.js";

/** What a transport is told, beside its tickets. */
export interface TicketTransportOptions {
  /** Where the service is: `http://localhost:8080`, or `https://…`. A path is not used. */
  readonly baseUrl: string;
  /** Connect's interceptors. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /**
   * Credentials of the channel; by default those of `baseUrl`: plaintext, or TLS with the system's
   * authorities.
   */
  readonly credentials?: grpc.ChannelCredentials | undefined;
  /** grpc-js's settings of the channel. */
  readonly channelOptions?: grpc.ChannelOptions | undefined;
  /** The largest message taken or sent, in bytes; 4 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** How long a call may take, in milliseconds, where it does not say so itself; without limit by default. */
  readonly defaultTimeoutMs?: number | undefined;
  /** What `ticketInterceptor` is told. */
  readonly tickets?: TicketInterceptorOptions | undefined;
}

const OPTIONS: OptionNames<TicketTransportOptions> = {
  baseUrl: true,
  interceptors: true,
  credentials: true,
  channelOptions: true,
  maxBytes: true,
  defaultTimeoutMs: true,
  tickets: true,
};

const MAX_BYTES = 4 << 20;

/** A transport, and the end of it. */
export interface TicketTransport extends Transport {
  /** Closes its connections. */
  close(): void;
}

/**
 * A transport for `createClient` of Connect, for the gRPC protocol alone.
 * @param tickets where the tickets come from: a `KerberosClient`.
 * @param service the service's principal; its realm may be left out where it is the login's.
 * @throws TypeError naming an option that is wrong.
 */
export function ticketTransport(
  tickets: TicketSource,
  service: string,
  options: TicketTransportOptions,
): TicketTransport {
  checkOptionNames("ticketTransport", options, OPTIONS);
  const { baseUrl, interceptors = [], maxBytes = MAX_BYTES, defaultTimeoutMs } = options;
  const { protocol, host } = new URL(baseUrl);
  if (protocol !== "http:" && protocol !== "https:")
    throw new TypeError(`baseUrl: expected http:// or https://, got ${baseUrl}`);
  const secure = protocol === "https:";
  const credentials =
    options.credentials ?? (secure ? grpc.credentials.createSsl() : grpc.credentials.createInsecure());
  const target = /:\d+$/.test(host) ? host : `${host}:${secure ? 443 : 80}`;
  const client = new grpc.Client(target, credentials, {
    "grpc.max_receive_message_length": maxBytes,
    ...options.channelOptions,
    interceptors: [ticketInterceptor(tickets, service, options.tickets)],
  });
  const make = (kind: DescMethod["methodKind"]): Transport =>
    createTransport({
      httpClient: httpOverChannel(client, kind, maxBytes),
      baseUrl: `${protocol}//${host}`,
      useBinaryFormat: true,
      interceptors: [...interceptors],
      // A proof covers messages before any compression.
      acceptCompression: [],
      sendCompression: null,
      compressMinBytes: 0,
      readMaxBytes: maxBytes,
      writeMaxBytes: maxBytes,
      ...(defaultTimeoutMs !== undefined && { defaultTimeoutMs }),
    });
  // What a proof covers depends on the kind of call, which HTTP does not tell.
  const byKind = {
    unary: make("unary"),
    server_streaming: make("server_streaming"),
    client_streaming: make("client_streaming"),
    bidi_streaming: make("bidi_streaming"),
  };
  return {
    unary: (method, ...rest) => byKind[method.methodKind].unary(method, ...rest),
    stream: (method, ...rest) => byKind[method.methodKind].stream(method, ...rest),
    close: () => client.close(),
  };
}
