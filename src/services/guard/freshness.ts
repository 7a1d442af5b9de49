/**
 * That a call comes for the first time: which authenticators need a challenge, which attempts came or may
 * have run, and what was held back on its way.
 *
 * Invariant. To look whether something came and to mark that it did is one step, without an `await`.
 */
import { ExtensionType } from "../../gen/kerberos/v1/extension_pb.js";
import {
  type OpenedApReq,
  type ReplayRecord,
  replayRecord,
  type VerifiedApReq,
} from "../../protocol/ap-exchange.js";
import { Challenger } from "../../protocol/challenge.js";
import { extensionOf } from "../../protocol/extensions.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { ReceivedSessionCall } from "../../protocol/session-call.js";
import type { Repeated } from "../../protocol/session-extensions.js";
import type { TicketContents } from "../../protocol/ticket.js";
import type { AdmissionPolicy } from "./admission-policy.js";
import { isHere, type Peer, type ReceivedCall } from "./received-call.js";
import type { ServiceSession } from "./sessions.js";
import { TakenTags } from "./taken-tags.js";

/**
 * The service's own count of seconds may be so far ahead of the client's: more, and a call was held back.
 */
const MAX_AGE_LAG_S = 60;
/** Nothing that a replay cache must not have seen. */
export const NO_REPLAYS: readonly ReplayRecord[] = [];

/** What a guard knows of the calls that came. */
export class Freshness {
  readonly #policy: AdmissionPolicy;
  /** Drawn in this process, for this process alone. */
  readonly #challenger = new Challenger();
  readonly #taken = new TakenTags();

  constructor(policy: AdmissionPolicy) {
    this.#policy = policy;
  }

  /**
   * Checks that an authenticator brings a challenge where none is taken without.
   * @throws KrbError KDC_ERR_MORE_PREAUTH_DATA_REQUIRED.
   */
  requireChallenge({ authenticator }: OpenedApReq): void {
    if (this.#policy.hasReplayCache) return;
    if (extensionOf(authenticator.extensions, ExtensionType.CHALLENGE) === undefined)
      throw this.moreRequired("an authenticator is taken here with a challenge alone");
  }

  /**
   * Checks the challenge that an authenticator brings.
   * @throws KrbError KDC_ERR_MORE_PREAUTH_DATA_REQUIRED.
   */
  checkChallenge(challenge: Uint8Array): void {
    if (!this.#challenger.isGood(challenge, this.#policy.uptime()))
      throw this.moreRequired("the challenge is another process's, or too old");
  }

  /**
   * Marks that a call under a session came.
   * @throws KrbError KRB_AP_ERR_REPEAT for one that came before; KDC_ERR_MORE_PREAUTH_DATA_REQUIRED for one
   *   that was held back.
   */
  markAttempt(held: ServiceSession, { number, age }: ReceivedSessionCall): void {
    const { sessions, uptime } = this.#policy;
    if (!held.numbers.take(number))
      throw new KrbError("KRB_AP_ERR_REPEAT", "the call came before, or long after later ones", {
        attempt: String(number),
      });
    sessions?.measure(held);
    if ((uptime() - held.grantedAt) / 1000 - age > MAX_AGE_LAG_S) {
      held.numbers.leaveUnused(number);
      throw this.moreRequired("the call was held back on its way");
    }
  }

  /**
   * Marks that an authenticator came, and the attempt that it repeats.
   * @returns what a replay cache must not have seen before the call goes on.
   * @throws KrbError KRB_AP_ERR_REPEAT for an authenticator that came before, or repeats what ran or may have
   *   run; KDC_ERR_SVC_UNAVAILABLE where there is no room to remember it.
   */
  markApReq(verified: VerifiedApReq, call: ReceivedCall, peer: Peer): readonly ReplayRecord[] {
    const { challenge, repeats } = verified.extensions;
    const replay = replayRecord(verified, this.#policy.clockSkew);
    const tags = repeats !== undefined && "tag" in repeats ? [repeats.tag, replay.tag] : [replay.tag];
    // The tags first: where there is no room for them, the attempt that is repeated is not marked either.
    if (challenge !== undefined) this.#taken.take(tags, this.#policy.uptime());
    if (repeats !== undefined && "session" in repeats)
      this.#markRepeated(repeats, verified.ticket, call, peer);
    return challenge === undefined ? tags.map((tag) => ({ ...replay, tag })) : NO_REPLAYS;
  }

  #markRepeated(
    { session, number }: Extract<Repeated, { session: Uint8Array }>,
    ticket: TicketContents,
    call: ReceivedCall,
    peer: Peer,
  ): void {
    const { sessions, uptime } = this.#policy;
    const held = sessions?.find(session, uptime());
    if (held !== undefined && held.ticket.client === ticket.client) {
      const taken = held.numbers.takeRepeated(number);
      sessions?.measure(held);
      if (taken) return;
      throw new KrbError("KRB_AP_ERR_REPEAT", "the attempt that this one repeats was taken: the call ran", {
        repeated: String(number),
      });
    }
    if (peer.secure === true || isHere(peer) || call.idempotent === true) return;
    throw new KrbError(
      "KRB_AP_ERR_REPEAT",
      "the attempt that this one repeats may have run, and over plaintext anybody may have asked for " +
        "another: use TLS, or declare the method idempotent",
      { repeated: String(number) },
    );
  }

  /**
   * The refusal of a call that the client makes again, with a challenge; where there is a replay cache it
   * needs none, and goes on without.
   */
  moreRequired(why: string): KrbError {
    const { hasReplayCache, uptime } = this.#policy;
    const challenge = hasReplayCache ? undefined : this.#challenger.make(uptime());
    return new KrbError(
      "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
      `${why}; call again, once, with ${challenge === undefined ? "a ticket" : "a ticket and the challenge"}: ` +
        "if this goes on, several instances answer to one name and need a replay cache that they share",
      {},
      undefined,
      challenge,
    );
  }
}
