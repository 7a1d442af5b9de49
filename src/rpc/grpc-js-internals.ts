/**
 * The one door to what grpc-js keeps private, and interceptors need all the same: the bytes of messages, a
 * request's encoding and its HTTP/2 stream on the server, the streams that a server answers by itself, the
 * HTTP/2 servers that it is made of, and the certificates of a server that runs; `:authority`, channel and
 * early end of a call on the client.
 *
 * All of it is read from the innermost call, below every interceptor, as grpc-js 1.14.7 has it. Where a later
 * version has moved a field, no call is let in or goes out, and test/rpc/grpc-js-internals.test.ts says which
 * field it is.
 */
import type { Http2Server, ServerHttp2Stream } from "node:http2";
import { isIP } from "node:net";
import type { SecureContextOptions } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { RpcError } from "./rpc-error.js";
import { identity } from "./service-definition.js";

interface Layer {
  readonly nextCall?: Layer;
}

/** Walks from a call, or from any interceptor's, to the one below all interceptors. */
function innermost<Call>(call: unknown): Call {
  let layer = call as Layer;
  while (layer.nextCall !== undefined) layer = layer.nextCall;
  return layer as Call;
}

interface HiddenServerCall {
  readonly incomingEncoding?: string;
  readonly stream?: ServerHttp2Stream;
  readonly decoder?: {
    readonly readPartialMessage?: readonly Buffer[];
    readonly readMessageSize?: number;
    readonly readMessageRemaining?: number;
  };
  handler?: Handler;
}

/** Codecs of a method; all calls of a method share one. */
interface Handler {
  readonly serialize: unknown;
  readonly deserialize: unknown;
}

/** A handler of each method whose codecs are the identity, by the handler it takes the place of. */
const byteHandlers = new WeakMap<Handler, Handler>();
const isByteHandler = new WeakSet<Handler>();

/**
 * Makes one call on the server give and take its messages as the bytes that travel; other calls of the method
 * are untouched.
 * @returns false where it does so already.
 * @throws TypeError where this version of grpc-js keeps its codecs elsewhere.
 */
export function takeServerBytes(call: grpc.ServerInterceptingCallInterface): boolean {
  const base = innermost<HiddenServerCall>(call);
  const { handler } = base;
  if (handler === undefined) throw new TypeError("this version of grpc-js hides the bytes of calls");
  if (isByteHandler.has(handler)) return false;
  let bytes = byteHandlers.get(handler);
  if (bytes === undefined) {
    bytes = { ...handler, serialize: identity, deserialize: identity };
    byteHandlers.set(handler, bytes);
    isByteHandler.add(bytes);
  }
  base.handler = bytes;
  return true;
}

/** The compression of a call's requests, as the `grpc-encoding` header has it; `identity` without one. */
export function requestEncoding(call: grpc.ServerInterceptingCallInterface): string | undefined {
  return innermost<HiddenServerCall>(call).incomingEncoding;
}

/**
 * What has come of the message that came last, whole or not: in how many pieces, and bytes. None where this
 * version of grpc-js keeps them elsewhere.
 */
export function partialMessage(call: grpc.ServerInterceptingCallInterface): {
  pieces: number;
  bytes: number;
} {
  const { decoder } = innermost<HiddenServerCall>(call);
  const pieces = decoder?.readPartialMessage?.length ?? 0;
  return { pieces, bytes: (decoder?.readMessageSize ?? 0) - (decoder?.readMessageRemaining ?? 0) };
}

/** The HTTP/2 stream of a call on the server. */
export function http2Stream(call: grpc.ServerInterceptingCallInterface): ServerHttp2Stream | undefined {
  return innermost<HiddenServerCall>(call).stream;
}

interface HiddenServer {
  createHttp2Server?(...parts: unknown[]): Http2Server;
  _respondWithError?(error: unknown, stream: ServerHttp2Stream, ...more: unknown[]): void;
  _verifyContentType?(stream: ServerHttp2Stream, headers: object): boolean;
}

/**
 * Tells of each stream that a server answers below its interceptors: of a method that it does not have, or
 * with another content type.
 * @param told after the answer.
 * @throws TypeError where this version of grpc-js answers them elsewhere.
 */
export function onUnservedStream(server: grpc.Server, told: (stream: ServerHttp2Stream) => void): void {
  const hidden = server as unknown as HiddenServer;
  const { _respondWithError: respond, _verifyContentType: verify } = hidden;
  if (respond === undefined || verify === undefined)
    throw new TypeError("this version of grpc-js hides the streams that it answers by itself");
  hidden._respondWithError = (error, stream, ...more) => {
    respond.call(server, error, stream, ...more);
    told(stream);
  };
  hidden._verifyContentType = (stream, headers) => {
    const isGrpc = verify.call(server, stream, headers);
    if (!isGrpc) told(stream);
    return isGrpc;
  };
}

/**
 * Tells of each HTTP/2 server that a server makes, one for each address that it listens on, before it
 * listens.
 * @throws TypeError where this version of grpc-js makes them elsewhere.
 */
export function onHttp2Server(server: grpc.Server, told: (http2Server: Http2Server) => void): void {
  const hidden = server as unknown as HiddenServer;
  const make = hidden.createHttp2Server;
  if (make === undefined) throw new TypeError("this version of grpc-js hides its HTTP/2 servers");
  hidden.createHttp2Server = (...parts) => {
    const http2Server = make.apply(server, parts);
    told(http2Server);
    return http2Server;
  };
}

interface HiddenClientLayer {
  readonly call?: HiddenClientCall;
  methodDefinition?: object;
}

interface HiddenClientCall {
  readonly host?: string;
  readonly channel?: HiddenChannel;
  readonly deadline?: grpc.Deadline;
  addStatusWatcher?(watcher: (status: grpc.StatusObject) => void): void;
}

interface HiddenChannel {
  readonly credentials?: { _isSecure?(): boolean };
  readonly options?: Readonly<Record<string, unknown>>;
  getTarget?(): string;
  getConnectivityState?(tryToConnect: boolean): grpc.connectivityState;
  watchConnectivityState?(state: grpc.connectivityState, deadline: number, changed: () => void): void;
}

/** What a call on the client is made over. */
export interface InnermostClientCall {
  /** The channel itself: an object that stands for it. */
  readonly channel: object;
  /** The `:authority` of the call. */
  readonly authority: string;
  /** Where its channel leads, with its scheme: `dns:localhost:8803`; undefined: to a proxy. */
  readonly target: string | undefined;
  /** Where the proxy is to connect to, with its scheme; undefined: there is no proxy. */
  readonly behindProxy: string | undefined;
  /** Whether the channel is encrypted. */
  readonly secure: boolean;
  /** When the call ends by itself: by its own deadline, its parent's or the service config's. */
  deadline(): grpc.Deadline | undefined;
  /**
   * Tells when the channel is closed, at once where it is already: grpc-js loses the end of a call that has
   * not started by then.
   * @returns what ends the watch.
   */
  onClosed(told: () => void): () => void;
}

/**
 * Makes one call on the client take and give its messages as the bytes that travel.
 * @param onEnd told when the call ends, even if it never started.
 * @throws RpcError INTERNAL where the call is not grpc-js's own, or this version of it keeps its fields
 *   elsewhere.
 */
export function takeClientBytes(
  call: grpc.InterceptingCall,
  onEnd: (status: grpc.StatusObject) => void,
): InnermostClientCall {
  const layer = innermost<HiddenClientLayer>(call);
  const { call: hidden, methodDefinition } = layer;
  const { host, channel } = hidden ?? {};
  const target = channel?.getTarget?.();
  if (
    hidden?.addStatusWatcher === undefined ||
    host === undefined ||
    target === undefined ||
    channel?.getConnectivityState === undefined ||
    channel.watchConnectivityState === undefined ||
    methodDefinition === undefined
  )
    throw new RpcError(grpc.status.INTERNAL, "ticketInterceptor works on grpc-js's own channels only");
  layer.methodDefinition = { ...methodDefinition, requestSerialize: identity, responseDeserialize: identity };
  hidden.addStatusWatcher(onEnd);
  const behindProxy = proxiedTarget(channel);
  return {
    channel,
    authority: host,
    target: behindProxy === undefined ? target : undefined,
    behindProxy,
    secure: channel.credentials?._isSecure?.() === true,
    deadline: () => hidden.deadline,
    onClosed: (told) => whenClosed(channel as WatchedChannel, told),
  };
}

/**
 * Where a channel has its proxy connect to, with its scheme; undefined: there is no proxy, or this version of
 * grpc-js keeps its options elsewhere.
 */
export function targetBehindProxy(channel: grpc.ChannelInterface): string | undefined {
  return proxiedTarget((channel as { readonly internalChannel?: HiddenChannel }).internalChannel);
}

function proxiedTarget(channel: HiddenChannel | undefined): string | undefined {
  const target = channel?.options?.["grpc.http_connect_target"];
  return target === undefined ? undefined : String(target);
}

type WatchedChannel = Required<Pick<HiddenChannel, "getConnectivityState" | "watchConnectivityState">>;

/** Who waits for a channel to be closed; each channel is watched once, however many calls wait. */
const waiting = new WeakMap<WatchedChannel, Set<() => void>>();

function whenClosed(channel: WatchedChannel, told: () => void): () => void {
  let all = waiting.get(channel);
  if (all === undefined) {
    all = new Set();
    waiting.set(channel, all);
    watch(channel, all);
  }
  if (channel.getConnectivityState(false) === grpc.connectivityState.SHUTDOWN) told();
  else all.add(told);
  return () => void all.delete(told);
}

function watch(channel: WatchedChannel, all: ReadonlySet<() => void>): void {
  const state = channel.getConnectivityState(false);
  if (state === grpc.connectivityState.SHUTDOWN) for (const told of all) told();
  else channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => watch(channel, all));
}

interface HiddenServerCredentials {
  updateSecureContextOptions?(options: SecureContextOptions): void;
  _getSecureContextOptions?(): SecureContextOptions | null;
  _getConstructorOptions?(): SecureContextOptions | null;
}

/**
 * Puts the certificate, the key and the authorities of other credentials in place of those of a server that
 * runs: new connections get them, open ones go on.
 * @throws TypeError for plaintext credentials, or where this version of grpc-js keeps them elsewhere.
 */
export function changeServerCredentials(
  credentials: grpc.ServerCredentials,
  latest: grpc.ServerCredentials,
): void {
  const running = credentials as unknown as HiddenServerCredentials;
  const context = (latest as unknown as HiddenServerCredentials)._getSecureContextOptions?.();
  const fixed = running._getConstructorOptions?.();
  if (!context || !fixed || running.updateSecureContextOptions === undefined)
    throw new TypeError("this version of grpc-js hides the certificates of a server");
  // Node takes what is left out to mean its defaults.
  const { ciphers } = fixed;
  running.updateSecureContextOptions({ ...context, ...(ciphers !== undefined && { ciphers }) });
}

interface HiddenClientCredentials {
  _createSecureConnector?: (...parts: unknown[]) => HiddenConnector;
}

interface HiddenConnector {
  readonly connectionOptions?: { readonly host?: string; servername?: string };
}

/**
 * Has channels with these credentials, which are changed, send no address as the TLS server name: RFC 6066 §3
 * has names alone there, and Node warns of addresses (DEP0123). The certificate is compared with the address
 * all the same. Where this version of grpc-js keeps its options elsewhere, nothing changes.
 */
export function withoutAddressAsServerName<Credentials extends grpc.ChannelCredentials>(
  credentials: Credentials,
): Credentials {
  const hidden = credentials as HiddenClientCredentials;
  const make = hidden._createSecureConnector;
  if (make === undefined) return credentials;
  hidden._createSecureConnector = (...parts) => {
    const connector = make.apply(credentials, parts);
    const options = connector.connectionOptions;
    // Node compares the certificate with the server name or, without one, with the host.
    if (options?.servername === options?.host && isIP(options?.host ?? "") !== 0) delete options?.servername;
    return connector;
  };
  return credentials;
}
