/**
 * A service's word that the client's clock is wrong, and what becomes of it: the KDC's clock is measured
 * anew, by a sealed reply. The service's own hint is not authenticated, and followed it would be a proof made
 * in advance for whoever gave it.
 */
import type { Principal } from "../protocol/principal.js";
import { isSkew, offsetsDiffer } from "./clock-offset.js";
import type { CurrentLogin } from "./kept-login.js";
import type { GrantedTicket } from "./ticket-granting.js";

/** How long after a measurement a service's refusal causes the next, in milliseconds. */
const PAUSE = 10_000;

/** Measures the KDC's clock when services ask for it; one measurement serves all who wait. */
export class ClockCorrection {
  readonly #measure: (server: Principal, current: CurrentLogin) => Promise<GrantedTicket>;
  readonly #clock: () => number;
  #underWay: Promise<GrantedTicket> | undefined;
  #measuredAt = Number.NEGATIVE_INFINITY;

  /** @param measure gets a new ticket for a service, and keeps the clock offset of the reply. */
  constructor(
    measure: (server: Principal, current: CurrentLogin) => Promise<GrantedTicket>,
    clock: () => number,
  ) {
    this.#measure = measure;
    this.#clock = clock;
  }

  /**
   * Told that a service refused a time made with the offset `used`, in milliseconds.
   * @returns whether the offset is by now another; false where it is not, and where it is too soon to ask.
   * @throws KrbError KRB_AP_ERR_SKEW where the KDC does not take the client's time either.
   */
  async correct(server: Principal, used: number, current: CurrentLogin): Promise<boolean> {
    if (offsetsDiffer(current.login.kdcOffset, used)) return true;
    try {
      const measured = await this.#measured(server, current);
      return measured !== undefined && offsetsDiffer(measured.kdcOffset, used);
    } catch (error) {
      if (isSkew(error)) throw error;
      // Whatever else is wrong with the KDC, the service's refusal stays.
      return false;
    }
  }

  async #measured(server: Principal, current: CurrentLogin): Promise<GrantedTicket | undefined> {
    if (this.#underWay !== undefined) return this.#underWay;
    const now = this.#clock();
    if (Math.abs(now - this.#measuredAt) < PAUSE) return undefined;
    this.#measuredAt = now;
    this.#underWay = this.#measure(server, current).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }
}
