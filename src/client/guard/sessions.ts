/**
 * The sessions of a client with guarded services (session.proto): one for each channel, login and service. They
 * live in memory alone, and end with the channel.
 *
 * Invariant. No number of a session is used twice: each attempt takes the next.
 */
import type { Credentials } from "../../protocol/credentials.js";
import type { Grant } from "../../protocol/session-extensions.js";
import { hasSessions, type SessionKeys } from "../../protocol/session-keys.js";

/** A session is left so long before its end, in milliseconds: its last calls arrive in time. */
const MARGIN_MS = 5_000;
/** Calls that begin while a session is being made wait for it so long, in milliseconds, and then go without. */
const WAIT_MS = 250;

/** A session as the client holds it. */
export class ClientSession {
  readonly id: Uint8Array;
  readonly keys: SessionKeys;
  /** When the session's ticket ends, by the KDC's clock. */
  readonly ticketEnd: number;
  readonly #grantedAt: number;
  readonly #endsAt: number;
  #last = 0;

  /** @param uptime milliseconds of a clock that is never set: now. */
  constructor({ id, life }: Grant, keys: SessionKeys, ticketEnd: number, uptime: number) {
    this.id = id;
    this.keys = keys;
    this.ticketEnd = ticketEnd;
    this.#grantedAt = uptime;
    this.#endsAt = uptime + life * 1000 - MARGIN_MS;
  }

  /** A number for one more attempt. */
  takeNumber(): number {
    this.#last++;
    return this.#last;
  }

  /** Whole seconds since it was granted. */
  age(uptime: number): number {
    return Math.floor((uptime - this.#grantedAt) / 1000);
  }

  /** Whether it may still be used. @param now by the KDC's clock. */
  isGood(now: number, uptime: number): boolean {
    return uptime < this.#endsAt && now < this.ticketEnd && this.#last < Number.MAX_SAFE_INTEGER;
  }
}

/** What a channel has with one service. */
interface Slot {
  session: ClientSession | undefined;
  /** Settles when the exchange that makes a session is over, whatever became of it. */
  exchange: Promise<void> | undefined;
}

/** An exchange that makes a session; others wait for it. */
export interface Beginning {
  /** It is over: with a session, or without one. Heard once. */
  settle(session: ClientSession | undefined): void;
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
  readonly #channels = new WeakMap<object, Map<string, Slot>>();
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
   * How a call on a channel proves itself; it may wait for a session that is being made.
   * @param now the present by the KDC's clock.
   */
  async plan(channel: object, ticket: Credentials, now: number): Promise<Plan> {
    const slot = this.#slot(channel, ticket);
    if (!hasSessions(ticket.key.etype)) return ONE_SHOT;
    if (slot.session === undefined && slot.exchange !== undefined) await withinTime(slot.exchange);
    if (slot.session?.isGood(now, this.#uptime()) === true) return { by: "session", session: slot.session };
    slot.session = undefined;
    return { by: "exchange", beginning: this.#begin(slot) };
  }

  /** Forgets a session that the service does not hold any more. */
  forget(channel: object, ticket: Credentials, session: ClientSession): void {
    const slot = this.#slot(channel, ticket);
    if (slot.session === session) slot.session = undefined;
  }

  #begin(slot: Slot): Beginning {
    let over!: () => void;
    const exchange = new Promise<void>((resolve) => {
      over = resolve;
    });
    slot.exchange = exchange;
    let settled = false;
    return {
      settle: (session) => {
        if (settled) return;
        settled = true;
        if (session !== undefined) slot.session = session;
        if (slot.exchange === exchange) slot.exchange = undefined;
        over();
      },
    };
  }

  #slot(channel: object, { client, server }: Credentials): Slot {
    const slots = this.#channels.get(channel) ?? new Map<string, Slot>();
    this.#channels.set(channel, slots);
    const name = `${client} ${server}`;
    const slot = slots.get(name) ?? { session: undefined, exchange: undefined };
    slots.set(name, slot);
    return slot;
  }
}

function withinTime(work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, WAIT_MS);
    timer.unref();
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
