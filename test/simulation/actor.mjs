/**
 * A user and the machine in front of them: the real client and the real interceptors, over the simulated
 * network. What they do one at a time either succeeds as it must, or fails as a call may.
 */
import { Metadata, status } from "@grpc/grpc-js";
import { Channel } from "./channel.mjs";
import {
  FLOOR,
  KDCS,
  KRBTGT,
  ORDER_ADDRESSES,
  ORDERS,
  PEOPLE,
  STOCK,
  STOCK_ADDRESSES,
  USERS,
  V,
  V_ADDRESS,
} from "./realm.mjs";

const CALL_MS = 10_000;
/** The longest that one thing takes: a few calls, one after another. */
const OP_MS = 12 * CALL_MS;
/** How often a person types the password: once in a thousand logins of all users, of whom few are people. */
const TYPED = (0.001 * USERS) / PEOPLE;
/** V keeps so many notes for one user. */
const MOST_NOTES = 40;

const SERVICES = {
  [ORDERS]: { host: "api.sim.test", addresses: ORDER_ADDRESSES, floor: undefined },
  [STOCK]: { host: "stock.sim.test", addresses: STOCK_ADDRESSES, floor: FLOOR },
};

export class Actor {
  name;
  host;
  kind = "client";
  /** The machine's clock minus the true one, in milliseconds. */
  offset = 0;
  /** Undefined: the user has keys alone. */
  password;
  /** The long-term keys, and the version and keys that were replaced last. */
  keys;
  kvno;
  oldKeys;
  client;
  /** Each boot is another life: what an earlier one still waits for is nobody's. */
  life = 0;
  #world;
  #random;
  #kdc = 0;
  #bootedAt = 0;
  #channels = new Map();
  /** Whether an answer to another request was handed to the client in what it does now. */
  #swapped = false;
  /** Whether it was refused in what it does now: then its next request may bear another's time. */
  #refused = false;
  #swappedCalls = new Set();
  /** What is done before the next thing. */
  #done = Promise.resolve();
  #notes = [];
  #noteCount = 0;

  constructor(world, { name, host, entry, password }) {
    this.#world = world;
    this.#random = world.random;
    this.name = name;
    this.host = host;
    this.password = password;
    this.take(entry);
  }

  /** The keys of an entry. */
  take({ keys }) {
    this.oldKeys = this.keys;
    this.kvno = Math.max(...keys.map(({ kvno }) => kvno));
    this.keys = keys.filter(({ kvno }) => kvno === this.kvno).map(({ key }) => key);
  }

  clock = () => this.#world.scheduler.now + this.offset;

  boot() {
    const { product, scheduler } = this.#world;
    this.life++;
    this.#bootedAt = scheduler.now;
    this.client?.close();
    this.client = this.newClient();
    const uptime = () => scheduler.now - this.#bootedAt;
    for (const [service, { host, addresses, floor }] of Object.entries(SERVICES)) {
      const encrypted = this.#random.chance(0.3);
      const protection = floor ?? this.#random.pick(["authenticate", "integrity", "privacy"]);
      const pinned = { address: this.#random.pick(addresses) };
      const send = (attempt) => this.#send(pinned, host, encrypted, attempt);
      const options = { uptime, allowInsecureChannel: true, protection };
      this.#channels.set(service, {
        transport: new product.transport(new Channel({ authority: host, encrypted, send })),
        interceptor: product.interceptor(this.client, service, options),
        protection,
        pinned,
        addresses,
      });
    }
  }

  /** A client of this machine that is logged in as nobody. */
  newClient(from = this) {
    const { product } = this.#world;
    const transport = (address) => this.transport(address, { from });
    return new product.client({
      kdc: { as: "kdc", tgs: "kdc" },
      transport,
      clock: this.clock,
      timeoutMs: CALL_MS,
    });
  }

  /**
   * @param from where calls come from, if not from the user's machine.
   * @param isHandmade whether requests may bear any time.
   */
  transport(address, { from = this, isHandmade = false } = {}) {
    return {
      unary: async (method, bytes, { metadata = new Metadata(), deadline }) => {
        const to = address === "kdc" ? KDCS[this.#kdc] : address;
        const made = !isHandmade && this.offset === 0 && (await this.#believesItsClock());
        const request = { from, to, method, bytes, metadata, authority: address, deadline, made };
        const answer = await this.#world.network.call(request);
        if (isHandmade && answer.status?.code) throw answer.status;
        if (isHandmade) return answer.response;
        if (answer.isSwapped) this.#swapped = true;
        if (!answer.status?.code) return answer.response;
        this.#refused = true;
        throw answer.status;
      },
      close: () => {},
    };
  }

  /** Logs in: with the keys at hand or, once in a while, by typing the password. */
  logIn() {
    return this.#do("login", async () => {
      // By another KDC where the last did not answer.
      if (this.#random.chance(0.2)) this.#kdc = 1 - this.#kdc;
      const typed = this.password !== undefined && this.#random.chance(TYPED);
      const { client } = typed
        ? await this.client.login(this.name, this.password)
        : await this.client.loginWithKeys(this.name, this.keys);
      if (client !== this.name) this.#violate("nobody logs in as another", client);
      this.#world.logins++;
    });
  }

  /** Whether there is a login that its own clock finds good. */
  async isLoggedIn() {
    const login = await this.client.cached();
    const now = this.clock() + (login?.kdcOffset ?? 0);
    return login?.credentials.some(({ server, endtime }) => server === KRBTGT && endtime > now) ?? false;
  }

  /** Asks V who one is. */
  visit() {
    const { WhoAmIRequestSchema: request, WhoAmIResponseSchema: response } = this.#world.product.operations;
    return this.#do("visit", async () => {
      const target = { principal: V, address: V_ADDRESS };
      const { client } = await this.client.access(target, { request, response }, {});
      if (client !== this.name) this.#violate("nobody gets in as another", client);
    });
  }

  /** Leaves a note with V; deletes the oldest where there are many. */
  leaveNote() {
    const { oracle, product } = this.#world;
    const types = (name) => ({
      request: product.operations[`${name}NoteRequestSchema`],
      response: product.operations[`${name}NoteResponseSchema`],
    });
    const target = { principal: V, address: V_ADDRESS };
    return this.#do("note", async () => {
      if (this.#notes.length >= MOST_NOTES) {
        const oldest = this.#notes[0];
        oracle.deletesNote(this.#noteKey(oldest));
        await this.client.access(target, types("Delete"), { name: oldest });
        this.#notes.shift();
      }
      const name = `note-${++this.#noteCount}`;
      const text = `${name} of ${this.name}`;
      this.#notes.push(name);
      await this.client.access(target, types("Put"), { name, text });
      oracle.acknowledgedNote(this.#noteKey(name), text);
    });
  }

  /** Asks the TGS for a ticket that may be at hand. */
  askAgain() {
    const { product, policy } = this.#world;
    return this.#do("ticket", async () => {
      const { credentials = [], kdcOffset = 0 } = (await this.client.cached()) ?? {};
      const tgt = credentials.find(({ server }) => server === KRBTGT);
      if (tgt === undefined) return;
      const wish = { etypes: policy.keyEtypes };
      const { request } = product.makeTgsReq(tgt, V, wish, this.clock() + kdcOffset);
      await new product.TicketGrantingServiceClient(this.transport("kdc")).grantTicket(request);
    });
  }

  /**
   * Calls a guarded service, or several times at once. @param below with less protection than it asks for.
   */
  order(service, { times = 1, below = false } = {}) {
    return this.#do("order", async () => {
      await Promise.all(Array.from({ length: times }, () => this.#order(service, below)));
    });
  }

  async #order(service, below) {
    const { oracle, product, scheduler } = this.#world;
    const { transport, interceptor, pinned, addresses, protection } = this.#channels.get(service);
    if (this.#random.chance(0.05)) pinned.address = this.#random.pick(addresses);
    const number = oracle.calls(this.name, service, SERVICES[service].floor ?? protection);
    const metadata = new Metadata();
    metadata.set("x-call", String(number));
    const weak = { allowInsecureChannel: true, protection: "authenticate" };
    const interceptors = [below ? product.interceptor(this.client, service, weak) : interceptor];
    const deadline = scheduler.now + CALL_MS;
    const bytes = Buffer.from(JSON.stringify({ call: number }));
    const response = await transport
      .unary("/sim.v1.Orders/Place", bytes, { metadata, deadline, interceptors })
      .catch((error) => {
        if (error.code === status.UNAVAILABLE) pinned.address = this.#random.pick(addresses);
        throw error;
      });
    const answered = JSON.parse(response.toString()).call;
    if (answered !== number || !oracle.hasRun(number)) this.#violate("an answer is its call's own", answered);
    if (this.#swappedCalls.has(number)) this.#violate("an answer is its call's own", number);
  }

  async #send(pinned, authority, encrypted, { method, bytes, metadata, deadline }) {
    const made = this.offset === 0 && (await this.#believesItsClock());
    const request = {
      from: this,
      to: pinned.address,
      method,
      bytes,
      metadata,
      authority,
      encrypted,
      deadline,
    };
    const answer = await this.#world.network.call({ ...request, made });
    this.#refused ||= Boolean(answer.status?.code);
    if (answer.isSwapped) this.#swappedCalls.add(Number(metadata.get("x-call")[0]));
    return answer;
  }

  /** Whether what the client makes bears the time of its own clock. */
  async #believesItsClock() {
    const login = await this.client.cached();
    return !this.#refused && (login?.kdcOffset ?? 0) === 0;
  }

  /**
   * Does one thing, after the one before. Resolves to undefined, or to what it failed with: a KrbError or an
   * RpcError, and nothing else.
   */
  #do(what, run) {
    const done = this.#done.then(() => this.#doNow(what, run));
    this.#done = done;
    return done;
  }

  async #doNow(what, run) {
    const { oracle } = this.#world;
    const { life } = this;
    const end = oracle.begin(`${what} of ${this.name}`, OP_MS);
    this.#swapped = false;
    this.#refused = false;
    try {
      await run();
      if (this.#swapped && life === this.life && what !== "order" && what !== "ticket")
        this.#violate("an answer is its call's own", what);
      await this.#checkTickets();
      return undefined;
    } catch (error) {
      this.#world.trace("failed", this.name, what, error.name, error.reason ?? error.codeName, error.message);
      if (error.name !== "KrbError" && error.name !== "RpcError")
        this.#violate("a call fails with a refusal or a status", error.stack);
      return error;
    } finally {
      end();
    }
  }

  /** No ticket outlives the TGT that it was got with. */
  async #checkTickets() {
    const login = await this.client.cached();
    const tgt = login?.credentials.find(({ server }) => server === KRBTGT);
    for (const { server, endtime } of login?.credentials ?? [])
      if (tgt !== undefined && endtime > tgt.endtime) this.#violate("no ticket outlives its login", server);
  }

  #noteKey(name) {
    return `note:${this.name}\0${name}`;
  }

  #violate(invariant, details) {
    this.#world.oracle.violate(invariant, { of: this.name, details });
  }
}
