/**
 * The server interceptor that counts the bytes which calls hold (entrance/held-bytes.ts), and ends those for
 * which there is no room. It stands next to grpc-js, where the bytes are.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import type { Peer } from "./entrance/connection.js";
import type { Entrance } from "./entrance/entrance.js";
import { isHealth } from "./entrance/health.js";
import { Holding } from "./entrance/held-bytes.js";
import { http2Stream, partialMessage } from "./grpc-js-internals.js";
import { RpcError } from "./rpc-error.js";
import { toStatus } from "./status.js";

/** What is said when requests and replies take up too much memory. */
export const TOO_MANY_BYTES = "too many bytes of requests and replies at once: repeat it later";
/** When a caller may come again for whose bytes there was no room, in milliseconds. */
const RETRY_AFTER_MS = 1_000;
/** Bytes of a health check, either way, that are not counted: it is answered where there is no room, too. */
const FREE_HEALTH_BYTES = 256;

/**
 * An interceptor that ends calls for whose bytes there is no room: with RESOURCE_EXHAUSTED and
 * google.rpc.RetryInfo while they send, with the HTTP/2 error ENHANCE_YOUR_CALM, which is the same to gRPC,
 * where their replies are not read.
 */
export function boundBytes(entrance: Entrance): grpc.ServerInterceptor {
  return (method, call) => {
    const stream = http2Stream(call);
    const peer = stream && entrance.peerOf(stream);
    if (peer !== undefined) new BoundedCall(entrance, peer, stream!, method, call);
    return call as grpc.ServerInterceptingCall;
  };
}

/** One call, and what it holds. */
class BoundedCall {
  readonly #entrance: Entrance;
  readonly #stream: ServerHttp2Stream;
  readonly #call: grpc.ServerInterceptingCallInterface;
  readonly #holding: Holding;
  /** Whether its request is one message, held until the call ends; of a stream's the last is held. */
  readonly #isUnary: boolean;
  readonly #free: number;
  #received = 0;
  #isOver = false;

  constructor(
    entrance: Entrance,
    peer: Peer,
    stream: ServerHttp2Stream,
    { path, requestStream }: grpc.ServerMethodDefinition<unknown, unknown>,
    call: grpc.ServerInterceptingCallInterface,
  ) {
    this.#entrance = entrance;
    this.#stream = stream;
    this.#call = call;
    this.#holding = new Holding(peer, () => this.#throwAway());
    this.#isUnary = !requestStream;
    this.#free = isHealth(path) ? FREE_HEALTH_BYTES : 0;
    stream.on("data", (piece: Buffer) => this.#hold(piece.length));
    stream.once("close", () => this.#end());
    const send = call.sendMessage;
    call.sendMessage = (message, callback) => {
      send.call(call, message, () => {
        this.#holdReply();
        callback();
      });
      this.#holdReply();
    };
  }

  #hold(bytes: number): void {
    if (this.#isOver) return;
    this.#received += bytes;
    const held = this.#isUnary ? this.#received : partialMessage(this.#call).bytes;
    if (this.#entrance.bytes.holdRequest(this.#holding, Math.max(held - this.#free, 0))) return;
    this.#end();
    this.#entrance.refusedBytes(this.#stream);
    this.#call.sendStatus(
      toStatus(
        new RpcError(grpc.status.RESOURCE_EXHAUSTED, TOO_MANY_BYTES, { retryAfterMs: RETRY_AFTER_MS }),
      ),
    );
  }

  /** What was written and has not gone out: the client's window is closed. */
  #holdReply(): void {
    if (this.#isOver) return;
    const unread = Math.max(this.#stream.writableLength - this.#free, 0);
    if (this.#entrance.bytes.holdReply(this.#holding, unread)) return;
    this.#throwAway();
  }

  #throwAway(): void {
    this.#end();
    this.#entrance.refusedBytes(this.#stream);
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#entrance.bytes.end(this.#holding);
  }
}
