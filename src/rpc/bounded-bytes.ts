/**
 * The server interceptor that counts the bytes which calls hold (entrance/held-bytes.ts), and ends those for
 * which there is no room, and those whose messages come in crumbs (message-pieces.ts). It stands next to
 * grpc-js, where the bytes are.
 */
import { constants } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import { Holding } from "./entrance/connection.js";
import type { Entrance } from "./entrance/entrance.js";
import { callOf, type OpenCall } from "./entrance/open-call.js";
import { http2Stream, partialMessage } from "./grpc-js-internals.js";
import { crumbsOf, FREE_PIECES } from "./message-pieces.js";
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
 * where their replies are not read. So it ends those whose message comes in more than 128 pieces of less than
 * 16 bytes, with RESOURCE_EXHAUSTED.
 */
export function boundBytes(entrance: Entrance): grpc.ServerInterceptor {
  return (method, call) => {
    const stream = http2Stream(call);
    const open = stream && callOf(stream);
    if (open === undefined) return call as grpc.ServerInterceptingCall;
    return new BoundedCall(entrance, open, method, call);
  };
}

/**
 * One call, and what it holds. A layer of its own, which passes on by itself what it does not look at: a
 * method put onto grpc-js's call itself would have V8 keep a fifth of all calls until its next great
 * collection.
 */
class BoundedCall extends grpc.ServerInterceptingCall {
  readonly #entrance: Entrance;
  readonly #open: OpenCall;
  readonly #call: grpc.ServerInterceptingCallInterface;
  readonly #holding: Holding;
  /** Whether its request is one message, held until the call ends; of a stream's the last is held. */
  readonly #isUnary: boolean;
  readonly #free: number;
  #received = 0;
  #pieces = 0;

  constructor(
    entrance: Entrance,
    open: OpenCall,
    { requestStream }: grpc.ServerMethodDefinition<unknown, unknown>,
    call: grpc.ServerInterceptingCallInterface,
  ) {
    super(call);
    this.#entrance = entrance;
    this.#open = open;
    this.#call = call;
    this.#holding = new Holding(open.connection.peer, () => this.#throwAway());
    open.holding = this.#holding;
    this.#isUnary = !requestStream;
    this.#free = open.isHealth ? FREE_HEALTH_BYTES : 0;
    open.stream.on("data", (piece: Buffer) => this.#hold(piece.length));
  }

  override start(listener: Parameters<grpc.ServerInterceptingCallInterface["start"]>[0]): void {
    this.#call.start(listener);
  }

  override sendMetadata(metadata: grpc.Metadata): void {
    this.#call.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.#call.sendMessage(message, () => {
      this.#holdReply();
      callback();
    });
    this.#holdReply();
  }

  override sendStatus(status: Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0]): void {
    this.#call.sendStatus(status);
  }

  #hold(bytes: number): void {
    if (this.#holding.isOver) return;
    if (++this.#pieces > FREE_PIECES) this.#refuseCrumbs();
    this.#received += bytes;
    const held = this.#isUnary ? this.#received : partialMessage(this.#call).bytes;
    if (this.#entrance.bytes.holdRequest(this.#holding, Math.max(held - this.#free, 0))) return;
    this.#end();
    this.#call.sendStatus(
      toStatus(
        new RpcError(grpc.status.RESOURCE_EXHAUSTED, TOO_MANY_BYTES, { retryAfterMs: RETRY_AFTER_MS }),
      ),
    );
  }

  #refuseCrumbs(): void {
    const pieces = crumbsOf(this.#call);
    if (pieces === undefined) return;
    this.#call.sendStatus({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: `the server ended the call: its message came in ${pieces} pieces of a few bytes`,
    });
  }

  /** What was written and has not gone out: the client's window is closed. */
  #holdReply(): void {
    if (this.#holding.isOver) return;
    const unread = Math.max(this.#open.stream.writableLength - this.#free, 0);
    if (this.#entrance.bytes.holdReply(this.#holding, unread)) return;
    this.#throwAway();
  }

  #throwAway(): void {
    this.#end();
    this.#open.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #end(): void {
    this.#entrance.bytes.end(this.#holding);
    this.#entrance.refusedBytes(this.#open);
  }
}
