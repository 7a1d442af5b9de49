/**
 * What a guarded call sent, as it travelled, and how to send it again: what somebody who listens on the way
 * can do.
 */
import { once } from "node:events";
import { type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import type { KrbError } from "../protocol/krb-error.js";
import type { RpcError } from "../rpc/rpc-error.js";
import { fromServiceError } from "../rpc/status.js";

/** The requests of one attempt: header and bodies, proofs included. */
export interface CapturedCall {
  /** `/package.Service/Method`. */
  readonly method: string;
  /** The HTTP/2 `:authority`. */
  readonly authority: string;
  /** The request metadata. A copy: it may be changed before it is sent again. */
  readonly metadata: grpc.Metadata;
  /** The requests that have come so far, each as it travelled. */
  readonly messages: Uint8Array[];
}

/** What a service answers to a replayed call. */
export interface ReplayAnswer {
  readonly code: grpc.status;
  /** The refusal; undefined: the call was let in, and answered. */
  readonly refusal: KrbError | RpcError | undefined;
}

/**
 * An interceptor that keeps every call with a proof; it stands before the guard.
 * @param calls where they are put, in the order in which they came.
 */
export function capturing(calls: CapturedCall[]): grpc.ServerInterceptor {
  return ({ path: method }, call) => {
    let captured: CapturedCall | undefined;
    return new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            captured = { method, authority: call.getHost(), metadata: metadata.clone(), messages: [] };
            calls.push(captured);
            pass(metadata);
          },
          onReceiveMessage: (message: unknown, pass) => {
            // The messages of public methods come decoded: they prove nothing, and nobody replays them.
            if (message instanceof Uint8Array) captured?.messages.push(Uint8Array.from(message));
            pass(message);
          },
        }),
    });
  };
}

/**
 * Sends a captured call again, over a connection of its own.
 * @param address `host:port` of a server without TLS.
 * @throws the connection's error, where there is no server.
 */
export async function replayTo(
  address: string,
  { method, authority, metadata, messages }: CapturedCall,
): Promise<ReplayAnswer> {
  const session = connect(`http://${address}`);
  try {
    await once(session, "connect");
    const stream = session.request({
      ...metadata.toHttp2Headers(),
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: method,
      [constants.HTTP2_HEADER_AUTHORITY]: authority,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [constants.HTTP2_HEADER_TE]: "trailers",
    });
    stream.end(Buffer.concat(messages.map(framed)));
    return answerIn(await statusOf(stream));
  } finally {
    session.destroy();
  }
}

/** A message with gRPC's five bytes before it: not compressed, and its length. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

/** The headers that hold the status: the trailers, or those of an answer that has nothing else. */
function statusOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    const take = (headers: IncomingHttpHeaders) => {
      if (headers["grpc-status"] !== undefined) resolve(headers);
    };
    stream.on("response", take).on("trailers", take).on("error", reject).resume();
    stream.on("close", () =>
      reject(new Error(`replay: the stream ended without a status: ${stream.rstCode}`)),
    );
  });
}

function answerIn(headers: IncomingHttpHeaders): ReplayAnswer {
  const code = Number(headers["grpc-status"]);
  if (code === grpc.status.OK) return { code, refusal: undefined };
  const details = decodeURIComponent(String(headers["grpc-message"] ?? ""));
  const metadata = grpc.Metadata.fromHttp2Headers(headers);
  const refusal = fromServiceError(Object.assign(new Error(details), { code, details, metadata }));
  return { code, refusal };
}
