/**
 * Renews a stream before its ticket ends, with the next ticket of its client, so that it may go on
 * (guard.proto, MESSAGE_KIND_RENEWAL).
 *
 * The next ticket comes from where the first did: a keytab logs in anew, a renewable login is renewed, a
 * cache that somebody has refreshed is read again. It is asked for in the last tenth of the ticket's life;
 * where there is none yet, again at each half of what is left. When the ticket has ended, the stream ends
 * here, with the reason why there is no other.
 */
import { isoTime } from "../../protocol/kerberos-time.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { Timer } from "../../rpc/timer.js";
import type { ServiceProof, TicketSource } from "./tickets.js";

/** By then a source has renewed its login: `KerberosClient` does in the last fifth. */
const LAST_SHARE = 1 / 10;
/** The shortest pause between two attempts, in milliseconds. */
const LEAST_PAUSE_MS = 1_000;

/** What tickets are asked of, and when. */
export interface StreamRenewalParts {
  readonly tickets: Pick<TicketSource, "serviceProof">;
  /** The service's principal, as the interceptor was given it. */
  readonly service: string;
  readonly timer: Timer;
}

/** A stream that is to be renewed. */
export interface RenewableStream {
  /** Sends a renewal. Throws where none can be made. */
  renew(next: ServiceProof): void;
  /** Ends the stream. */
  end(reason: KrbError): void;
}

/** Keeps one stream up, until it is stopped. */
export class StreamRenewal {
  readonly #parts: StreamRenewalParts;
  readonly #stream: RenewableStream;
  #ticket: ServiceProof;
  #stopTimer: (() => void) | undefined;
  #isStopped = false;

  /** @param ticket the one that the stream was made with. */
  constructor(parts: StreamRenewalParts, ticket: ServiceProof, stream: RenewableStream) {
    this.#parts = parts;
    this.#ticket = ticket;
    this.#stream = stream;
    this.#wait();
  }

  /** Renews no more: the stream has ended, or its requests have. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTimer?.();
  }

  #wait(): void {
    const { left, early } = this.#times();
    const pause = left > early ? left - early : Math.min(left, Math.max(left / 2, LEAST_PAUSE_MS));
    this.#stopTimer = this.#parts.timer(Math.max(pause, 0), () => void this.#wake());
  }

  /** Never rejects. */
  async #wake(): Promise<void> {
    const { left, early } = this.#times();
    if (left > early) {
      this.#wait();
      return;
    }
    const why = await this.#renew();
    if (this.#isStopped) return;
    if (why !== undefined && this.#times().left <= 0) this.#stream.end(ended(this.#ticket, why));
    else this.#wait();
  }

  /** @returns why the stream was not renewed; undefined: it was. */
  async #renew(): Promise<unknown> {
    try {
      const { tickets, service } = this.#parts;
      const next = await tickets.serviceProof(service);
      if (this.#isStopped) return undefined;
      checkSuccessor(this.#ticket, next);
      this.#stream.renew(next);
      this.#ticket = next;
      return undefined;
    } catch (error) {
      return error ?? new Error("no ticket came");
    }
  }

  #times(): { left: number; early: number } {
    const { credentials, clock } = this.#ticket;
    const { starttime, endtime } = credentials;
    return { left: endtime - clock(), early: (endtime - starttime) * LAST_SHARE };
  }
}

function checkSuccessor({ credentials: last }: ServiceProof, { credentials: next }: ServiceProof): void {
  if (next.client !== last.client || next.server !== last.server)
    throw new Error(`the ticket at hand is ${next.client}'s for ${next.server}`);
  if (next.endtime <= last.endtime) throw new Error("the ticket at hand ends no later; log in again in time");
}

function ended({ credentials, clock }: ServiceProof, why: unknown): KrbError {
  const endtime = isoTime(credentials.endtime);
  return new KrbError(
    "KRB_AP_ERR_TKT_EXPIRED",
    `the stream's ticket expired at ${endtime}, and there is no other to renew it with: ` +
      `${why instanceof Error ? why.message : String(why)}`,
    { endtime, client_time: isoTime(clock()) },
  );
}
