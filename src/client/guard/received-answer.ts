/** What came as the answer to a call, against the service's proof of it (session.proto, `SessionReply`). */
import type * as grpc from "@grpc/grpc-js";
import { type CallShape, messageSha256 } from "../../protocol/call-binding.js";
import type { SessionKeys } from "../../protocol/session-keys.js";
import { isSessionReply } from "../../protocol/session-reply.js";
import { REPLY_METADATA, STATUS_DETAILS_METADATA } from "../../rpc/metadata-names.js";

const NOTHING = new Uint8Array();

/** An answer as it comes in. */
export class ReceivedAnswer {
  readonly #session: { readonly id: Uint8Array; readonly keys: SessionKeys };
  readonly #stream: boolean;
  #responseSha256: Uint8Array = NOTHING;
  #responses = 0;

  constructor(
    session: { readonly id: Uint8Array; readonly keys: SessionKeys },
    { responseStream }: CallShape,
  ) {
    this.#session = session;
    this.#stream = responseStream;
  }

  /** Takes note of a response as it travelled. */
  add(bytes: Uint8Array): void {
    if (this.#stream) this.#responses++;
    else this.#responseSha256 = messageSha256(bytes);
  }

  /**
   * Whether a status has the service's proof of the whole answer; takes the proof out of it.
   * @param numbers of the attempts that it may answer.
   */
  isProven(status: grpc.StatusObject, numbers: readonly number[]): boolean {
    const { metadata } = status;
    const values = metadata.get(REPLY_METADATA);
    metadata.remove(REPLY_METADATA);
    const [proof] = values;
    if (values.length !== 1 || !(proof instanceof Uint8Array) || !isCode(status.code)) return false;
    const [details, more] = metadata.get(STATUS_DETAILS_METADATA);
    if (more !== undefined) return false;
    const { id: session, keys } = this.#session;
    return numbers.some((number) => {
      const answer = {
        session,
        number,
        code: status.code,
        message: status.details,
        details: details instanceof Uint8Array ? details : NOTHING,
        responseSha256: this.#responseSha256,
        responses: this.#responses,
      };
      return isSessionReply(keys.reply, answer, proof);
    });
  }
}

/** grpc-js takes whatever stands in `grpc-status` for a number. */
function isCode(code: number): boolean {
  return Number.isInteger(code) && code >= 0 && code <= 0xffffffff;
}
