/**
 * The calls that are open, and those among them whose client does not read the reply: it keeps its window
 * closed, and the stream would stay open, with the reply in memory, for as long as the connection lasts.
 */
import { constants } from "node:http2";
import type { Connection } from "./connection.js";
import type { OpenCall } from "./open-call.js";

/** How often streams are looked at, in milliseconds. One is closed the second time that it is found so. */
const INTERVAL_MS = 3_000;
/** A call that has been open for so long, in milliseconds, is likely to be a stream that goes on. */
const LASTING_MS = 2_000;
/** How often those are counted, in milliseconds. */
const COUNTING_MS = 100;

/** The calls that are open, and whose replies wait. */
export class OpenCalls {
  /** The one that began first comes first. */
  readonly #open = new Set<OpenCall>();
  readonly #waiting = new WeakSet<OpenCall>();
  #timer: NodeJS.Timeout | undefined;
  /** Calls that have been open for long, by connection, and when they were counted. */
  readonly #lasting = new Map<Connection, number>();
  #countedAt = Number.NEGATIVE_INFINITY;

  /** Begins to look after a call. */
  add(call: OpenCall): void {
    this.#open.add(call);
    this.#timer ??= setTimeout(() => this.#look(), INTERVAL_MS).unref();
  }

  /** Forgets a call that has ended. */
  end(call: OpenCall): void {
    this.#open.delete(call);
  }

  /** How many calls of a connection have been open for long. */
  lasting(connection: Connection): number {
    const now = performance.now();
    if (now >= this.#countedAt + COUNTING_MS) this.#count(now);
    return this.#lasting.get(connection) ?? 0;
  }

  #count(now: number): void {
    this.#countedAt = now;
    this.#lasting.clear();
    for (const { since, connection } of this.#open) {
      if (since > now - LASTING_MS) break;
      this.#lasting.set(connection, (this.#lasting.get(connection) ?? 0) + 1);
    }
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
