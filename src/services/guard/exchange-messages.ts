/**
 * The messages of a call that an AP-REQ proves, and the AP-REP that proves the service.
 *
 * Invariant. Keys made for the call, the client's subkey and the service's, belong to this object until it
 * wipes them.
 */
import type { Extension } from "../../gen/kerberos/v1/extension_pb.js";
import { makeSubkey, randomSeqNumber, type VerifiedApReq } from "../../protocol/ap-exchange.js";
import { answerApReq } from "../../protocol/ap-rep.js";
import { type CallShape, isProtected, needsSubkeys, type Protection } from "../../protocol/call-binding.js";
import type { Key } from "../../protocol/keys.js";
import { REQUESTS, RESPONSES } from "../../protocol/message-keys.js";
import { MessageOpener, MessageProtector, type OpenedMessage } from "../../protocol/message-protection.js";
import { grantExtension, TRAILERS_ONLY } from "../../protocol/session-extensions.js";
import { deriveSessionKeys, newSessionId } from "../../protocol/session-keys.js";
import type { GatheredMessage } from "../../rpc/gathered-message.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import type { Ending, GuardedMessages, ProvenEnding } from "./messages.js";
import { protectResponse, SentAnswer } from "./sent-answer.js";
import type { SessionGranter } from "./session-granter.js";

/** The messages of a call that an AP-REQ proves. */
export class ExchangeMessages implements GuardedMessages {
  /**
   * Undefined: the AP-REP was made. A stream may go on for longer than the ticket, and keeps nothing of it.
   */
  #unanswered: { readonly verified: VerifiedApReq; readonly granter: SessionGranter | undefined } | undefined;
  readonly #clientSubkey: Key | undefined;
  readonly #protection: Protection;
  readonly #shape: CallShape;
  /** Undefined: requests travel as they are. */
  readonly #opener: MessageOpener | undefined;
  /** Undefined: responses travel as they are, or there is no AP-REP yet. */
  #protector: MessageProtector | undefined;
  #ownSubkey: Key | undefined;
  /** Of the session that the AP-REP granted. */
  #answer: SentAnswer | undefined;

  /**
   * @param granter undefined: the call makes no session.
   * @throws TypeError where requests are protected and no subkey was agreed on.
   */
  constructor(
    verified: VerifiedApReq,
    { protection }: { readonly protection: Protection },
    shape: CallShape,
    granter: SessionGranter | undefined,
  ) {
    this.#unanswered = { verified, granter };
    this.#clientSubkey = verified.subkey;
    this.#protection = protection;
    this.#shape = shape;
    if (!isProtected(protection, shape.requestStream)) return;
    const { subkey, authenticator } = verified;
    if (subkey === undefined) throw new TypeError("subkey: expected one where requests are protected");
    this.#opener = new MessageOpener(REQUESTS, { subkey, seqNumber: authenticator.seqNumber }, protection);
  }

  open(bytes: Buffer): OpenedMessage {
    return this.#opener === undefined ? { kind: "message", message: bytes } : this.#opener.open(bytes);
  }

  checkEnded(): void {
    if (this.#shape.requestStream) this.#opener?.checkEnded();
  }

  get isAnswered(): boolean {
    return this.#unanswered === undefined;
  }

  answer(): Buffer {
    return this.#makeApRep([]);
  }

  protect(bytes: Buffer): Buffer | GatheredMessage {
    if (!this.isAnswered) throw new TypeError("protect: expected the AP-REP to be made first");
    return protectResponse(bytes, this.#protector, this.#shape, this.#answer);
  }

  endMarker(): Buffer | undefined {
    if (!this.#shape.responseStream || this.#protector === undefined) return undefined;
    return toBuffer(this.#protector.end());
  }

  close(ending: Ending): ProvenEnding {
    const apRep = this.isAnswered ? undefined : this.#makeApRep([TRAILERS_ONLY]);
    return { apRep, reply: this.#answer?.prove(ending) };
  }

  wipe(): void {
    this.#clientSubkey?.wipe();
    this.#ownSubkey?.wipe();
  }

  #makeApRep(extensions: readonly Extension[]): Buffer {
    if (this.#unanswered === undefined) throw new TypeError("answer: expected no AP-REP to be made before");
    const { verified, granter } = this.#unanswered;
    this.#unanswered = undefined;
    const { ticket } = verified;
    const protects = needsSubkeys(this.#protection, this.#shape);
    if (protects || granter !== undefined) this.#ownSubkey = makeSubkey(ticket.sessionKey);
    const seqNumber = protects ? randomSeqNumber() : 0;
    const granted = granter && { granter, id: newSessionId() };
    const grants = granted ? [grantExtension({ id: granted.id, life: granted.granter.life })] : [];
    const carried = { subkey: this.#ownSubkey, seqNumber, extensions: [...grants, ...extensions] };
    const apRep = answerApReq(verified, carried);
    if (this.#ownSubkey !== undefined && isProtected(this.#protection, this.#shape.responseStream)) {
      const keys = { subkey: this.#ownSubkey, seqNumber };
      this.#protector = new MessageProtector(RESPONSES, keys, this.#protection);
    }
    if (granted) this.#grant(granted.granter, granted.id, apRep);
    return toBuffer(apRep);
  }

  #grant(granter: SessionGranter, id: Uint8Array, apRep: Uint8Array): void {
    const keys = deriveSessionKeys({
      clientSubkey: this.#clientSubkey!,
      serviceSubkey: this.#ownSubkey!,
      id,
      apReq: granter.apReq,
      apRep,
    });
    granter.keep(id, keys);
    this.#answer = new SentAnswer(keys.reply, id, 0);
  }
}
