/**
 * Tickets made without a KDC: what a thief of the service's key, a broken KDC or a stranger would present, so
 * that a test can see its service refuse them. A ticket made here is used where a client would be:
 *
 *   const stale = await realm.forge.expired("alice", "orders/api.example.test");
 *   ticketInterceptor(stale, "orders/api.example.test")
 */
import type { TicketSource } from "../client/index.js";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import type { Credentials } from "../protocol/credentials.js";
import { type LongTermKey, randomKey } from "../protocol/keys.js";
import type { Principal } from "../protocol/principal.js";
import { makeTicket, type ServiceKeys, type TicketContents } from "../protocol/ticket.js";

/** What a ticket says, other than what a good one would. Times are in milliseconds since the epoch. */
export type TicketChanges = Partial<Omit<TicketContents, "client" | "server" | "sessionKey">>;

const CHANGE_NAMES: OptionNames<TicketChanges> = {
  flags: true,
  authtime: true,
  starttime: true,
  endtime: true,
  renewTill: true,
  addresses: true,
  authorizationData: true,
};

/** A ticket that no KDC made, as a client would hold it. */
export interface ForgedTicket extends TicketSource {
  readonly credentials: Credentials;
}

/** What a forge needs to know of a realm. */
export interface ForgeRealm {
  readonly now: number;
  readonly policy: { readonly clockSkew: number };
  principal(name: string): Principal;
  keys(service: string): Promise<ServiceKeys>;
}

/** How long a good ticket lasts. */
const LIFE_MS = 3_600_000;

/** Makes tickets for a realm's services. Names are in that realm; the client need not exist. */
export class TicketForge {
  readonly #realm: ForgeRealm;

  /** @internal Use `TestRealm.forge`. */
  constructor(realm: ForgeRealm) {
    this.#realm = realm;
  }

  /**
   * A ticket under the service's real key: a good one, or one with the contents that a test chooses.
   * @throws TypeError for a change to what a ticket does not have.
   */
  async ticket(client: string, service: string, changes: TicketChanges = {}): Promise<ForgedTicket> {
    checkOptionNames("ticket", changes, CHANGE_NAMES);
    const { keys } = await this.#realm.keys(service);
    return this.#make(client, service, newest(keys), changes);
  }

  /** A ticket that ended an hour before what the clock skew still allows: KRB_AP_ERR_TKT_EXPIRED. */
  expired(client: string, service: string): Promise<ForgedTicket> {
    const endtime = this.#realm.now - this.#realm.policy.clockSkew - LIFE_MS;
    return this.ticket(client, service, { authtime: endtime - 2, starttime: endtime - 1, endtime });
  }

  /** A ticket that starts an hour after what the clock skew already allows: KRB_AP_ERR_TKT_NYV. */
  notYetValid(client: string, service: string): Promise<ForgedTicket> {
    const starttime = this.#realm.now + this.#realm.policy.clockSkew + LIFE_MS;
    return this.ticket(client, service, { starttime, endtime: starttime + LIFE_MS });
  }

  /** A ticket under a key that is not the service's, though it claims to be: KRB_AP_ERR_BAD_INTEGRITY. */
  async underWrongKey(client: string, service: string): Promise<ForgedTicket> {
    const { keys } = await this.#realm.keys(service);
    const { kvno, key } = newest(keys);
    return this.#make(client, service, { kvno, key: randomKey(key.etype) }, {});
  }

  /**
   * A ticket under a newer version of the service's key, which its keytab does not have yet:
   * KRB_AP_ERR_BADKEYVER.
   */
  async underNewerKey(client: string, service: string): Promise<ForgedTicket> {
    const { keys } = await this.#realm.keys(service);
    const { kvno, key } = newest(keys);
    return this.#make(client, service, { kvno: kvno + 1, key: randomKey(key.etype) }, {});
  }

  /** A ticket of one client, with authenticators in the name of another: KRB_AP_ERR_BADMATCH. */
  async inNameOf(other: string, client: string, service: string): Promise<ForgedTicket> {
    const { credentials } = await this.ticket(client, service);
    return this.#inHand({ ...credentials, client: this.#realm.principal(other) });
  }

  #make(client: string, service: string, sealedWith: LongTermKey, changes: TicketChanges): ForgedTicket {
    const { now } = this.#realm;
    const contents: TicketContents = {
      client: this.#realm.principal(client),
      server: this.#realm.principal(service),
      sessionKey: randomKey(sealedWith.key.etype),
      flags: [],
      authtime: now,
      starttime: now,
      endtime: now + LIFE_MS,
      renewTill: undefined,
      addresses: [],
      authorizationData: [],
      ...changes,
    };
    const ticket = makeTicket(contents, sealedWith);
    return this.#inHand({ ...contents, key: contents.sessionKey, ticket });
  }

  #inHand(credentials: Credentials): ForgedTicket {
    const clock = () => this.#realm.now;
    return { credentials, serviceProof: async () => ({ credentials, clock }) };
  }
}

/** The key that a KDC would seal with: the first of the newest version, which is the strongest. */
function newest(keys: readonly LongTermKey[]): LongTermKey {
  const kvno = Math.max(...keys.map((candidate) => candidate.kvno));
  return keys.find((candidate) => candidate.kvno === kvno)!;
}
