/** What goes out as the answer to a call: responses as they travel, and the service's proof of them all. */
import { type CallShape, messageSha256 } from "../../protocol/call-binding.js";
import type { MessageProtector } from "../../protocol/message-protection.js";
import type { MacKey } from "../../protocol/session-keys.js";
import { makeSessionReply } from "../../protocol/session-reply.js";
import { GatheredMessage } from "../../rpc/gathered-message.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import type { Ending } from "./messages.js";

const NOTHING = new Uint8Array();
/** From this many bytes on a copy costs more than to keep the parts of a message apart. */
const LARGE_BYTES = 4096;

/** What a service proves of its answer under a session (session.proto, `SessionReply`). */
export class SentAnswer {
  readonly #key: MacKey;
  readonly #session: Uint8Array;
  readonly #number: number;
  #responseSha256: Uint8Array = NOTHING;
  #responses = 0;

  /** @param number of the attempt that is answered; 0: the AP exchange that made the session. */
  constructor(key: MacKey, session: Uint8Array, number: number) {
    this.#key = key;
    this.#session = session;
    this.#number = number;
  }

  /** Takes note of a single response as it travels. */
  add(bytes: Uint8Array): void {
    this.#responseSha256 = messageSha256(bytes);
  }

  /** Takes note of one of a stream of responses. */
  count(): void {
    this.#responses++;
  }

  /** The proof, of the responses so far and how the call ends: the last that is asked for. */
  prove(ending: Ending): Buffer {
    const { code, message, details } = ending;
    const proof = makeSessionReply(this.#key, {
      session: this.#session,
      number: this.#number,
      code,
      message,
      details,
      responseSha256: this.#responseSha256,
      responses: this.#responses,
    });
    // A copy costs less: to view so few bytes as a Buffer, V8 moves them off its heap.
    return Buffer.from(proof);
  }
}

/**
 * A response as it travels, noted for the proof of the answer.
 * @param protector undefined: responses travel as they are.
 * @param answer undefined: none is proven, for want of a session.
 */
export function protectResponse(
  bytes: Buffer,
  protector: MessageProtector | undefined,
  { responseStream }: CallShape,
  answer: SentAnswer | undefined,
): Buffer | GatheredMessage {
  if (responseStream) {
    answer?.count();
    if (protector === undefined) return bytes;
    if (bytes.length >= LARGE_BYTES) return new GatheredMessage(protector.protectInParts(bytes));
    return toBuffer(protector.protect(bytes));
  }
  const travels = protector === undefined ? bytes : toBuffer(protector.protect(bytes));
  answer?.add(travels);
  return travels;
}
