/**
 * What keeps a stream up that was let in: its caller's ticket, and the next ones, which come inside the
 * stream (guard.proto, MESSAGE_KIND_RENEWAL).
 *
 * Invariants. A stream stays whose it is. Its keys stay too, and so does the session that it runs under. Of a
 * ticket that has been renewed nothing is kept.
 */
import { isProtected } from "../../protocol/call-binding.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { OpenedRenewal } from "../../protocol/message-protection.js";
import { verifyRenewal } from "../../protocol/stream-renewal.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import { type AdmissionPolicy, apReqPolicy, etypesFor, policyRefusal } from "./admission-policy.js";
import { type Caller, callerWith } from "./caller.js";
import { checkStillOpens, type HeldTicket } from "./held-ticket.js";
import type { Peer, ReceivedCall } from "./received-call.js";

/** Who a stream is let in for, and by which ticket. */
export interface StreamGrounds {
  readonly caller: Caller;
  readonly held: HeldTicket;
}

/** A stream that was let in. */
export class GuardedStream {
  readonly #policy: AdmissionPolicy;
  readonly #peer: Peer;
  readonly #method: string;
  readonly #authorities: readonly string[];
  /** Whether its client can renew it: its requests are a stream, and protected. */
  readonly #renewable: boolean;
  #grounds: StreamGrounds;

  /** @param call as it was received, with the hosts that its proof may be bound to. */
  constructor(
    policy: AdmissionPolicy,
    grounds: StreamGrounds,
    { method, authorities, requestStream }: ReceivedCall & { readonly authorities: readonly string[] },
    peer: Peer,
  ) {
    this.#policy = policy;
    this.#grounds = grounds;
    this.#method = method;
    this.#authorities = authorities;
    this.#peer = peer;
    this.#renewable = requestStream && isProtected(grounds.caller.protection, true);
  }

  /**
   * Checks a renewal as admission checks an AP-REQ; the caller rules are the caller's to ask. It holds from
   * `goOn` on.
   * @param now milliseconds since the epoch.
   * @throws KrbError as `verifyRenewal`; KDC_ERR_POLICY, KRB_AP_ERR_BADADDR and KRB_AP_ERR_BADMATCH of level,
   *   address and certificate.
   */
  verify(renewal: OpenedRenewal, service: ServiceKeys, now: number): StreamGrounds {
    const { caller, held } = this.#grounds;
    const { client, server } = held.ticket;
    const { protection } = caller;
    const stream = { client, server, protection, method: this.#method, authorities: this.#authorities };
    const verified = verifyRenewal(renewal, stream, apReqPolicy(this.#policy, service, this.#peer), now);
    const { ticket, authorizationData, ticketBytes } = verified;
    const next = callerWith(ticket, authorizationData, protection);
    const refusal = policyRefusal(this.#policy, next, ticket, this.#peer);
    if (refusal !== undefined) throw refusal;
    const copy = Uint8Array.from(ticketBytes);
    return { caller: next, held: { ticket, ticketBytes: copy, serviceKeys: service.keys } };
  }

  /** Goes on by the ticket of a renewal. */
  goOn(grounds: StreamGrounds): void {
    this.#grounds = grounds;
  }

  /**
   * Why the stream may not go on: its ticket has ended, or the keytab has dropped the ticket's key.
   * @param service undefined: the keytab can't be read at the moment, which ends no stream.
   * @param now milliseconds since the epoch.
   */
  refusal(service: ServiceKeys | undefined, now: number): KrbError | undefined {
    const { held } = this.#grounds;
    const { clockSkew, openTicket } = this.#policy;
    if (now - held.ticket.endtime > clockSkew) return this.#expired(now);
    if (service === undefined) return undefined;
    try {
      const permittedEtypes = etypesFor(this.#policy, this.#peer);
      checkStillOpens(held, service, { openTicket, permittedEtypes }, now);
      return undefined;
    } catch (error) {
      if (error instanceof KrbError) return error;
      throw error;
    }
  }

  #expired(now: number): KrbError {
    const endtime = isoTime(this.#grounds.held.ticket.endtime);
    const remedy = this.#renewable
      ? "its client did not renew it in time: call again with a new ticket"
      : "a stream whose requests are no stream, or not protected, can't be renewed: call again with a new ticket";
    return new KrbError("KRB_AP_ERR_TKT_EXPIRED", `the stream's ticket expired at ${endtime}; ${remedy}`, {
      endtime,
      server_time: isoTime(now),
      limit_ms: String(this.#policy.clockSkew),
    });
  }
}
