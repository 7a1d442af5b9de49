/**
 * What a guard asks of the messages of one call that was let in, in both directions, whatever proves the
 * call: an AP exchange (exchange-messages.ts) or a session (session-messages.ts).
 */
import type { OpenedMessage } from "../../protocol/message-protection.js";
import type { GatheredMessage } from "../../rpc/gathered-message.js";

/** How a call ends, as it travels. */
export interface Ending {
  /** The gRPC status code. */
  readonly code: number;
  /** The status message, as text. */
  readonly message: string;
  /** The trailer `grpc-status-details-bin`; empty without one. */
  readonly details: Uint8Array;
}

/** What proves the ending; each is undefined where it does not go. */
export interface ProvenEnding {
  /** The AP-REP, where no initial metadata took it. */
  readonly apRep: Buffer | undefined;
  readonly reply: Buffer | undefined;
}

/** The messages of a call. */
export interface GuardedMessages {
  /** A request from the bytes that travelled, which it may alias. Throws KrbError as `MessageOpener.open`. */
  open(bytes: Buffer): OpenedMessage;
  /**
   * Throws KrbError KRB_AP_ERR_MODIFIED where a stream of requests was cut short; a single request has no end
   * marker.
   */
  checkEnded(): void;
  /** Whether `answer` was asked for. */
  readonly isAnswered: boolean;
  /** The AP-REP: made once, and before any response; undefined under a session. */
  answer(): Buffer | undefined;
  /** A response as it travels. Throws TypeError before `answer`. */
  protect(bytes: Buffer): Buffer | GatheredMessage;
  /** The end marker of a stream of responses, which goes before an OK; undefined where none does. */
  endMarker(): Buffer | undefined;
  /** The proof of how the call ends: asked for once, and last. */
  close(ending: Ending): ProvenEnding;
  /** Overwrites the call's keys. */
  wipe(): void;
}
