/**
 * Server interceptors that end what would otherwise never end, and refuse what would cost too much. They stand first in
 * the list: a call has its time from its headers on, whatever the interceptors behind them do with it.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import * as grpc from "@grpc/grpc-js";

/** Time limits of a server's calls, in milliseconds. */
export interface CallLimits {
  /** A unary call, from its headers to its status. */
  readonly unaryMs: number;
  /** The first complete message of a stream. */
  readonly firstMessageMs: number;
  /** A stream from the client without a message in either direction. */
  readonly idleStreamMs: number;
}

/** The usual limits. */
export const CALL_LIMITS: CallLimits = Object.freeze({
  unaryMs: 5_000,
  firstMessageMs: 5_000,
  idleStreamMs: 300_000,
});

/** An interceptor that ends calls which take longer than the limits with DEADLINE_EXCEEDED. */
export function limitCalls(limits: Partial<CallLimits> = {}): grpc.ServerInterceptor {
  const { unaryMs, firstMessageMs, idleStreamMs } = { ...CALL_LIMITS, ...limits };
  return (method, call) => {
    const unary = !method.requestStream && !method.responseStream;
    let ended = false;
    let received = false;
    let timer: NodeJS.Timeout | undefined;
    const allow = (ms: number, what: string) => {
      clearTimeout(timer);
      if (ended) return;
      timer = setTimeout(() => {
        const details = `the server ended the call: ${what} took longer than ${ms} ms`;
        end();
        call.sendStatus({ code: grpc.status.DEADLINE_EXCEEDED, details });
      }, ms);
      timer.unref();
    };
    const end = () => {
      ended = true;
      clearTimeout(timer);
    };
    const messagePassed = () => {
      if (unary) return;
      if (method.requestStream) allow(idleStreamMs, "the next message");
      else clearTimeout(timer);
    };
    if (unary) allow(unaryMs, "the call");
    else allow(firstMessageMs, "the first message");
    return new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMessage: (message, nextMessage) => {
            messagePassed();
            nextMessage(message);
          },
          onReceiveHalfClose: (nextHalfClose) => {
            received = true;
            nextHalfClose();
          },
          onCancel: () => {
            end();
            // Comes after the status too: a client that never ends its half would keep the stream open.
            if (!received) closeStream(call);
          },
        }),
      sendMessage: (message, next) => {
        messagePassed();
        next(message);
      },
      sendStatus: (status, next) => {
        end();
        next(status);
      },
    });
  };
}

/**
 * An interceptor that refuses compressed requests with UNIMPLEMENTED: compression tells secrets from attacker-chosen text
 * beside them (CRIME), and a few bytes unpack to many.
 */
export const refuseCompression: grpc.ServerInterceptor = (_method, call) => {
  const encoding = baseCall(call).incomingEncoding;
  const compressed = encoding !== undefined && encoding !== "identity";
  return new grpc.ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, nextMetadata) => {
          if (!compressed) return nextMetadata(metadata);
          const trailers = new grpc.Metadata();
          trailers.set("grpc-accept-encoding", "identity");
          const details = "compressed messages are not taken";
          call.sendStatus({ code: grpc.status.UNIMPLEMENTED, details, metadata: trailers });
        },
      }),
    sendMetadata: (metadata, next) => {
      metadata.set("grpc-accept-encoding", "identity");
      next(metadata);
    },
  });
};

// grpc-js 1.14 hides the request's encoding and its HTTP/2 stream from interceptors; they are fields of the innermost
// call. Where a later version moves them, the tests of this file fail.
interface BaseCall {
  readonly nextCall?: BaseCall;
  readonly incomingEncoding?: string;
  readonly stream?: ServerHttp2Stream;
}

function baseCall(call: grpc.ServerInterceptingCallInterface): BaseCall {
  let base = call as unknown as BaseCall;
  while (base.nextCall !== undefined) base = base.nextCall;
  return base;
}

/** Closes a stream once its status is sent: earlier, the trailers would be lost. */
function closeStream(call: grpc.ServerInterceptingCallInterface): void {
  const { stream } = baseCall(call);
  if (stream === undefined || stream.closed) return;
  const close = () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)); // RFC 9113 §8.1
  const statusSent = stream.sentTrailers !== undefined || stream.sentHeaders?.["grpc-status"] !== undefined;
  if (statusSent) close();
  else stream.once("wantTrailers", close);
}
