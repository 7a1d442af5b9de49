/** A ticket that was taken, and is to be good for longer than its call: a session's, or a stream's. */
import type { ApReqPolicy } from "../../protocol/ap-exchange.js";
import type { LongTermKey } from "../../protocol/keys.js";
import { openTicket, type ServiceKeys, type TicketContents } from "../../protocol/ticket.js";
import type { NamedTicket } from "../ticket-cache.js";

/** What a ticket says, without its key: with what was derived from it, the key is most of a ticket. */
export type TicketFacts = Omit<NamedTicket, "sessionKey">;

/** What a ticket says, to be kept for longer than its key. */
export function factsOf({ sessionKey: _, ...facts }: TicketContents): TicketFacts {
  return facts;
}

/** A ticket that was taken. */
export interface HeldTicket {
  readonly ticket: TicketFacts;
  /** The ticket as it travelled: it must open whenever the service's keys have changed. */
  readonly ticketBytes: Uint8Array;
  /** The service's keys that opened it last. */
  serviceKeys: readonly LongTermKey[];
}

/**
 * Checks that the service still has the ticket's key; that costs something only where its keys have changed.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `openTicket`.
 */
export function checkStillOpens(
  held: HeldTicket,
  service: ServiceKeys,
  { permittedEtypes, openTicket: open = openTicket }: Pick<ApReqPolicy, "permittedEtypes" | "openTicket">,
  now: number,
): void {
  if (held.serviceKeys === service.keys) return;
  open(held.ticketBytes, service, permittedEtypes, now);
  held.serviceKeys = service.keys;
}
