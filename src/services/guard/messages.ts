/**
 * The messages of one verified call, in both directions: how they are protected, and the AP-REP that goes before the
 * service's own.
 *
 * Invariant. Keys made for the call, the client's subkey and the service's, belong to this object until it wipes them.
 */
import { makeApProof, makeApRep, type VerifiedApReq } from "../../protocol/ap-exchange.js";
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
  readonly #opener: MessageOpener | undefined;
  #protector: MessageProtector | undefined;
  #ownSubkey: Key | undefined;

  constructor(verified: VerifiedApReq, protection: Protection, shape: CallShape) {
    this.#verified = verified;
    this.#protection = protection;
    this.#shape = shape;
    if (!isProtected(protection, shape.requestStream)) return;
    const keys = { subkey: verified.subkey!, seqNumber: verified.authenticator.seqNumber };
    this.#opener = new MessageOpener(REQUESTS, keys, protection);
  }

  /** A request from the bytes that travelled, which it may alias. Throws KrbError as `MessageOpener.open`. */
  open(bytes: Buffer): OpenedMessage {
    return this.#opener === undefined ? { end: false, message: bytes } : this.#opener.open(bytes);
  }

  /** Throws KRB_AP_ERR_MODIFIED when a stream of requests was cut short. */
  checkEnded(): void {
    this.#opener!.checkEnded();
  }

  /** The AP-REP, to be made once and before any response. */
  answer(): Buffer {
    if (!needsSubkeys(this.#protection, this.#shape)) return toBuffer(makeApProof(this.#verified));
    const { bytes, subkey, seqNumber } = makeApRep(this.#verified);
    this.#ownSubkey = subkey;
    if (isProtected(this.#protection, this.#shape.responseStream))
      this.#protector = new MessageProtector(RESPONSES, { subkey, seqNumber }, this.#protection);
    return toBuffer(bytes);
  }

  /** A response as it travels. */
  protect(bytes: Buffer): Buffer {
    return this.#protector === undefined ? bytes : toBuffer(this.#protector.protect(bytes));
  }

  /** What ends a stream of responses, before its status. */
  end(): Buffer {
    return toBuffer(this.#protector!.end());
  }

  /** Overwrites the call's keys. */
  wipe(): void {
    this.#verified.subkey?.wipe();
    this.#ownSubkey?.wipe();
  }
}
