/** How a call is refused before gRPC has seen it: a status in place of headers, and nothing more is read. */
import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import { closeSoon } from "../close-stream.js";
import { RpcError } from "../rpc-error.js";
import { toStatus } from "../status.js";

/** What is said when too much is open at once. */
export const TOO_MANY_CALLS = "too many calls at once: repeat it later";
/** What is said when the server can't do all that it is asked. */
export const OVERLOADED = "the server is overloaded: repeat it later";

/** Headers that say so, by text and delay: made once, as refusing must cost next to nothing. */
const made = new Map<string, OutgoingHttpHeaders>();

/**
 * Refuses a call with RESOURCE_EXHAUSTED, and google.rpc.RetryInfo with the delay.
 * @param retryAfterMs in milliseconds; few different ones, since what is said is kept for each.
 */
export function refuseCall(stream: ServerHttp2Stream, text: string, retryAfterMs: number): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.respond(refusal(text, retryAfterMs), { endStream: true });
  closeSoon(stream);
}

function refusal(text: string, retryAfterMs: number): OutgoingHttpHeaders {
  const key = `${retryAfterMs} ${text}`;
  let headers = made.get(key);
  if (headers === undefined) {
    const { code, details, metadata } = toStatus(
      new RpcError(grpc.status.RESOURCE_EXHAUSTED, text, { retryAfterMs }),
    );
    headers = {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": code,
      "grpc-message": encodeURI(details),
      ...metadata.toHttp2Headers(),
    };
    made.set(key, headers);
  }
  return { ...headers };
}
