/**
 * What a memory without a past goes by: how long it has been there, by a clock that is never set.
 *
 * Before its start everything may have been accepted, by a process whose memory is gone and whose clock may
 * have been another. So, by the clock as it is now:
 * - what was made up to one skew after the start is refused. The start is told by the time since, so that a
 *   clock which was behind at the start and is then put right closes the time it ought to;
 * - a clock that is set forward is not believed for the length of one skew. If it was wrong for less, nothing
 *   was accepted by it, and no later process need know.
 */
import { KrbError } from "../../protocol/krb-error.js";
import { fromClosedTime, iso } from "./replay-rules.js";

/** Watches the clock of a process. Times are milliseconds. */
export class ClockWatch {
  readonly #skew: number;
  readonly #uptime: () => number;
  readonly #started: number;
  /** The clock less the time since the start, as last believed. */
  #offset: number;
  #doubted: { readonly offset: number; readonly since: number } | undefined;

  /**
   * @param startedAt by the clock.
   * @param uptime a clock that is never set.
   */
  constructor(skew: number, startedAt: number, uptime: () => number) {
    this.#skew = skew;
    this.#uptime = uptime;
    this.#started = uptime();
    this.#offset = startedAt - this.#started;
  }

  /** Throws KrbError KRB_AP_ERR_SKEW for an authenticator that can't be judged. */
  check(ctime: number, now: number): void {
    const uptime = this.#uptime();
    this.#believe(now, uptime);
    const through = now - (uptime - this.#started) + this.#skew;
    if (ctime > through) return;
    const closed = { from: Number.NEGATIVE_INFINITY, through };
    throw fromClosedTime(ctime, closed, now, "this server was restarted and remembers nothing from before");
  }

  #believe(now: number, uptime: number): void {
    const offset = now - uptime;
    if (offset - this.#offset > this.#skew / 4) {
      if (this.#doubted === undefined || offset - this.#doubted.offset > this.#skew / 4)
        this.#doubted = { offset, since: uptime };
      if (uptime - this.#doubted.since <= this.#skew) {
        const was = this.#offset + uptime;
        throw setForward(was, now, now + this.#doubted.since + this.#skew - uptime);
      }
    }
    this.#doubted = undefined;
    this.#offset = offset;
  }
}

/** The refusal of everything for a while after the clock was set forward. */
function setForward(was: number, now: number, until: number): KrbError {
  return new KrbError(
    "KRB_AP_ERR_SKEW",
    `this server's clock was set forward from ${iso(was)} to ${iso(now)}; if it is right, calls are taken again ` +
      `from ${iso(until)}`,
    { now: iso(now), clock_before: iso(was), until: iso(until), side: "server" },
  );
}
