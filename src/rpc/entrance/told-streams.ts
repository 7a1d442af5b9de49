/**
 * How many calls one client may have under way, as it is told by HTTP/2's SETTINGS_MAX_CONCURRENT_STREAMS
 * (RFC 9113 §5.1.2). Calls that have lasted for long are likely to be streams that go on, a health Watch
 * perhaps: they do not count, or a client with one of them could have no other call.
 */
import type { Connection } from "./connection.js";

/** What a client was told last. */
interface Told {
  readonly calls: number | undefined;
  readonly lasting: number;
}

/** What the client of one connection is told. */
export class ToldStreams {
  readonly #connection: Connection;
  readonly #lasting: () => number;
  /** What it was told at the very first, for as many as ever. */
  #most: number | undefined;
  #told: Told = { calls: undefined, lasting: 0 };

  /** @param lasting how many of its calls have lasted for long. */
  constructor(connection: Connection, lasting: () => number) {
    this.#connection = connection;
    this.#lasting = lasting;
  }

  /**
   * Tells the client how many calls it may have under way besides those that last; undefined: as many as
   * ever. What hardly differs from what it was told last is not worth saying.
   * @returns false where it has not taken note of the last word yet, and nothing was said.
   */
  tell(calls: number | undefined): boolean {
    const lasting = calls === undefined ? 0 : this.#lasting();
    if (!isFar(this.#told, { calls, lasting })) return true;
    const { session } = this.#connection;
    if (session === undefined || session.destroyed || session.closed || session.pendingSettingsAck)
      return false;
    this.#most ??= session.localSettings.maxConcurrentStreams ?? 2 ** 32 - 1;
    this.#told = { calls, lasting };
    const maxConcurrentStreams =
      calls === undefined ? this.#most : Math.min(this.#most, Math.max(calls, 1) + lasting);
    session.settings({ maxConcurrentStreams });
    return true;
  }
}

function isFar(last: Told, next: Told): boolean {
  if (last.lasting !== next.lasting || last.calls === undefined || next.calls === undefined)
    return last.calls !== next.calls || last.lasting !== next.lasting;
  return next.calls >= 2 * last.calls || next.calls <= last.calls / 2;
}
