/** `tessera-sso/connect`: the guard before Connect's handlers, and tickets below its clients. */
import { createServer, type Http2Server } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { type Client, type ConnectRouter, createClient } from "@connectrpc/connect";
import { guardedNodeAdapter, type TicketSource, ticketTransport } from "tessera-sso/connect";

/** Serves Connect's routes to whoever has a ticket; `callerOf(context)` says in a handler who that is. */
export function serve(routes: (router: ConnectRouter) => void, keytab: string): Http2Server {
  // #region server
  const server = createServer(guardedNodeAdapter({ routes }, { keytab }));
  // #endregion
  return server;
}

/** Calls a method of a service, with a ticket for it; the transport is closed when that is done. */
export async function withClient<S extends DescService, Result>(
  service: S,
  kerberos: TicketSource,
  baseUrl: string,
  use: (client: Client<S>) => Promise<Result>,
): Promise<Result> {
  // #region client
  const transport = ticketTransport(kerberos, "greet/api", { baseUrl });
  const client = createClient(service, transport);
  // #endregion
  try {
    return await use(client);
  } finally {
    transport.close();
  }
}
