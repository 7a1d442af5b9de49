/**
 * The Ticket Granting Server: authenticates, lets `issueServiceTicket` decide, answers. It remembers no
 * authenticators: what a copied request yields, only its sender opens (docs/design.md, "No replay cache at
 * the KDC").
 */
import type { TicketGrantingServiceServer } from "../gen/kerberos/v1/ticket_granting_service_grpc.js";
import { isoTime } from "../protocol/kerberos-time.js";
import { issueServiceTicket, verifyTgsReq } from "../protocol/tgs-exchange.js";
import { type KdcConfig, krbtgtEntry } from "./kdc.js";
import { cacheFigures } from "./metrics/figures.js";
import { runExchange } from "./run-exchange.js";
import { TicketCache } from "./ticket-cache.js";

/** The TGS's service, on a realm's database. */
export function ticketGrantingService(config: KdcConfig): TicketGrantingServiceServer {
  const tickets = new TicketCache({ clockSkew: config.policy.clockSkew });
  config.metrics?.watch(() => cacheFigures("tickets", tickets.load));
  return {
    grantTicket: (request, context) =>
      runExchange("TGS", config, context, async (line, now) => {
        const krbtgt = await krbtgtEntry(config);
        const verified = verifyTgsReq(request, krbtgt, config.policy, now, tickets.open);
        const { apReq, server } = verified;
        line.client = apReq.client;
        line.server = server;
        try {
          const client = await config.principals.get(apReq.client);
          const service = await config.principals.get(server);
          const issued = issueServiceTicket(verified, { client, service, policy: config.policy }, now);
          line.etypes = issued.etypes;
          line.endtime = isoTime(issued.ticket.endtime);
          issued.ticket.sessionKey.wipe();
          return issued.response;
        } finally {
          apReq.subkey?.wipe();
        }
      }),
  };
}
