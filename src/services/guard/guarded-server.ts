/**
 * A grpc-js server for a service of one's own: the guard first, and the limits of the realm's own servers.
 *
 *   const server = guardedServer({ keytab: "orders.keytab" });
 *   server.addService(orders.OrderService.service, handlers);
 *
 * What a stranger can cost it is bounded: a peer has its share of connections and calls; a socket that says
 * nothing is closed; a call without a proof ends at its headers, and nothing more of it is read; one with a
 * proof has a few seconds for its request; a connection has a few calls at a time, of small messages. A call
 * that has ended leaves no stream open, whatever its client goes on to send.
 */
import type * as grpc from "@grpc/grpc-js";
import { checkOptionNames } from "../../errors/unknown-options.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { limitCalls } from "../../rpc/call-limits.js";
import { Entrance } from "../../rpc/entrance/entrance.js";
import type { ServerLimits } from "../../rpc/entrance/limits.js";
import type { TellRefusals } from "../../rpc/entrance/refusals.js";
import { withSettings } from "../../rpc/server-options.js";
import { entranceFigures } from "../metrics/figures.js";
import { GUARD_OPTION_NAMES, type GuardConfig, type GuardOptions, readGuardOptions } from "./config.js";
import { guardOf } from "./interceptor.js";

/** What a guarded server is told: what its guard is told, and what else the server is made of. */
export interface GuardedServerOptions extends GuardOptions {
  /** Interceptors behind the guard: they see decoded messages, of callers who have proved who they are. */
  readonly interceptors?: readonly grpc.ServerInterceptor[] | undefined;
  /**
   * grpc-js's settings for the server, instead of these: at most 32 calls at a time on a connection, messages
   * of 16 KiB, 10 MB of memory for a connection, a ping every 30 s, 5 minutes without calls, and an hour in
   * all.
   */
  readonly serverOptions?: Omit<grpc.ServerOptions, "interceptors"> | undefined;
  /** How many connections and calls may be open, in all and of one peer. */
  readonly limits?: ServerLimits | undefined;
}

const OPTION_NAMES = {
  ...GUARD_OPTION_NAMES,
  interceptors: true,
  serverOptions: true,
  limits: true,
} as const;

/**
 * A server whose methods need a ticket, all but health, reflection and those that are public. The caller adds
 * services, binds and shuts down.
 * @throws TypeError or RangeError naming an option that is wrong; KrbError as `guard`.
 */
export function guardedServer(options: GuardedServerOptions): grpc.Server {
  checkOptionNames("guardedServer", options, OPTION_NAMES);
  const { interceptors = [], serverOptions = {}, limits, ...guardOptions } = options;
  if (!Array.isArray(interceptors)) throw new TypeError("interceptors: expected a list");
  if ("interceptors" in serverOptions)
    throw new TypeError("serverOptions: interceptors have an option of their own, `interceptors`");
  const config = readGuardOptions(guardOptions);
  const all = [limitPublicCalls(config), guardOf(config), ...interceptors];
  const entrance = new Entrance(limits, tellOf(config));
  config.metrics?.watch(() => entranceFigures(entrance));
  return withSettings(all, serverOptions, entrance);
}

/** Where the guard has a log, it says what was refused before the guard saw it. */
function tellOf({ log, clock }: GuardConfig): TellRefusals | undefined {
  return log && ((text) => log({ time: isoTime(clock()), level: "warn", exchange: "GUARD", text }));
}

/** Calls that need no ticket are anybody's: their first message has as long as a guarded call's request. */
function limitPublicCalls({ publicMethods, requestTimeoutMs }: GuardConfig): grpc.ServerInterceptor {
  const limit = limitCalls({ unaryMs: Number.POSITIVE_INFINITY, firstMessageMs: requestTimeoutMs });
  return (method, call) =>
    publicMethods.find(method.path) === undefined
      ? (call as grpc.ServerInterceptingCall)
      : limit(method, call);
}
