/**
 * The sessions of a client with guarded services (session.proto): one for each channel, login and service.
 * They live in memory alone, and end with the channel.
 *
 * Invariant. No number of a session is used twice: each attempt takes the next.
 */
import * as grpc from "@grpc/grpc-js";
import type { Credentials } from "../../protocol/credentials.js";
import type { Principal } from "../../protocol/principal.js";
import type { Grant } from "../../protocol/session-extensions.js";
import { hasSessions, type SessionKeys } from "../../protocol/session-keys.js";
import { RpcError } from "../../rpc/rpc-error.js";

/** A session is left so long before its end, in milliseconds: its last calls arrive in time. */
const MARGIN_MS = 5_000;
/** How long a call waits for a session that is being made, in milliseconds. */
const WAIT_MS = 250;
/** A service that grants no session is asked again after so long, in milliseconds. */
const DECLINED_MS = 60_000;

/** A session as the client holds it. */
export class ClientSession {
  readonly id: Uint8Array;
  readonly keys: SessionKeys;
  readonly #ticket: Credentials;
  readonly #grantedAt: number;
  readonly #endsAt: number;
  #last: number;

  /**
   * @param ticket what it was made with.
   * @param uptime milliseconds of a clock that is never set: now.
   * @param last the highest number that was used.
   */
  constructor({ id, life }: Grant, keys: SessionKeys, ticket: Credentials, uptime: number, last = 0) {
    this.id = id;
    this.keys = keys;
    this.#ticket = ticket;
    this.#grantedAt = uptime;
    this.#endsAt = uptime + life * 1000 - MARGIN_MS;
    this.#last = last;
  }

  /** A number for one more attempt. Throws RpcError UNAVAILABLE where none is left. */
  takeNumber(): number {
    if (this.#last >= Number.MAX_SAFE_INTEGER)
      throw new RpcError(grpc.status.UNAVAILABLE, "the session has no number left for this call; try again");
    this.#last++;
    return this.#last;
  }

  /** Whole seconds since it was granted. */
  age(uptime: number): number {
    return Math.floor((uptime - this.#grantedAt) / 1000);
  }

  /**
   * Whether a call that has this ticket may use it: a new login has its own sessions.
   * @param now by the KDC's clock.
   */
  isGood({ ticket }: Credentials, now: number, uptime: number): boolean {
    const { ticket: own, endtime } = this.#ticket;
    const isAlive = uptime < this.#endsAt && now < endtime && this.#last < Number.MAX_SAFE_INTEGER;
    return isAlive && (own === ticket || Buffer.compare(own, ticket) === 0);
  }
}

/** What a channel has for one login with one service. */
interface Slot {
  readonly client: Principal;
  readonly server: Principal;
  session: ClientSession | undefined;
  /** Settles when the exchange that makes a session is over, whatever became of it. */
  exchange: Promise<void> | undefined;
  /** Until when no session is asked for: the service has answered that it grants none. */
  declinedUntil: number;
}

/** An exchange that makes a session; others wait for it. */
export interface Beginning {
  /** Whether `settle` was called. */
  readonly isOver: boolean;
  /** It is over: with a session, or without one. Heard once. */
  settle(session: ClientSession | undefined): void;
  /** It is over: the service proved itself and granted none, so that calls go without for a while. */
  decline(): void;
}

/** How a call proves itself. */
export type Plan =
  | { readonly by: "session"; readonly session: ClientSession }
  /** By an AP-REQ, which asks for a session if it is to begin one. */
  | { readonly by: "exchange"; readonly beginning: Beginning | undefined };

/** By an AP-REQ, and no session. */
export const ONE_SHOT: Plan = { by: "exchange", beginning: undefined };

/** The sessions of an interceptor. */
export class ClientSessions {
  readonly #channels = new WeakMap<object, Slot[]>();
  readonly #uptime: () => number;

  /** @param uptime milliseconds of a clock that is never set. */
  constructor(uptime: () => number = () => performance.now()) {
    this.#uptime = uptime;
  }

  /** The present by the clock that is never set. */
  get uptime(): number {
    return this.#uptime();
  }

  /**
   * How a call on a channel proves itself. It waits for a session that is being made, at most 250 ms; then
   * one of those that waited begins another, and the rest go without.
   * @param now the present by the KDC's clock.
   */
  plan(channel: object, ticket: Credentials, now: number): Plan | Promise<Plan> {
    if (!hasSessions(ticket.key.etype)) return ONE_SHOT;
    const slot = this.#slot(channel, ticket);
    return this.#planAtOnce(slot, ticket, now, undefined) ?? this.#planInTime(slot, ticket, now);
  }

  async #planInTime(slot: Slot, ticket: Credentials, now: number): Promise<Plan> {
    const patience = new Patience();
    let late: Promise<void> | undefined;
    try {
      for (;;) {
        const plan = this.#planAtOnce(slot, ticket, now, late);
        if (plan !== undefined) return plan;
        const exchange = slot.exchange!;
        if (!(await patience.outlasts(exchange))) late = exchange;
      }
    } finally {
      patience.end();
    }
  }

  /**
   * No `await` from what it finds to what it begins: others wait for the same.
   * @param late the exchange that took too long.
   * @returns undefined: there is an exchange to wait for.
   */
  #planAtOnce(
    slot: Slot,
    ticket: Credentials,
    now: number,
    late: Promise<void> | undefined,
  ): Plan | undefined {
    const { session, exchange } = slot;
    if (session?.isGood(ticket, now, this.#uptime()) === true) return { by: "session", session };
    if (this.#uptime() < slot.declinedUntil) return ONE_SHOT;
    if (session !== undefined || exchange === undefined || exchange === late) return this.#begin(slot);
    return late === undefined ? undefined : ONE_SHOT;
  }

  /**
   * How a call proves itself that repeats a refused attempt: never by a session, for its authenticator says
   * which attempt it repeats. It begins a session where nobody else does.
   * @param now the present by the KDC's clock.
   */
  planRepeat(channel: object, ticket: Credentials, now: number): Plan {
    if (!hasSessions(ticket.key.etype)) return ONE_SHOT;
    const slot = this.#slot(channel, ticket);
    if (this.#uptime() < slot.declinedUntil) return ONE_SHOT;
    const isHeld = slot.session?.isGood(ticket, now, this.#uptime()) === true;
    return isHeld || slot.exchange !== undefined ? ONE_SHOT : this.#begin(slot);
  }

  /** Forgets a session that the service does not hold any more. */
  forget(channel: object, ticket: Credentials, session: ClientSession): void {
    const slot = this.#slot(channel, ticket);
    if (slot.session === session) slot.session = undefined;
  }

  #begin(slot: Slot): Plan {
    let over!: () => void;
    const exchange = new Promise<void>((resolve) => {
      over = resolve;
    });
    slot.session = undefined;
    slot.exchange = exchange;
    let isOver = false;
    const settle = (session: ClientSession | undefined) => {
      if (isOver) return;
      isOver = true;
      if (session !== undefined) slot.session = session;
      if (slot.exchange === exchange) slot.exchange = undefined;
      over();
    };
    const beginning: Beginning = {
      get isOver() {
        return isOver;
      },
      settle,
      decline: () => {
        if (!isOver) slot.declinedUntil = this.#uptime() + DECLINED_MS;
        settle(undefined);
      },
    };
    return { by: "exchange", beginning };
  }

  #slot(channel: object, { client, server }: Credentials): Slot {
    let slots = this.#channels.get(channel);
    if (slots === undefined) {
      slots = [];
      this.#channels.set(channel, slots);
    }
    let slot = slots.find((own) => own.client === client && own.server === server);
    if (slot === undefined) {
      slot = { client, server, session: undefined, exchange: undefined, declinedUntil: 0 };
      slots.push(slot);
    }
    return slot;
  }
}

/** The time that one call waits. */
class Patience {
  readonly #timeout: Promise<false>;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.#timeout = new Promise((resolve) => {
      this.#timer = setTimeout(resolve, WAIT_MS, false).unref();
    });
  }

  /** Whether `work` ends within what is left of it. */
  outlasts(work: Promise<void>): Promise<boolean> {
    return Promise.race([work.then(() => true), this.#timeout]);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
