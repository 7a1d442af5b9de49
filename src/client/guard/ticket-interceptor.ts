/**
 * Tickets on the calls of any grpc-js client, in one line (guard.proto); the other end is `guard` of tessera-sso/server.
 *
 *   new OrderClient(address, credentials, { interceptors: [ticketInterceptor(kerberos, "orders/api.example.test")] })
 *
 * It stands last in the list, nearest to the wire: interceptors before it see messages as the application does, any after
 * it would see the bytes that travel.
 */
import type * as grpc from "@grpc/grpc-js";
import { PROTECTIONS, type Protection } from "../../protocol/call-binding.js";
import type { Credentials } from "../../protocol/credentials.js";
import { MethodTable, PUBLIC_SERVICES } from "../../rpc/method-table.js";
import { GuardedCall, type GuardedCallConfig } from "./call.js";
import type { ServiceProof } from "./proof.js";

/** Gets tickets: a `KerberosClient`. */
export interface TicketSource {
  /** A ticket for a service and the KDC's clock, asked of the KDC only when there is none at hand. */
  serviceProof(service: string): Promise<ServiceProof>;
  /** Told of a ticket that its service can't use: the next call is to get another. A source that keeps none needs none. */
  forgetTicket?(ticket: Credentials): Promise<void>;
}

/** What may be said of an interceptor. */
export interface TicketInterceptorOptions {
  /** How much of each call is protected; `authenticate` by default. A service may ask for more and refuse less. */
  readonly protection?: Protection | undefined;
  /** Lets calls go over a channel without TLS to another machine. */
  readonly allowInsecureChannel?: boolean | undefined;
  /** Methods called without a ticket, beside health and reflection: `package.Service/Method`, `package.Service`, `package.*`. */
  readonly public?: readonly string[] | undefined;
}

/**
 * An interceptor that puts a ticket on each call and has the service prove itself in return.
 * @param tickets who gets the tickets.
 * @param service the service's principal; the realm may be left out where it is the login's.
 * @throws TypeError for an option that is wrong.
 */
export function ticketInterceptor(
  tickets: TicketSource,
  service: string,
  options: TicketInterceptorOptions = {},
): grpc.Interceptor {
  const { protection = "authenticate", allowInsecureChannel = false } = options;
  if (!PROTECTIONS.includes(protection))
    throw new TypeError(`protection: expected one of ${PROTECTIONS.join(", ")}, got ${String(protection)}`);
  const publicRows = [...PUBLIC_SERVICES, ...(options.public ?? [])].map((name) => [name, true] as const);
  const publicMethods = new MethodTable(publicRows, "public");
  const config: GuardedCallConfig = {
    protection,
    allowInsecureChannel,
    prove: () => tickets.serviceProof(service),
    forget: async ({ credentials }) => tickets.forgetTicket?.(credentials),
  };
  return (callOptions, nextCall) => {
    if (publicMethods.find(callOptions.method_definition.path) !== undefined)
      return nextCall(callOptions) as grpc.InterceptingCall;
    return new GuardedCall(config, callOptions, nextCall);
  };
}
