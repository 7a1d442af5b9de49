/**
 * Health by a real login: every few seconds a principal of its own logs in at the AS, and asks the TGS for a
 * ticket, as any client does. Whether the process answers is another question (`/livez`).
 *
 * Invariants. One attempt is under way at a time. Changes alone are told, so that the log has one line for an
 * outage and one for its end.
 */

import type { Timer } from "../../rpc/timer.js";
import type { Figure } from "../../services/metrics/metrics.js";
import { describeFailure } from "../frame/failure.js";

/** How long after an attempt the next one is made, in milliseconds. */
export const PROBE_INTERVAL_MS = 5_000;

/** The steps of a login; each throws where it fails. */
export interface ProbeSteps {
  /** Logs in at the AS. */
  as(): Promise<void>;
  /** Asks the TGS for a ticket, with that login. */
  tgs(): Promise<void>;
  /** Ends the connections that were made for both. */
  close(): void;
}

/** Why each of the two does not serve; undefined: it does. */
export interface ProbeResult {
  readonly as: string | undefined;
  readonly tgs: string | undefined;
}

/** What a probe works with. */
export interface ProbeParts {
  /** Begins an attempt; it throws where not even that can be done. */
  readonly begin: () => Promise<ProbeSteps>;
  /** Told of the first result, and of each that differs from the one before. */
  readonly onChange: (result: ProbeResult) => void;
  readonly timer: Timer;
  /** The present, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Logs in again and again. */
export class Probe implements Disposable {
  readonly #parts: ProbeParts;
  #underWay: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #result: ProbeResult | undefined;
  #succeededAt: number | undefined;
  #tookMs = 0;
  #isClosed = false;

  constructor(parts: ProbeParts) {
    this.#parts = parts;
  }

  /** Makes an attempt now, or joins the one under way; the next one follows by itself. Never rejects. */
  try(): Promise<void> {
    this.#underWay ??= this.#attempt().finally(() => {
      this.#underWay = undefined;
      this.#cancel?.();
      if (!this.#isClosed) this.#cancel = this.#parts.timer(PROBE_INTERVAL_MS, () => void this.try());
    });
    return this.#underWay;
  }

  /** Whether it logged in, when it last did, and how long the last attempt took. */
  figures(): readonly Figure[] {
    const result = this.#result;
    if (result === undefined) return [];
    const figures: Figure[] = [
      { name: "tessera_probe_up", value: result.as === undefined && result.tgs === undefined ? 1 : 0 },
      { name: "tessera_probe_duration_seconds", value: this.#tookMs / 1000 },
    ];
    if (this.#succeededAt !== undefined)
      figures.push({ name: "tessera_probe_success_seconds", value: this.#succeededAt / 1000 });
    return figures;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #attempt(): Promise<void> {
    const began = performance.now();
    const result = await this.#resultOf();
    this.#tookMs = performance.now() - began;
    if (result.as === undefined && result.tgs === undefined) this.#succeededAt = this.#parts.now();
    const before = this.#result;
    this.#result = result;
    const isSame = before !== undefined && before.as === result.as && before.tgs === result.tgs;
    if (!isSame && !this.#isClosed) this.#parts.onChange(result);
  }

  async #resultOf(): Promise<ProbeResult> {
    let steps: ProbeSteps | undefined;
    let at: "login" | "ticket" = "login";
    try {
      steps = await this.#parts.begin();
      await steps.as();
      at = "ticket";
      await steps.tgs();
      return { as: undefined, tgs: undefined };
    } catch (error) {
      const { text } = describeFailure(error);
      // Without a login there is no saying whether the TGS would serve.
      if (at === "login") return { as: `the login failed: ${text}`, tgs: `the login failed: ${text}` };
      return { as: undefined, tgs: `no ticket: ${text}` };
    } finally {
      steps?.close();
    }
  }
}
