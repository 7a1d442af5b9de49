/**
 * The server interceptor that refuses messages which come in crumbs. grpc-js keeps each piece of a message
 * that is not whole by itself, which costs some 175 bytes: a message of 16 KiB, byte by byte, 3 MiB.
 */
import * as grpc from "@grpc/grpc-js";
import { http2Stream, partialMessage } from "./grpc-js-internals.js";

/** How many pieces of a message may be of any size. */
const FREE_PIECES = 128;
/** What more pieces than that must have on average, in bytes. */
const PIECE_BYTES = 16;

/** Ends calls whose message comes in more than 128 pieces of less than 16 bytes with RESOURCE_EXHAUSTED. */
export const refuseCrumbs: grpc.ServerInterceptor = (_, call) => {
  http2Stream(call)?.on("data", () => {
    const { pieces, bytes } = partialMessage(call);
    if (pieces <= FREE_PIECES || bytes >= pieces * PIECE_BYTES) return;
    call.sendStatus({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: `the server ended the call: its message came in ${pieces} pieces of a few bytes`,
    });
  });
  return call as grpc.ServerInterceptingCall;
};
