/** Where an interceptor's tickets come from. */
import type { Credentials } from "../../protocol/credentials.js";
import type { TraceSink } from "../trace/trace-event.js";

/** Gets tickets: a `KerberosClient`. */
export interface TicketSource {
  /** A ticket for a service and the KDC's clock, asked of the KDC only where there is none at hand. */
  serviceProof(service: string): Promise<ServiceProof>;
  /**
   * Told of a ticket that its service can't use, so that the next call gets another. A source that keeps none
   * needs none.
   */
  forgetTicket?(ticket: Credentials): Promise<void>;
  /**
   * Told that a service found the time of a proof wrong; resolves to whether a proof made now bears another.
   * A source whose clock needs no correction leaves it out.
   */
  correctClock?(proof: ServiceProof): Promise<boolean>;
  /** @internal Told of the calls that its tickets are on; by default what TESSERA_TRACE asks for. */
  readonly trace?: TraceSink | undefined;
}

/** What calls to a service are authenticated with. */
export interface ServiceProof {
  readonly credentials: Credentials;
  /** The present by the KDC's clock, in milliseconds since the epoch. */
  readonly clock: () => number;
}
