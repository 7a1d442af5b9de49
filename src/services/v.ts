/**
 * The application server V: authenticates the caller, remembers the authenticator, runs the sealed operation
 * and seals the answer. It has its keytab and nothing else of the realm.
 */
import type { ApplicationServiceServer } from "../gen/kerberos/v1/application_service_grpc.js";
import { makeAccessRep, verifyAccessReq } from "../protocol/access-exchange.js";
import { replayRecord } from "../protocol/ap-exchange.js";
import { isoTime } from "../protocol/kerberos-time.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import { peerAddress } from "../rpc/network-address.js";
import type { NotesStore } from "../store/notes-store.js";
import type { ReplayCache } from "../store/replay/replay-cache.js";
import type { Clock } from "./clock.js";
import type { Log } from "./exchange-log.js";
import { cacheFigures } from "./metrics/figures.js";
import type { Metrics } from "./metrics/metrics.js";
import { runOperation } from "./operations/index.js";
import { runExchange } from "./run-exchange.js";
import { TicketCache } from "./ticket-cache.js";
import { ticketId } from "./ticket-id.js";

/** What V works with. */
export interface VConfig {
  /** V's current keys, from its keytab. */
  readonly serviceKeys: () => ServiceKeys;
  /** Read at each request, so that it can change while the server runs. */
  readonly permittedEtypes: readonly number[];
  /** Permitted difference of clocks, in milliseconds. */
  readonly clockSkew: number;
  readonly replayCache: Pick<ReplayCache, "store">;
  readonly notes: NotesStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Counts exchanges, and watches caches. */
  readonly metrics?: Metrics | undefined;
  /** Whether spans say who calls. */
  readonly tracePrincipals?: boolean | undefined;
}

/** V's service, with a keytab, a replay cache and a place for notes. */
export function applicationService(config: VConfig): ApplicationServiceServer {
  const { clockSkew, replayCache, notes } = config;
  const tickets = new TicketCache({ clockSkew });
  config.metrics?.watch(() => cacheFigures("tickets", tickets.load));
  return {
    access: (request, context) =>
      runExchange("V", config, context, async (line, now) => {
        const service = config.serviceKeys();
        const { permittedEtypes } = config;
        line.server = service.principal;
        line.ticket = ticketId(request.ticket);
        const policy = {
          service,
          permittedEtypes,
          clockSkew,
          peerAddress: peerAddress(context.peer),
          openTicket: tickets.open,
        };
        const { verified, userData } = verifyAccessReq(request, policy, now);
        const { ticket } = verified;
        line.client = verified.client;
        line.etypes = { session: ticket.sessionKey.etype.etype };
        line.endtime = isoTime(ticket.endtime);
        const replay = replayRecord(verified, clockSkew);
        await replayCache.store(replay.tag, replay.ctime, replay.expiry, now);
        const onCause = (error: unknown) =>
          config.log({ level: "error", exchange: "V", text: String(error) });
        const { name, answer } = await runOperation(userData, { ticket, notes, now }, onCause);
        line.operation = name;
        return makeAccessRep(verified, answer);
      }),
  };
}
