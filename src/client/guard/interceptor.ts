/**
 * Tickets on the calls of any grpc-js client, in one line (guard.proto); the other end is `guard` of
 * tessera-sso/server.
 *
 *   const interceptors = [ticketInterceptor(kerberos, "orders/api.example.test")];
 *   new OrderClient(address, credentials, { interceptors })
 *
 * It stands last in the list, nearest to the wire: interceptors before it see messages as the application
 * does; any after it would see the bytes that travel.
 */
import type * as grpc from "@grpc/grpc-js";
import { withClientSpan } from "../../rpc/traced-calls.js";
import { loadTracing } from "../../rpc/tracing.js";
import { traceOfEnvironment } from "../trace/environment.js";
import { traceCalls } from "../trace/trace-calls.js";
import { GuardedCall } from "./call.js";
import { type InterceptorConfig, readInterceptorOptions, type TicketInterceptorOptions } from "./config.js";
import type { TicketSource } from "./tickets.js";

/**
 * An interceptor that puts a ticket on each call, and has the service prove itself in return.
 * @param tickets where the tickets come from.
 * @param service the service's principal; its realm may be left out where it is the login's.
 * @throws TypeError for no source of tickets, no service, or naming an option that is wrong.
 */
export function ticketInterceptor(
  tickets: TicketSource,
  service: string,
  options: TicketInterceptorOptions = {},
): grpc.Interceptor {
  const config = readInterceptorOptions(tickets, service, options);
  const guarded = guarding(config);
  return (callOptions, nextCall) =>
    config.publicMethods.find(callOptions.method_definition.path) === undefined
      ? guarded(callOptions, nextCall)
      : (traced(config, nextCall)(callOptions) as grpc.InterceptingCall);
}

/** As `ticketInterceptor`, with no public methods: for a server that guards even health and reflection. */
export function ticketOnEachCall(
  tickets: TicketSource,
  service: string,
  options: Omit<TicketInterceptorOptions, "public"> = {},
): grpc.Interceptor {
  return guarding(readInterceptorOptions(tickets, service, options));
}

function guarding(config: InterceptorConfig): grpc.Interceptor {
  void loadTracing();
  return (callOptions, nextCall) =>
    withClientSpan(callOptions, () => new GuardedCall(config, callOptions, traced(config, nextCall)));
}

/** What makes the call below, and tells of it where that is wanted. */
function traced({ tickets }: InterceptorConfig, nextCall: grpc.NextCall): grpc.NextCall {
  const trace = "trace" in tickets ? tickets.trace : traceOfEnvironment();
  if (trace === undefined) return nextCall;
  const tracing = traceCalls(trace);
  return (options) => tracing(options as grpc.InterceptorOptions, nextCall);
}
