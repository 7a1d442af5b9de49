/**
 * Settings of every server in this project, guarded ones of other people's services among them, and how one
 * is made. The sizes suit a KDC, whose messages are small: streams times message size bounds what one
 * connection can hold, and whose messages are larger says so.
 */
import * as grpc from "@grpc/grpc-js";
import { boundBytes } from "./bounded-bytes.js";
import { type CallLimits, limitCalls } from "./call-limits.js";
import { closeSoon } from "./close-stream.js";
import { cutConnectionsByForce } from "./cut-connections.js";
import { Entrance } from "./entrance/entrance.js";
import { takeLifeLimits } from "./entrance/lives.js";
import { onUnservedStream } from "./grpc-js-internals.js";
import { letArrivalsIn } from "./let-arrivals-in.js";

/** The largest message a server takes or sends, in bytes. */
export const MAX_MESSAGE_BYTES = 16384;

/** grpc-js's settings for every server; how long connections last, the entrance sees to. */
export const SERVER_OPTIONS: Readonly<grpc.ServerOptions> = Object.freeze({
  // Calls at once on one connection; grpc-js sets no limit, and 50,000 idle streams stall the event loop.
  "grpc.max_concurrent_streams": 32,
  // A request with a ticket and its authorization data; grpc-js would take 4 MiB.
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  // A reply likewise; grpc-js sends any length.
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  // Megabytes that one connection may hold; grpc-js sets no bound, and unread replies pile up.
  "grpc-node.max_session_memory": 10,
  // No bookkeeping of every call for a channelz service that no server here offers.
  "grpc.enable_channelz": 0,
  // A peer that is gone is noticed: a ping every 30 s …
  "grpc.keepalive_time_ms": 30_000,
  // … and 5 s for its answer.
  "grpc.keepalive_timeout_ms": 5_000,
  // A connection without calls ends after 5 min.
  "grpc.max_connection_idle_ms": 300_000,
  // Any connection ends after an hour, so that clients find other servers and new keys …
  "grpc.max_connection_age_ms": 3_600_000,
  // … with 30 s for its running calls.
  "grpc.max_connection_age_grace_ms": 30_000,
});

/** What a server is made of. */
export interface ServerParts {
  /** The project's interceptors, outermost first; the limits stand before them. */
  readonly interceptors?: readonly grpc.ServerInterceptor[];
  /** Time limits that differ from the usual ones, in milliseconds. */
  readonly limits?: Partial<CallLimits>;
  /** grpc-js settings that differ from the usual ones. */
  readonly options?: grpc.ServerOptions;
  /** What stands before it, and before others perhaps; by default one of its own, with the usual limits. */
  readonly entrance?: Entrance | undefined;
}

/**
 * A server with the settings, the limits and the given interceptors. The caller adds services, binds and
 * shuts down.
 */
export function makeServer(parts: ServerParts = {}): grpc.Server {
  const { interceptors = [], limits, options, entrance } = parts;
  return withSettings([limitCalls(limits), ...interceptors], options, entrance);
}

/** A server with the settings and these interceptors alone, which set their own limits to their calls. */
export function withSettings(
  interceptors: readonly grpc.ServerInterceptor[],
  options: grpc.ServerOptions = {},
  entrance = new Entrance(),
): grpc.Server {
  const all = [boundBytes(entrance), ...interceptors];
  const { limits, options: others } = takeLifeLimits({ ...SERVER_OPTIONS, ...options });
  const server = new grpc.Server({ ...others, interceptors: all });
  cutConnectionsByForce(server);
  onUnservedStream(server, closeSoon);
  entrance.standBefore(server, limits);
  letArrivalsIn(server);
  return server;
}
