/**
 * The calls that are open, and those among them whose client does not read the reply: it keeps its window
 * closed, and the stream would stay open, with the reply in memory, for as long as the connection lasts.
 */
import { constants } from "node:http2";
import type { OpenCall } from "./open-call.js";

/** How often streams are looked at, in milliseconds. One is closed the second time that it is found so. */
const INTERVAL_MS = 3_000;

/** The calls that are open, and whose replies wait. */
export class OpenCalls {
  /**
   * Before the first of a chain. A set would do, but its table, once it is old and replaced by another, keeps
   * the calls in it in memory until V8's next great collection.
   */
  readonly #first: { newer: OpenCall | undefined } = { newer: undefined };
  readonly #waiting = new WeakSet<OpenCall>();
  #timer: NodeJS.Timeout | undefined;

  /** Begins to look after a call. */
  add(call: OpenCall): void {
    const next = this.#first.newer;
    call.older = this.#first;
    call.newer = next;
    if (next !== undefined) next.older = call;
    this.#first.newer = call;
    this.#timer ??= setTimeout(() => this.#look(), INTERVAL_MS).unref();
  }

  /** Forgets a call that has ended. */
  end(call: OpenCall): void {
    const { older, newer } = call;
    if (older === undefined) return;
    older.newer = newer;
    if (newer !== undefined) newer.older = older;
    // What is dead leads to nothing that lives.
    call.older = undefined;
    call.newer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    for (let call = this.#first.newer; call !== undefined; ) {
      const { stream, newer } = call;
      if (stream.writableEnded && !stream.writableFinished) {
        if (this.#waiting.has(call)) stream.close(constants.NGHTTP2_CANCEL);
        else this.#waiting.add(call);
      }
      call = newer;
    }
    if (this.#first.newer !== undefined) this.#timer = setTimeout(() => this.#look(), INTERVAL_MS).unref();
  }
}
