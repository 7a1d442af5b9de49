/**
 * The server interceptor that ends calls which would otherwise never end, and refuses those that would cost
 * too much. It stands first in the list: a call's time runs from its headers, whatever the interceptors
 * behind it do.
 */
import * as grpc from "@grpc/grpc-js";
import { closeAfterStatus } from "./close-stream.js";
import { http2Stream, requestEncoding } from "./grpc-js-internals.js";

/** Time limits of a server's calls, in milliseconds. */
export interface CallLimits {
  /** A unary call, from its headers to its status; Infinity: its handler may take its time. */
  readonly unaryMs: number;
  /** The first complete message of a stream, or of a unary call without a limit of its own. */
  readonly firstMessageMs: number;
  /** A stream from the client without a message in either direction. */
  readonly idleStreamMs: number;
}

/** The usual limits, in milliseconds. */
export const CALL_LIMITS: CallLimits = Object.freeze({
  unaryMs: 5_000,
  firstMessageMs: 5_000,
  idleStreamMs: 300_000,
});

/**
 * An interceptor that ends calls which exceed the limits with DEADLINE_EXCEEDED, and refuses compressed
 * requests with UNIMPLEMENTED: compression gives away secrets that stand beside text of an attacker's choice
 * (CRIME), and a few bytes may unpack to many.
 * @param limits in milliseconds; the usual ones where not given.
 */
export function limitCalls(limits: Partial<CallLimits> = {}): grpc.ServerInterceptor {
  const all = { ...CALL_LIMITS, ...limits };
  return (method, call) => new LimitedCall(call, method, all);
}

type Listener = Parameters<grpc.ServerInterceptingCallInterface["start"]>[0];

/**
 * One call within its limits. It stands in for the interceptor's requester and listener both, and passes
 * everything on itself: closures and layers for each step would cost a fifth of an empty call.
 */
class LimitedCall extends grpc.ServerInterceptingCall implements Listener {
  readonly #call: grpc.ServerInterceptingCallInterface;
  readonly #limits: CallLimits;
  readonly #requests: boolean;
  readonly #responses: boolean;
  /** Whether one limit holds for the call as a whole. */
  readonly #whole: boolean;
  #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #received = false;
  #sentMetadata = false;

  constructor(
    call: grpc.ServerInterceptingCallInterface,
    method: grpc.ServerMethodDefinition<unknown, unknown>,
    limits: CallLimits,
  ) {
    super(call);
    this.#call = call;
    this.#limits = limits;
    this.#requests = method.requestStream;
    this.#responses = method.responseStream;
    this.#whole = !method.requestStream && !method.responseStream && limits.unaryMs !== Infinity;
    if (this.#whole) this.#allow(limits.unaryMs, "the call");
    else this.#allow(limits.firstMessageMs, "the first message");
  }

  override start(listener: Listener): void {
    this.#listener = listener;
    this.#call.start(this);
  }

  onReceiveMetadata(metadata: grpc.Metadata): void {
    if (requestEncoding(this.#call) === "identity") this.#listener?.onReceiveMetadata(metadata);
    else this.#refuseCompression();
  }

  onReceiveMessage(message: unknown): void {
    this.#messagePassed();
    this.#listener?.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    this.#received = true;
    this.#listener?.onReceiveHalfClose();
  }

  onCancel(): void {
    this.#end();
    // This is called after the status, too: a client that never ends its half would keep the stream open.
    if (!this.#received) closeAfterStatus(this.#call);
    this.#listener?.onCancel();
  }

  override sendMetadata(metadata: grpc.Metadata): void {
    this.#sentMetadata = true;
    metadata.set("grpc-accept-encoding", "identity");
    this.#call.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    // At its deadline grpc-js ends a call by itself, with messages still waiting. One of them written after
    // the end would destroy the stream, and the client would never see the status.
    if (http2Stream(this.#call)?.writableEnded) {
      callback();
      return;
    }
    if (!this.#sentMetadata) this.sendMetadata(new grpc.Metadata());
    this.#messagePassed();
    if (this.#responses) {
      this.#call.sendMessage(message, callback);
      return;
    }
    // The only message: its status follows at once, rather than after one more turn of the event loop.
    this.#call.sendMessage(message, doNothing);
    callback();
  }

  override sendStatus(status: Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0]): void {
    this.#end();
    this.#call.sendStatus(status);
  }

  #allow(ms: number, what: string): void {
    clearTimeout(this.#timer);
    if (!this.#ended) this.#timer = setTimeout(overstepped, ms, this, ms, what).unref();
  }

  #messagePassed(): void {
    if (this.#whole) return;
    if (this.#requests) this.#allow(this.#limits.idleStreamMs, "the next message");
    else clearTimeout(this.#timer);
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #refuseCompression(): void {
    const metadata = new grpc.Metadata();
    metadata.set("grpc-accept-encoding", "identity");
    const details = "compressed messages are not taken";
    this.sendStatus({ code: grpc.status.UNIMPLEMENTED, details, metadata });
  }
}

function doNothing(): void {}

function overstepped(call: LimitedCall, ms: number, what: string): void {
  const details = `the server ended the call: ${what} took longer than ${ms} ms`;
  call.sendStatus({ code: grpc.status.DEADLINE_EXCEEDED, details });
}
