/**
 * Whether a call is let in: all checks but the caller rules and a replay cache that others share, which may
 * take their time and come after.
 *
 * It takes what a call was, and says who makes it and how to answer. It knows neither grpc-js nor a socket,
 * so that another server, or a proxy that asks on a server's behalf, admits by the same checks.
 *
 *   headers  `look`   the ticket opens, or the session is held: whether anything more of the call is read
 *   request  `admit`  the proof fits the call, and comes once; then level, certificate
 *
 * Invariant. From the check of a proof to the mark that it came there is no `await`: no two calls pass on one
 * proof.
 */
import type { ApReqPolicy, OpenedApReq, ReplayRecord, VerifiedApReq } from "../../protocol/ap-exchange.js";
import { wipeAuthenticator } from "../../protocol/authenticator.js";
import {
  openCallApReq,
  type ReceivedApReq,
  type ReceivedBinding,
  verifyCallApReq,
} from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import { type ReceivedSessionCall, verifySessionCall } from "../../protocol/session-call.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import { type AdmissionPolicy, apReqPolicy, policyRefusal } from "./admission-policy.js";
import { type Caller, callerWith } from "./caller.js";
import { ExchangeMessages } from "./exchange-messages.js";
import { Freshness, NO_REPLAYS } from "./freshness.js";
import { GuardedStream } from "./guarded-stream.js";
import { checkStillOpens, type HeldTicket, type TicketFacts } from "./held-ticket.js";
import type { GuardedMessages } from "./messages.js";
import type { Proof } from "./proof.js";
import { isHere, type Peer, type ReceivedCall } from "./received-call.js";
import { granterOf } from "./session-granter.js";
import { SessionMessages } from "./session-messages.js";
import type { ServiceSession } from "./sessions.js";

/** The same, with the names that its proof may be bound to. */
type BoundCall = ReceivedCall & ReceivedBinding;

/** A proof that was looked at. */
export type Looked = LookedApReq | LookedSession;

interface LookedApReq {
  readonly kind: "ap-req";
  readonly received: ReceivedApReq;
  readonly opened: OpenedApReq;
  readonly policy: ApReqPolicy;
}

interface LookedSession {
  readonly kind: "session";
  readonly attempt: ReceivedSessionCall;
  readonly held: ServiceSession;
}

/** What a call is let in with. */
export interface Admission {
  readonly caller: Caller;
  /** What the replay cache must not have seen before the call goes on. */
  readonly replays: readonly ReplayRecord[];
  /**
   * The call's messages and the proof of the answer, with its keys: whoever takes the admission wipes them.
   */
  readonly messages: GuardedMessages;
  /** What keeps a stream up; undefined: neither requests nor responses are one. */
  readonly stream: GuardedStream | undefined;
  /** Why the call is refused all the same, by an answer that is proven; undefined: it goes on. */
  readonly refusal: KrbError | undefined;
}

/** Lets calls in, or refuses them. */
export class Gate {
  readonly #policy: AdmissionPolicy;
  readonly #freshness: Freshness;

  constructor(policy: AdmissionPolicy) {
    this.#policy = policy;
    this.#freshness = new Freshness(policy);
  }

  /**
   * Looks at a proof before anything more of the call is read. It decides nothing but that.
   * @param keys the service's keys at the moment.
   * @throws KrbError as `openCallApReq`; KDC_ERR_MORE_PREAUTH_DATA_REQUIRED for a session that is not held,
   *   and for an authenticator that can't be judged without a challenge.
   */
  look(proof: Proof, keys: ServiceKeys, peer: Peer, now: number): Looked {
    if ("session" in proof) {
      const held = this.#policy.sessions?.find(proof.session, this.#policy.uptime());
      return { kind: "session", attempt: proof, held: this.#stillHeld(held, keys, now) };
    }
    const policy = this.#apReqPolicy(keys, peer);
    const opened = openCallApReq(proof, policy, now);
    try {
      this.#freshness.requireChallenge(opened);
    } catch (error) {
      wipeAuthenticator(opened.authenticator);
      throw error;
    }
    return { kind: "ap-req", received: proof, opened, policy };
  }

  /** Overwrites the keys of a proof that is not admitted. */
  static discard(looked: Looked): void {
    if (looked.kind === "ap-req") wipeAuthenticator(looked.opened.authenticator);
  }

  /**
   * Checks a proof against its call (RFC 4120 §3.2.3), and marks that it came.
   * @param looked from `look`; its keys are taken over.
   * @throws KrbError as `verifyCallApReq`; KRB_AP_ERR_MODIFIED and KRB_AP_ERR_REPEAT for a call under a
   *   session; KRB_AP_ERR_REPEAT for an authenticator that came before; KDC_ERR_MORE_PREAUTH_DATA_REQUIRED
   *   for a challenge that is not good, for a session that has ended since, and for a call that was held
   *   back; KDC_ERR_SVC_UNAVAILABLE.
   */
  admit(looked: Looked, keys: ServiceKeys, call: ReceivedCall, peer: Peer, now: number): Admission {
    if (looked.kind === "ap-req") {
      const bound = this.#bound(call, looked.opened.ticket, peer);
      try {
        return this.#admitApReq(looked, keys, bound, peer, now);
      } catch (error) {
        throw withAuthorities(error, bound);
      }
    }
    const { attempt } = looked;
    const held = this.#stillHeld(looked.held, keys, now);
    const bound = this.#bound(call, held.ticket, peer);
    try {
      return this.#admitSession(attempt, held, bound, peer);
    } catch (error) {
      throw withAuthorities(error, bound);
    }
  }

  /** A call with the names that its proof may be bound to: those of the service that the ticket is for. */
  #bound(call: ReceivedCall, { server }: TicketFacts, peer: Peer): BoundCall {
    const { method, authority, requestStream, responseStream, requestSha256, idempotent = false } = call;
    const authorities = this.#policy.names.candidates(authority, server, isHere(peer));
    return { method, authority, authorities, requestStream, responseStream, requestSha256, idempotent };
  }

  #admitSession(attempt: ReceivedSessionCall, held: ServiceSession, call: BoundCall, peer: Peer): Admission {
    const { protection } = attempt;
    verifySessionCall(held.keys.call, attempt, call);
    this.#freshness.markAttempt(held, attempt);
    const caller = callerWith(held.ticket, held.authorizationData, protection);
    const messages = new SessionMessages(held, attempt, call);
    return {
      caller,
      replays: NO_REPLAYS,
      messages,
      stream: this.#stream(caller, held, call, peer),
      refusal: policyRefusal(this.#policy, caller, held.ticket, peer),
    };
  }

  #admitApReq(
    { received, opened, policy }: LookedApReq,
    keys: ServiceKeys,
    call: BoundCall,
    peer: Peer,
    now: number,
  ): Admission {
    let verified: VerifiedApReq | undefined;
    try {
      verified = verifyCallApReq(received, opened, call, policy, now);
      const { ticket, authorizationData } = verified;
      const replays = this.#freshness.markApReq(verified, call, peer);
      const caller = callerWith(ticket, authorizationData, received.protection);
      const granter = granterOf(this.#policy, received, keys, verified, now);
      const messages = new ExchangeMessages(verified, received, call, granter);
      const held = { ticket, ticketBytes: received.blobs.ticket, serviceKeys: keys.keys };
      const stream = this.#stream(caller, held, call, peer);
      return {
        caller,
        replays,
        messages,
        stream,
        refusal: policyRefusal(this.#policy, caller, ticket, peer),
      };
    } catch (error) {
      wipeAuthenticator(opened.authenticator);
      verified?.subkey?.wipe();
      throw error;
    }
  }

  #stream(caller: Caller, held: HeldTicket, call: BoundCall, peer: Peer): GuardedStream | undefined {
    if (!call.requestStream && !call.responseStream) return undefined;
    return new GuardedStream(this.#policy, { caller, held }, call, peer);
  }

  /** A session, if it is still held and its ticket still good. */
  #stillHeld(held: ServiceSession | undefined, service: ServiceKeys, now: number): ServiceSession {
    const { sessions, clockSkew, strongEtypes, openTicket } = this.#policy;
    if (held === undefined || sessions?.has(held, this.#policy.uptime()) !== true)
      throw this.#freshness.moreRequired("the service does not hold this session");
    try {
      if (now - held.ticket.endtime > clockSkew) throw new Error("the ticket has ended");
      checkStillOpens(held, service, { openTicket, permittedEtypes: strongEtypes }, now);
      return held;
    } catch {
      sessions?.drop(held);
      throw this.#freshness.moreRequired("the session ended with its ticket");
    }
  }

  #apReqPolicy(service: ServiceKeys, peer: Peer): ApReqPolicy {
    return {
      ...apReqPolicy(this.#policy, service, peer),
      checkChallenge: (challenge) => this.#freshness.checkChallenge(challenge),
    };
  }
}

/** A refusal of what the proof is bound to shows what the service saw, and what it takes. */
function withAuthorities(error: unknown, { method, authority, authorities }: BoundCall): unknown {
  if (!(error instanceof KrbError) || error.reason !== "KRB_AP_ERR_MODIFIED") return error;
  const text =
    authorities.length > 0
      ? `; it came for ${method} at ${authority}, and the service's names are ${authorities.join(", ")}`
      : "; the service has no name of its own: set authorities of its guard";
  return new KrbError(error.reason, error.message + text, {
    ...error.details,
    method,
    authority,
    authorities: authorities.join(" "),
  });
}
