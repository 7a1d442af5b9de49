/**
 * Mallory: a user with an account, who makes messages by hand that no honest client makes. None may be taken.
 * What goes by on the network is sent again there (network.mjs).
 */
import { KDCS, KRBTGT, STOCK, V, V_ADDRESS } from "./realm.mjs";

const HOUR = 3_600_000;
/** How far a time may be off, and somewhat more, in milliseconds. */
const BEYOND_SKEW = 5 * 60_000 + 2_000;
/** What is made by hand may bear any time. */
const isHandmade = true;
/** More than the failures that a name has from one machine, at once. */
const RETRIES = 12;

export class Attacker {
  #world;
  /** Mallory's own machine and account. */
  #actor;
  /** Tickets that have ended, or will. */
  #kept = [];
  /** How many other machines Mallory has used. */
  #machines = 0;

  constructor(world, actor) {
    this.#world = world;
    this.#actor = actor;
  }

  /** Tries one thing, of which nothing may come. */
  async attack(victim) {
    const { random, oracle } = this.#world;
    const attempt = random.pick([
      () => this.#asVictim(victim),
      () => this.#ended(),
      () => this.#wrongTime(),
      () => this.#wrongTime(),
      () => this.#belowFloor(),
      () => this.#oldKeys(victim),
      () => this.#retried(),
    ]);
    const end = oracle.begin("an attack", 20 * 60_000);
    try {
      await attempt();
    } finally {
      end();
    }
  }

  /**
   * Calls V by the time that its clock shows, however wrong: what V then forgets, somebody may send again.
   */
  async callByClockOf({ offset }) {
    const { ticket } = await this.#tickets();
    if (ticket !== undefined) await this.#access(ticket, this.#now + offset).catch(() => {});
  }

  /** Own tickets, in somebody else's name. */
  async #asVictim({ name }) {
    const { tgt, ticket } = await this.#tickets();
    const now = this.#now;
    if (ticket !== undefined)
      await this.#mustFail("nobody gets in as another", this.#access({ ...ticket, client: name }, now));
    if (tgt !== undefined)
      await this.#mustFail("nobody gets a ticket as another", this.#ask({ ...tgt, client: name }, now));
  }

  /** Tickets that have ended, with authenticators of now. */
  async #ended() {
    const now = this.#now;
    const ended = this.#kept.filter(({ endtime }) => now > endtime + BEYOND_SKEW);
    if (ended.length === 0) return;
    const old = this.#world.random.pick(ended);
    if (old.server === V) await this.#mustFail("nobody gets in with an ended ticket", this.#access(old, now));
    else await this.#mustFail("an ended TGT gives no ticket", this.#ask(old, now));
  }

  /** Authenticators made long ago, or in advance. */
  async #wrongTime() {
    const { random, product, policy } = this.#world;
    const off = random.between(BEYOND_SKEW, random.pick([2 * BEYOND_SKEW, HOUR, 24 * HOUR, 300 * 24 * HOUR]));
    const at = this.#now + (random.chance(0.5) ? -off : off);
    const { tgt, ticket } = await this.#tickets();
    const [key] = this.#actor.keys;
    const request = product.makeAsReq(this.#actor.name, { etypes: policy.keyEtypes }, key, at);
    const client = new product.AuthenticationServiceClient(this.#actor.transport(this.#kdc, { isHandmade }));
    await this.#mustFail("no login by a wrong time", client.authenticate(request));
    if (tgt !== undefined) await this.#mustFail("no ticket by a wrong time", this.#ask(tgt, at));
    if (ticket !== undefined)
      await this.#mustFail("nobody gets in by a wrong time", this.#access(ticket, at));
  }

  /** With less protection than the service asks for. */
  async #belowFloor() {
    await this.#tickets();
    await this.#actor.order(STOCK, { below: true });
  }

  /** Keys that were somebody's until their password was changed. */
  async #oldKeys({ name, oldKeys }) {
    if (oldKeys === undefined) return;
    const client = this.#actor.newClient();
    await this.#mustFail("an old password opens nothing", client.loginWithKeys(name, oldKeys));
  }

  /**
   * A mistyped password whose request is sent again and again counts once: the right one is then taken,
   * although nobody logged in from that machine before.
   */
  async #retried() {
    const { product, policy, oracle } = this.#world;
    const { name, keys } = this.#actor;
    const from = {
      name: "mallory, elsewhere",
      host: `10.2.${this.#machines >> 8}.${this.#machines++ & 0xff}`,
    };
    const wrong = new product.Key(keys[0].etype, new Uint8Array(keys[0].exportBytes().length));
    const request = product.makeAsReq(name, { etypes: policy.keyEtypes }, wrong, this.#now);
    const client = new product.AuthenticationServiceClient(
      this.#actor.transport(KDCS[0], { from, isHandmade }),
    );
    for (let times = 0; times < RETRIES; times++)
      await this.#mustFail("a wrong password opens nothing", client.authenticate(request));
    const error = await this.#actor
      .newClient(from)
      .loginWithKeys(name, keys)
      .catch((thrown) => thrown);
    if (error instanceof Error)
      oracle.violate("a retried login counts once", { error: error.message, machine: from.host });
  }

  /** Mallory's tickets of the moment; new ones are kept for later. */
  async #tickets() {
    if ((await this.#actor.visit()) !== undefined) {
      await this.#actor.logIn();
      await this.#actor.visit();
    }
    const found = await this.#find();
    for (const kept of [found.tgt, found.ticket])
      if (kept !== undefined && !this.#kept.includes(kept)) this.#kept.push(kept);
    if (this.#kept.length > 20) this.#kept.splice(0, 10);
    return found;
  }

  async #find() {
    const login = await this.#actor.client.cached();
    const find = (name) => login?.credentials.find(({ server }) => server === name);
    return { tgt: find(KRBTGT), ticket: find(V) };
  }

  #access(credentials, at) {
    const { product } = this.#world;
    const { request } = product.makeAccessReq(credentials, new Uint8Array(), at);
    const client = new product.ApplicationServiceClient(this.#actor.transport(V_ADDRESS, { isHandmade }));
    return client.access(request);
  }

  #ask(tgt, at) {
    const { product, policy } = this.#world;
    const { request } = product.makeTgsReq(tgt, V, { etypes: policy.keyEtypes }, at);
    const client = new product.TicketGrantingServiceClient(this.#actor.transport(this.#kdc, { isHandmade }));
    return client.grantTicket(request);
  }

  get #kdc() {
    return this.#world.random.pick(KDCS);
  }

  get #now() {
    return this.#world.scheduler.now;
  }

  async #mustFail(invariant, attempt) {
    const { oracle, isAClockWrong, trace } = this.#world;
    const wrong = isAClockWrong();
    const refusal = await attempt.then(
      () => undefined,
      (error) => error,
    );
    trace("attack", invariant, refusal?.reason ?? refusal?.codeName);
    if (refusal === undefined && !wrong && !isAClockWrong())
      oracle.violate(invariant, { by: this.#actor.name });
  }
}
