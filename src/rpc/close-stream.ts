/**
 * The end of a call whose client does not end its half: grpc-js would leave the stream open until it does.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import type * as grpc from "@grpc/grpc-js";
import { http2Stream } from "./grpc-js-internals.js";

/** Closes a call's stream once its status has been sent; any earlier, and the trailers would be lost. */
export function closeAfterStatus(call: grpc.ServerInterceptingCallInterface): void {
  const stream = http2Stream(call);
  if (stream === undefined || stream.closed) return;
  const statusSent = stream.sentTrailers !== undefined || stream.sentHeaders?.["grpc-status"] !== undefined;
  if (statusSent) closeSoon(stream);
  else stream.once("wantTrailers", () => closeSoon(stream));
}

/** Closes a stream whose answer is complete, as RFC 9113 §8.1 has it. */
export function closeSoon(stream: ServerHttp2Stream): void {
  setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}
