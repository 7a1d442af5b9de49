/**
 * The guard: Kerberos for any gRPC service, in one line (guard.proto).
 *
 *   guardedServer({ keytab }), or new Server({ interceptors: [guard({ keytab })] }) without its limits
 *
 * Every method of the server is guarded unless it is listed as public. The guard stands first in the list:
 * interceptors before it, nearer to the wire, run for every caller and see messages as the bytes that travel;
 * those behind it, and the handlers, see decoded messages of callers who have proved who they are
 * (`callerOf`).
 */
import type * as grpc from "@grpc/grpc-js";
import { withServerSpan } from "../../rpc/traced-calls.js";
import { loadTracing } from "../../rpc/tracing.js";
import { GuardedServerCall } from "./call.js";
import { type GuardConfig, type GuardOptions, readGuardOptions } from "./config.js";

/**
 * An interceptor that lets in whoever has a ticket. `guardedServer` makes a server with it, and with limits.
 * @throws TypeError or RangeError naming an option that is wrong.
 */
export function guard(options: GuardOptions): grpc.ServerInterceptor {
  return guardOf(readGuardOptions(options));
}

/** The interceptor of a guard whose options were read; for whoever needs its parts as well. */
export function guardOf(config: GuardConfig): grpc.ServerInterceptor {
  void loadTracing();
  return (method, call) => {
    if (config.publicMethods.find(method.path) !== undefined) return call as grpc.ServerInterceptingCall;
    return new GuardedServerCall(config, method, withServerSpan(method.path, call));
  };
}
