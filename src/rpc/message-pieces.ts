/**
 * Messages that come in crumbs. grpc-js keeps each piece of a message that is not whole by itself, which
 * costs some 175 bytes: a message of 16 KiB, byte by byte, 3 MiB.
 */
import type * as grpc from "@grpc/grpc-js";
import { partialMessage } from "./grpc-js-internals.js";

/** How many pieces of a message may be of any size. */
export const FREE_PIECES = 128;
/** What more pieces than that must have on average, in bytes. */
const PIECE_BYTES = 16;

/**
 * How many pieces a call's message has come in, if these are more than 128 of less than 16 bytes on average;
 * otherwise undefined.
 */
export function crumbsOf(call: grpc.ServerInterceptingCallInterface): number | undefined {
  const { pieces, bytes } = partialMessage(call);
  return pieces <= FREE_PIECES || bytes >= pieces * PIECE_BYTES ? undefined : pieces;
}
