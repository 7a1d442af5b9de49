/**
 * What a client has after an exchange with the KDC: a ticket it can't read, and the session key that goes
 * with it.
 */
import type { TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";
import type { Key } from "./keys.js";
import type { Principal } from "./principal.js";

/** A ticket with its session key. Times are milliseconds since the epoch, by the KDC's clock. */
export interface Credentials {
  readonly client: Principal;
  readonly server: Principal;
  /** The session key. [K_c,tgs, K_c,v] */
  readonly key: Key;
  /** The serialized Ticket, opaque to the client. */
  readonly ticket: Uint8Array;
  readonly flags: readonly TicketFlag[];
  readonly authtime: number;
  readonly starttime: number;
  readonly endtime: number;
  /** How long the ticket may be renewed; undefined: not at all. */
  readonly renewTill: number | undefined;
}
