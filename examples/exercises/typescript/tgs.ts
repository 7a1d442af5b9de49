/**
 * The TGS exchange (RFC 4120 §3.3): a ticket-granting ticket becomes a ticket for a service. This is yours.
 *
 * `messages.ts` decodes, opens and seals; `throw new Refusal(reason, text)` refuses; `realm.ts` has the keys.
 * Take the stages in order: each says what it sent and what it expected.
 */
import type {
  GrantTicketRequest,
  GrantTicketResponse,
} from "./gen/kerberos/v1/ticket_granting_service_pb.js";
import type { Realm } from "./realm.js";
import { NotWritten } from "./refusal.js";

/** The Ticket Granting Server. */
export class TicketGrantingServer {
  readonly realm: Realm;

  constructor(realm: Realm) {
    this.realm = realm;
  }

  /**
   * Message (3) in, message (4) out.
   * @param now milliseconds since the epoch.
   * @throws Refusal.
   */
  grantTicket(request: GrantTicketRequest, now: number): GrantTicketResponse {
    console.log(`at ${new Date(now).toISOString()}: a ticket of ${request.ticket.length} bytes`);
    // TODO stage 2: decode the Ticket; it must be for this.realm.tgs.
    // TODO stage 3: refuse what is not canonical, and what lacks a required field.
    // TODO stage 4: open the ticket with the key of its kvno (key usage 2).
    // TODO stage 5: open the authenticator with the session key (key usage 7); check its client and its time.
    // TODO stage 6: check its checksum over the bytes of the body (key usage 6).
    // TODO stage 7: check the ticket's times and the flag INVALID.
    // TODO stage 8: find the service that is asked for.
    // TODO stage 9: make a session key, and seal the reply (key usage 8, or 9 under the subkey).
    // TODO stage 10: make the ticket, sealed under the service's key (key usage 2).
    // TODO stage 11: let it end no later than the TGT, and choose its flags.
    // TODO stage 12: refuse an authenticator that was accepted before.
    throw new NotWritten();
  }
}
