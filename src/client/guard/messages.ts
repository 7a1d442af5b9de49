/**
 * The messages of one call in both directions: how they are protected, by the client's subkey and, once the
 * service has proved itself, by the service's.
 *
 * Invariants. The client's subkey and the messages protected under it are the same for all attempts of a
 * call, for grpc-js sends the same bytes again. Keys made for the call belong to this object until it wipes
 * them.
 */
import { makeSubkey, randomSeqNumber } from "../../protocol/ap-exchange.js";
import { type CallShape, isProtected, needsSubkeys, type Protection } from "../../protocol/call-binding.js";
import type { Key } from "../../protocol/keys.js";
import {
  MessageOpener,
  MessageProtector,
  type OpenedMessage,
  REQUESTS,
  RESPONSES,
  type SubkeyMessageKeys,
} from "../../protocol/message-protection.js";
import { toBuffer } from "../../rpc/to-buffer.js";

/** What protects the messages of a call. */
export class GuardedMessages {
  /** The client's subkey and first sequence number; undefined: no direction is protected. */
  readonly keys: SubkeyMessageKeys | undefined;
  readonly #protection: Protection;
  readonly #shape: CallShape;
  /** Undefined: requests travel as they are. */
  readonly #protector: MessageProtector | undefined;
  /** Undefined: responses travel as they are, or the service has not proved itself yet. */
  #opener: MessageOpener | undefined;
  #serviceSubkey: Key | undefined;

  /** Makes fresh keys, of the session key's encryption type, where any direction is protected. */
  constructor(sessionKey: Key, protection: Protection, shape: CallShape) {
    this.#protection = protection;
    this.#shape = shape;
    if (!needsSubkeys(protection, shape)) return;
    this.keys = { subkey: makeSubkey(sessionKey), seqNumber: randomSeqNumber() };
    if (isProtected(protection, shape.requestStream))
      this.#protector = new MessageProtector(REQUESTS, this.keys, protection);
  }

  /** A request as it travels. */
  protect(bytes: Uint8Array): Buffer {
    return toBuffer(this.#protector === undefined ? bytes : this.#protector.protect(bytes));
  }

  /** The end marker of a stream of requests; undefined for a single request. */
  end(): Buffer | undefined {
    if (!this.#shape.requestStream || this.#protector === undefined) return undefined;
    return toBuffer(this.#protector.end());
  }

  /** Takes over the service's subkey, from an AP-REP that was verified. */
  answered({ subkey, seqNumber }: SubkeyMessageKeys): void {
    this.#serviceSubkey = subkey;
    if (isProtected(this.#protection, this.#shape.responseStream))
      this.#opener = new MessageOpener(RESPONSES, { subkey, seqNumber }, this.#protection);
  }

  /**
   * A response from the bytes that travelled, which it may alias. Throws KrbError as `MessageOpener.open`.
   */
  open(bytes: Buffer): OpenedMessage {
    return this.#opener === undefined ? { end: false, message: bytes } : this.#opener.open(bytes);
  }

  /**
   * Throws KrbError KRB_AP_ERR_MODIFIED where a stream of responses was cut short; a single response has no
   * end marker.
   */
  checkEnded(): void {
    if (this.#shape.responseStream) this.#opener?.checkEnded();
  }

  /** Overwrites the call's keys. */
  wipe(): void {
    this.keys?.subkey.wipe();
    this.#serviceSubkey?.wipe();
  }
}
