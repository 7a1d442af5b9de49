/**
 * One gRPC call over Node's HTTP/2, as far as interceptors see it: what grpc-js's own server has below them,
 * for servers that are not grpc-js's. It hands on bytes, decides nothing, and knows nothing of tickets.
 *
 * Invariants. Nothing is read before it is asked for. A call has one status. The listener hears of the end of
 * every call by `onCancel`, as from grpc-js.
 */
import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import type { GatheredMessage } from "../rpc/gathered-message.js";
import { identity } from "../rpc/service-definition.js";
import { toStatus } from "../rpc/status.js";
import { EnvelopeReader, envelope } from "./envelopes.js";

type Listener = Parameters<grpc.ServerInterceptingCallInterface["start"]>[0];
type Status = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

/** A call as it came. */
export interface WireRequest {
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
  readonly metadata: grpc.Metadata;
  /** The largest request, in bytes. */
  readonly maxBytes: number;
}

/** What the guard looks for: the codecs of a call. These are bytes already. */
const CODECS: object = { serialize: identity, deserialize: identity };

/** The wire below a guard. */
export class WireCall implements grpc.ServerInterceptingCallInterface {
  /** These two are where grpc-js's own calls have them. */
  handler = CODECS;
  readonly stream: ServerHttp2Stream;
  readonly #wire: WireRequest;
  readonly #reader: EnvelopeReader;
  readonly #requests: Buffer[] = [];
  #listener: Listener | undefined;
  #isReading = false;
  /** How far the requests have come: all are in, and the listener was told. */
  #requestsEnd: "open" | "in" | "told" = "open";
  #hasHeaders = false;
  #hasStatus = false;

  constructor(wire: WireRequest) {
    this.#wire = wire;
    this.#reader = new EnvelopeReader(wire.maxBytes);
    this.stream = wire.response.stream;
  }

  start(listener: Listener): void {
    this.#listener = listener;
    const { stream } = this;
    stream.pause();
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
    stream.on("end", () => this.#takeEnd());
    stream.on("error", () => {}); // the close says the same
    stream.once("close", () => listener.onCancel());
    listener.onReceiveMetadata(this.#wire.metadata);
  }

  startRead(): void {
    this.#isReading = true;
    this.#deliver();
  }

  sendMetadata(metadata: grpc.Metadata): void {
    if (this.#hasHeaders || this.#isGone) return;
    this.#hasHeaders = true;
    this.#wire.response.writeHead(200, { ...this.#contentType, ...metadata.toHttp2Headers() });
  }

  sendMessage(message: Buffer | GatheredMessage, callback: () => void): void {
    if (this.#hasStatus || this.#isGone) callback();
    else this.#wire.response.write(envelope(message), () => callback());
  }

  sendStatus({ code, details, metadata }: Status): void {
    if (this.#hasStatus || this.#isGone) return;
    this.#hasStatus = true;
    const trailers = {
      "grpc-status": String(code ?? grpc.status.UNKNOWN),
      "grpc-message": encodeURI(details ?? ""),
      ...metadata?.toHttp2Headers(),
    };
    const { stream } = this;
    // Who has its answer need send no more (RFC 9113 §8.1); any earlier, and the answer would be lost.
    const stop = () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
    if (this.#hasHeaders) {
      const { response } = this.#wire;
      if (this.#requestsEnd === "open") stream.once("wantTrailers", stop);
      response.addTrailers(trailers as Record<string, string>);
      response.end();
    } else {
      stream.respond({ ":status": 200, ...this.#contentType, ...trailers }, { endStream: true });
      if (this.#requestsEnd === "open") stop();
    }
  }

  getPeer(): string {
    const { remoteAddress, remotePort } = this.getConnectionInfo();
    return remoteAddress === undefined ? "unknown" : `${remoteAddress}:${remotePort}`;
  }

  /** Connect ends a call at its deadline itself. */
  getDeadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  getHost(): string {
    return this.#wire.request.authority ?? "";
  }

  getAuthContext(): ReturnType<grpc.ServerInterceptingCallInterface["getAuthContext"]> {
    const socket = this.#socket as Partial<TLSSocket> | undefined;
    // A server may let in whoever has no certificate, or one that nobody vouches for.
    if (socket?.authorized !== true) return {};
    const sslPeerCertificate = socket.getPeerCertificate?.();
    return sslPeerCertificate === undefined ? {} : { transportSecurityType: "ssl", sslPeerCertificate };
  }

  getConnectionInfo(): ReturnType<grpc.ServerInterceptingCallInterface["getConnectionInfo"]> {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket ?? {};
    return { localAddress, localPort, remoteAddress, remotePort };
  }

  getMetricsRecorder(): never {
    throw new TypeError("getMetricsRecorder: grpc-js's own servers alone have one");
  }

  /** Undefined where the connection is gone: Node throws for whatever is asked of it then. */
  get #socket() {
    const { session } = this.stream;
    return session === undefined || session.destroyed ? undefined : session.socket;
  }

  get #isGone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  get #contentType() {
    return { "content-type": this.#wire.request.headers["content-type"] };
  }

  #take(chunk: Buffer): void {
    try {
      this.#requests.push(...this.#reader.push(chunk));
      this.#deliver();
    } catch (error) {
      this.sendStatus(toStatus(error));
    }
  }

  #takeEnd(): void {
    try {
      this.#reader.end();
      this.#requestsEnd = "in";
      this.#deliver();
    } catch (error) {
      this.sendStatus(toStatus(error));
    }
  }

  /** Tells of the next request, or of their end, if it is asked for. */
  #deliver(): void {
    if (!this.#isReading || this.#hasStatus) {
      this.stream.pause();
      return;
    }
    const request = this.#requests.shift();
    if (request !== undefined) {
      this.#isReading = false;
      this.#listener?.onReceiveMessage(request);
    } else if (this.#requestsEnd === "in") {
      this.#requestsEnd = "told";
      this.#listener?.onReceiveHalfClose();
    } else if (this.#requestsEnd === "open") this.stream.resume();
  }
}
