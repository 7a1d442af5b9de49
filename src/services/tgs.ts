/**
 * The Ticket Granting Server: authenticates, lets `issueServiceTicket` decide, answers. It remembers no
 * authenticators: what a copied request yields, only its sender opens (docs/design.md, "No replay cache at
 * the KDC").
 */
import type { TicketGrantingServiceServer } from "../gen/kerberos/v1/ticket_granting_service_grpc.js";
import type { GrantTicketRequest } from "../gen/kerberos/v1/ticket_granting_service_pb.js";
import { isoTime } from "../protocol/kerberos-time.js";
import { issueServiceTicket, verifyTgsReq } from "../protocol/tgs-exchange.js";
import type { ExchangeLine } from "./exchange-log.js";
import { decided, type KdcConfig, krbtgtEntry, type Lookup } from "./kdc.js";
import { cacheFigures } from "./metrics/figures.js";
import { runExchange } from "./run-exchange.js";
import { type NamedTicket, TicketCache } from "./ticket-cache.js";
import { ticketId } from "./ticket-id.js";

/** The TGS's service, on a realm's database. */
export function ticketGrantingService(config: KdcConfig): TicketGrantingServiceServer {
  const tickets = new TicketCache({ clockSkew: config.policy.clockSkew });
  config.metrics?.watch(() => cacheFigures("tickets", tickets.load));
  return {
    grantTicket: (request, context) =>
      runExchange("TGS", config, context, (line, now) =>
        decided(config.principals, (lookup) => grant(request, lookup, line, now)),
      ),
  };

  async function verified(request: GrantTicketRequest, lookup: Lookup, line: ExchangeLine, now: number) {
    try {
      const krbtgt = await krbtgtEntry(config.policy, lookup);
      const opened = verifyTgsReq(request, krbtgt, config.policy, now, tickets.open);
      line.tgt = (opened.apReq.ticket as NamedTicket).id ?? ticketId(request.ticket);
      return opened;
    } catch (error) {
      line.tgt = ticketId(request.ticket);
      throw error;
    }
  }

  async function grant(request: GrantTicketRequest, lookup: Lookup, line: ExchangeLine, now: number) {
    const opened = await verified(request, lookup, line, now);
    const { apReq, server } = opened;
    line.client = apReq.client;
    line.server = server;
    try {
      const client = await lookup(apReq.client);
      const service = await lookup(server);
      const issued = issueServiceTicket(opened, { client, service, policy: config.policy }, now);
      line.etypes = issued.etypes;
      line.ticket = ticketId(issued.response.ticket);
      line.endtime = isoTime(issued.ticket.endtime);
      issued.ticket.sessionKey.wipe();
      return issued.response;
    } finally {
      apReq.subkey?.wipe();
    }
  }
}
