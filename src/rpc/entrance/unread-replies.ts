/**
 * Replies that their client does not read: it keeps its window closed, and the stream would stay open, with
 * the reply in memory, for as long as the connection lasts.
 */
import { constants, type ServerHttp2Stream } from "node:http2";

/** How often streams are looked at, in milliseconds. One is closed the second time that it is found so. */
const INTERVAL_MS = 3_000;

/** The streams that are open, and whose replies wait. */
export class UnreadReplies {
  readonly #open = new Set<ServerHttp2Stream>();
  readonly #waiting = new WeakSet<ServerHttp2Stream>();
  #timer: NodeJS.Timeout | undefined;

  /** Begins to look after a stream. */
  add(stream: ServerHttp2Stream): void {
    this.#open.add(stream);
    this.#timer ??= setTimeout(() => this.#look(), INTERVAL_MS).unref();
  }

  /** Forgets a stream that has ended. */
  end(stream: ServerHttp2Stream): void {
    this.#open.delete(stream);
  }

  #look(): void {
    this.#timer = undefined;
    for (const stream of this.#open) {
      if (!stream.writableEnded || stream.writableFinished) continue;
      if (this.#waiting.has(stream)) stream.close(constants.NGHTTP2_CANCEL);
      else this.#waiting.add(stream);
    }
    if (this.#open.size > 0) this.#timer = setTimeout(() => this.#look(), INTERVAL_MS).unref();
  }
}
