/**
 * The messages of a call under a session, and the proof of its answer. The keys are the session's: nothing
 * here wipes them.
 */
import { type CallShape, isProtected } from "../../protocol/call-binding.js";
import { REQUESTS, RESPONSES } from "../../protocol/message-keys.js";
import { MessageOpener, MessageProtector, type OpenedMessage } from "../../protocol/message-protection.js";
import type { SessionAttempt } from "../../protocol/session-call.js";
import type { SessionKeys } from "../../protocol/session-keys.js";
import type { GatheredMessage } from "../../rpc/gathered-message.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import type { Ending, GuardedMessages, ProvenEnding } from "./messages.js";
import { protectResponse, SentAnswer } from "./sent-answer.js";

/** The messages of a call under a session. */
export class SessionMessages implements GuardedMessages {
  readonly #shape: CallShape;
  readonly #opener: MessageOpener | undefined;
  readonly #protector: MessageProtector | undefined;
  readonly #answer: SentAnswer;
  #answered = false;

  constructor(
    { id, keys }: { readonly id: Uint8Array; readonly keys: SessionKeys },
    { number, call, protection }: SessionAttempt,
    shape: CallShape,
  ) {
    this.#shape = shape;
    this.#answer = new SentAnswer(keys.reply, id, number);
    if (isProtected(protection, shape.requestStream)) {
      const ofClient = { checksums: keys.clientMessages, seal: keys.clientSeal, call };
      this.#opener = new MessageOpener(REQUESTS, ofClient, protection);
    }
    if (isProtected(protection, shape.responseStream)) {
      const ofService = { checksums: keys.serviceMessages, seal: keys.serviceSeal, call: number };
      this.#protector = new MessageProtector(RESPONSES, ofService, protection);
    }
  }

  open(bytes: Buffer): OpenedMessage {
    return this.#opener === undefined ? { kind: "message", message: bytes } : this.#opener.open(bytes);
  }

  checkEnded(): void {
    if (this.#shape.requestStream) this.#opener?.checkEnded();
  }

  get isAnswered(): boolean {
    return this.#answered;
  }

  answer(): undefined {
    this.#answered = true;
  }

  protect(bytes: Buffer): Buffer | GatheredMessage {
    return protectResponse(bytes, this.#protector, this.#shape, this.#answer);
  }

  endMarker(): Buffer | undefined {
    if (!this.#shape.responseStream || this.#protector === undefined) return undefined;
    return toBuffer(this.#protector.end());
  }

  close(ending: Ending): ProvenEnding {
    return { apRep: undefined, reply: this.#answer.prove(ending) };
  }

  wipe(): void {
    // The keys are the session's.
  }
}
