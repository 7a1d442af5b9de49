/**
 * Tickets from the TGS (RFC 4120 §3.3), kept in the login's cache: each is asked for once, however many
 * callers wait for it.
 *
 * Where the TGS finds the client's clock wrong, the offset learned at login is wrong by now: one more request
 * goes out by the refusal's hint, and the offset of the sealed reply takes the place of the old one.
 */
import { KdcOption } from "../gen/kerberos/v1/kdc_pb.js";
import type { Credentials } from "../protocol/credentials.js";
import type { TicketWish } from "../protocol/kdc-request.js";
import { leastOffset } from "../protocol/kerberos-time.js";
import { type Principal, realmOf } from "../protocol/principal.js";
import { makeTgsReq, openTgsRep } from "../protocol/tgs-exchange.js";
import { hintedOffset, isInLife, withKeptOffset } from "./clock-offset.js";
import type { CachedLogin } from "./credential-cache.js";
import type { KdcExchanges } from "./kdc/exchanges.js";
import { type CurrentLogin, heldTicket, type KeptLogin } from "./kept-login.js";

/** How long after forgetting a ticket for a service the next one is kept, in milliseconds. */
const FORGET_PAUSE = 10_000;

/** What a ticket is asked for at a time, in milliseconds since the epoch. */
export type WishAt = (now: number) => TicketWish;

/** A ticket, and the clock to use it by. */
export interface GrantedTicket {
  readonly credentials: Credentials;
  /** The KDC's clock minus ours, in milliseconds. */
  readonly kdcOffset: number;
}

/** What tickets are got with. */
export interface TicketGrantingParts {
  readonly login: KeptLogin;
  readonly kdcs: KdcExchanges;
  readonly clock: () => number;
}

/** What the TGS answered. */
interface Reply extends GrantedTicket {
  /** Whether the offset is another than the login's. */
  readonly relearned: boolean;
}

/** One client's exchanges with the TGS. */
export class TicketGranting {
  readonly #parts: TicketGrantingParts;
  /** Tickets that were asked for and have not come yet, by TGT and service. */
  readonly #waiting = new Map<string, Promise<GrantedTicket>>();

  /** When a ticket for a service was last forgotten, in milliseconds since the epoch. */
  readonly #forgotAt = new Map<Principal, number>();

  constructor(parts: TicketGrantingParts) {
    this.#parts = parts;
  }

  /**
   * A ticket for a service: the one at hand, or a new one. Throws KrbError as the TGS refuses, RpcError where
   * the call fails.
   */
  async ticketFor(server: Principal, wish: WishAt, current: CurrentLogin): Promise<GrantedTicket> {
    const held = heldTicket(current, server);
    if (held !== undefined) return { credentials: held, kdcOffset: current.login.kdcOffset };
    // By TGT as well: whoever logs in meanwhile does not get somebody else's ticket.
    const name = `${Buffer.from(current.tgt.ticket).toString("base64")} ${server}`;
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) return waiting;
    const asked = this.newTicket(server, wish, current);
    this.#waiting.set(name, asked);
    try {
      return await asked;
    } finally {
      this.#waiting.delete(name);
    }
  }

  /**
   * A new ticket in place of any other for the service. Throws as `ticketFor`.
   * @param measure keep the clock offset of the reply, whether or not the old one was refused.
   */
  async newTicket(
    server: Principal,
    wish: WishAt,
    current: CurrentLogin,
    measure: "when refused" | "always" = "when refused",
  ): Promise<GrantedTicket> {
    const { credentials, kdcOffset, relearned } = await this.#ask(server, wish, current);
    const learned = relearned || measure === "always" ? { kdcOffset } : {};
    const withTicket = (login: CachedLogin): CachedLogin => {
      const others = login.credentials.filter((candidate) => candidate.server !== server);
      return { ...login, ...learned, credentials: [...others, credentials] };
    };
    await this.#parts.login.change(current.tgt, withTicket);
    return { credentials, kdcOffset: current.login.kdcOffset, ...learned };
  }

  /** A new TGT in place of the old one and of all its tickets. Throws as `ticketFor`. */
  async renew(wish: WishAt, current: CurrentLogin): Promise<Credentials> {
    const renewal: WishAt = (now) => ({ ...wish(now), options: [KdcOption.RENEW] });
    const { credentials, kdcOffset, relearned } = await this.#ask(current.tgt.server, renewal, current);
    const learned = relearned ? { kdcOffset } : {};
    await this.#parts.login.change(current.tgt, (login) => ({
      ...login,
      ...learned,
      credentials: [credentials],
    }));
    return credentials;
  }

  /**
   * Forgets a ticket of the login, unless it is the TGT or another has just been forgotten for its service.
   */
  async forget({ server, ticket }: Credentials, { login, tgt, now }: CurrentLogin): Promise<void> {
    const isIt = (kept: Credentials) => Buffer.compare(kept.ticket, ticket) === 0;
    const forgotAt = this.#forgotAt.get(server) ?? Number.NEGATIVE_INFINITY;
    if (isIt(tgt) || !login.credentials.some(isIt) || Math.abs(now - forgotAt) < FORGET_PAUSE) return;
    this.#forgotAt.set(server, now);
    await this.#parts.login.change(tgt, (held) => ({
      ...held,
      credentials: held.credentials.filter((kept) => !isIt(kept)),
    }));
  }

  async #ask(server: Principal, wish: WishAt, { tgt, login }: CurrentLogin): Promise<Reply> {
    const kept = login.kdcOffset;
    try {
      return { ...(await this.#askOnce(server, wish, tgt, kept)), relearned: false };
    } catch (error) {
      const offset = hintedOffset(error, kept);
      if (offset === undefined || !isInLife(tgt, this.#parts.clock() + offset))
        throw withKeptOffset(error, kept);
      try {
        return { ...(await this.#askOnce(server, wish, tgt, offset)), relearned: true };
      } catch (second) {
        throw withKeptOffset(second, kept);
      }
    }
  }

  /** Asks by a clock that is off ours by `offset` milliseconds, and measures how much it is. */
  async #askOnce(server: Principal, wish: WishAt, tgt: Credentials, offset: number): Promise<GrantedTicket> {
    const { kdcs, clock } = this.#parts;
    return kdcs.grantTicket(realmOf(tgt.server), async (send) => {
      const sentAt = clock();
      const now = sentAt + offset;
      // Each KDC that is asked gets an authenticator of its own.
      const { request, pending } = makeTgsReq(tgt, server, wish(now), now);
      const response = await send(request);
      const receivedAt = clock();
      const { credentials, kdcOffset } = openTgsRep(response, pending, receivedAt);
      return { credentials, kdcOffset: leastOffset(kdcOffset, receivedAt - sentAt) };
    });
  }
}
