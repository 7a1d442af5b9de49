/**
 * The calls that are open, and those among them whose client does not read the reply: it keeps its window
 * closed, and the stream would stay open, with the reply in memory, for as long as the connection lasts.
 */
import { constants } from "node:http2";
import { Chain } from "../../collections/chain.js";
import type { OpenCall } from "./open-call.js";

/** How often streams are looked at, in milliseconds. One is closed the second time that it is found so. */
const INTERVAL_MS = 3_000;

/** The calls that are open, and whose replies wait. */
export class OpenCalls {
  readonly #open = new Chain<OpenCall>();
  readonly #waiting = new WeakSet<OpenCall>();
  #timer: NodeJS.Timeout | undefined;

  /** Begins to look after a call. */
  add(call: OpenCall): void {
    call.open = this.#open.add(call);
    this.#timer ??= setTimeout(() => this.#look(), INTERVAL_MS).unref();
  }

  /** Forgets a call that has ended. */
  end(call: OpenCall): void {
    this.#open.remove(call.open);
  }

  #look(): void {
    this.#timer = undefined;
    for (const call of this.#open) {
      const { stream } = call;
      if (!stream.writableEnded || stream.writableFinished) continue;
      if (this.#waiting.has(call)) stream.close(constants.NGHTTP2_CANCEL);
      else this.#waiting.add(call);
    }
    if (this.#open.size > 0) this.#timer = setTimeout(() => this.#look(), INTERVAL_MS).unref();
  }
}
