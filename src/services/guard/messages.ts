/**
 * The messages of one call that was let in, in both directions: how they are protected, and the AP-REP that
 * goes before the service's own.
 *
 * Invariant. Keys made for the call, the client's subkey and the service's, belong to this object until it
 * wipes them.
 */
import type { VerifiedApReq } from "../../protocol/ap-exchange.js";
import { makeApProof, makeApRep } from "../../protocol/ap-rep.js";
import { type CallShape, isProtected, needsSubkeys, type Protection } from "../../protocol/call-binding.js";
import type { Key } from "../../protocol/keys.js";
import {
  MessageOpener,
  MessageProtector,
  type OpenedMessage,
  REQUESTS,
  RESPONSES,
} from "../../protocol/message-protection.js";
import { toBuffer } from "../../rpc/to-buffer.js";

/** What protects the messages of a call. */
export class GuardedMessages {
  readonly #verified: VerifiedApReq;
  readonly #protection: Protection;
  readonly #shape: CallShape;
  /** Undefined: requests travel as they are. */
  readonly #opener: MessageOpener | undefined;
  /** Undefined: responses travel as they are, or there is no AP-REP yet. */
  #protector: MessageProtector | undefined;
  #ownSubkey: Key | undefined;
  #answered = false;

  /** @throws TypeError where requests are protected and no subkey was agreed on. */
  constructor(verified: VerifiedApReq, protection: Protection, shape: CallShape) {
    this.#verified = verified;
    this.#protection = protection;
    this.#shape = shape;
    if (!isProtected(protection, shape.requestStream)) return;
    const { subkey, authenticator } = verified;
    if (subkey === undefined) throw new TypeError("subkey: expected one where requests are protected");
    this.#opener = new MessageOpener(REQUESTS, { subkey, seqNumber: authenticator.seqNumber }, protection);
  }

  /** A request from the bytes that travelled, which it may alias. Throws KrbError as `MessageOpener.open`. */
  open(bytes: Buffer): OpenedMessage {
    return this.#opener === undefined ? { end: false, message: bytes } : this.#opener.open(bytes);
  }

  /**
   * Throws KrbError KRB_AP_ERR_MODIFIED where a stream of requests was cut short; a single request has no end
   * marker.
   */
  checkEnded(): void {
    if (this.#shape.requestStream) this.#opener?.checkEnded();
  }

  /** Whether the AP-REP was made. */
  get isAnswered(): boolean {
    return this.#answered;
  }

  /** The AP-REP: made once, and before any response. */
  answer(): Buffer {
    this.#answered = true;
    if (!needsSubkeys(this.#protection, this.#shape)) return toBuffer(makeApProof(this.#verified));
    const { bytes, subkey, seqNumber } = makeApRep(this.#verified);
    this.#ownSubkey = subkey;
    if (isProtected(this.#protection, this.#shape.responseStream))
      this.#protector = new MessageProtector(RESPONSES, { subkey, seqNumber }, this.#protection);
    return toBuffer(bytes);
  }

  /** A response as it travels. Throws TypeError before the AP-REP was made. */
  protect(bytes: Buffer): Buffer {
    if (!this.#answered) throw new TypeError("protect: expected the AP-REP to be made first");
    return this.#protector === undefined ? bytes : toBuffer(this.#protector.protect(bytes));
  }

  /** The end marker of a stream of responses, which goes before an OK; undefined for a single response. */
  end(): Buffer | undefined {
    if (!this.#shape.responseStream || this.#protector === undefined) return undefined;
    return toBuffer(this.#protector.end());
  }

  /** Overwrites the call's keys. */
  wipe(): void {
    this.#verified.subkey?.wipe();
    this.#ownSubkey?.wipe();
  }
}
