/** What a ticket interceptor is told, and what it makes of it once, when the client is assembled. */
import { checkOptionNames, type OptionNames } from "../../errors/unknown-options.js";
import { PROTECTIONS, type Protection } from "../../protocol/call-binding.js";
import { MethodTable, PUBLIC_SERVICES } from "../../rpc/method-table.js";
import { systemTimer, type Timer } from "../../rpc/timer.js";
import { ClientSessions } from "./sessions.js";
import type { TicketSource } from "./tickets.js";

/** What an interceptor may be told. */
export interface TicketInterceptorOptions {
  /**
   * How much of each call is protected; `authenticate` by default. A service may ask for more, and then
   * refuses less.
   */
  readonly protection?: Protection | undefined;
  /** Lets calls go over a channel without TLS to another machine. */
  readonly allowInsecureChannel?: boolean | undefined;
  /**
   * Methods called without a ticket, besides health and reflection: `package.Service/Method`,
   * `package.Service`, `package.*`.
   */
  readonly public?: readonly string[] | undefined;
  /**
   * Whether a session is asked for, `true` by default: after one exchange calls prove themselves with one
   * MAC. Pointless where each call may reach another process of the service: a proxy that balances calls, or
   * round robin over several addresses.
   */
  readonly sessions?: boolean | undefined;
  /** Milliseconds of a clock that is never set; `performance.now` by default. */
  readonly uptime?: (() => number) | undefined;
  /** Wakes a stream whose ticket is about to end; Node's timers by default. For tests. */
  readonly timer?: Timer | undefined;
}

/** The same, read and completed. */
export interface InterceptorConfig {
  readonly tickets: TicketSource;
  /** The service's principal, as the interceptor was given it. */
  readonly service: string;
  readonly protection: Protection;
  readonly allowInsecureChannel: boolean;
  readonly publicMethods: MethodTable<true>;
  /** Undefined: none is asked for. */
  readonly sessions: ClientSessions | undefined;
  readonly timer: Timer;
}

const OPTIONS: OptionNames<TicketInterceptorOptions> = {
  protection: true,
  allowInsecureChannel: true,
  public: true,
  sessions: true,
  uptime: true,
  timer: true,
};

/** @throws TypeError for no source of tickets, no service, or naming an option that is wrong. */
export function readInterceptorOptions(
  tickets: TicketSource,
  service: string,
  options: TicketInterceptorOptions,
): InterceptorConfig {
  if (typeof tickets?.serviceProof !== "function")
    throw new TypeError("ticketInterceptor: expected a KerberosClient or a shared key to get tickets from");
  if (typeof service !== "string" || service === "")
    throw new TypeError(
      `ticketInterceptor: expected the service's principal, as "orders/api.example.test", got ${String(service)}`,
    );
  checkOptionNames("ticketInterceptor", options, OPTIONS);
  const { protection = "authenticate", allowInsecureChannel = false } = options;
  if (!PROTECTIONS.includes(protection))
    throw new TypeError(`protection: expected one of ${PROTECTIONS.join(", ")}, got ${String(protection)}`);
  const publicRows = [...PUBLIC_SERVICES, ...(options.public ?? [])].map((name) => [name, true] as const);
  const publicMethods = new MethodTable(publicRows, "public");
  const sessions = options.sessions === false ? undefined : new ClientSessions(options.uptime);
  const { timer = systemTimer } = options;
  return { tickets, service, protection, allowInsecureChannel, publicMethods, sessions, timer };
}
