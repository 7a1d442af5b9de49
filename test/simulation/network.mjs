/**
 * Between the nodes: requests and answers as bytes and metadata, which may come late, never, twice, in
 * another order, at another node, or after somebody kept them; and answers that were made for another
 * request.
 *
 * A node has a `name`, an `address` and `receive(request)`, which resolves to an answer, or to undefined
 * where nobody is there any more to give one.
 */
import { Metadata, status } from "@grpc/grpc-js";

/** No fault at all; each is a probability, `slow` apart. */
export const CALM = {
  lose: 0,
  repeat: 0,
  late: 0,
  swap: 0,
  stray: 0,
  /** The longest that anything takes on its way, in milliseconds. */
  slow: 20,
};

/** How many requests and answers an attacker keeps, and how many of the latest. */
const KEPT = 400;
const LATEST = 24;
/** The longest that a late request takes, in milliseconds. */
const LATE_MS = 20 * 60_000;

export class Network {
  faults = CALM;
  /** How many requests clients have sent. */
  sent = 0;
  #scheduler;
  #random;
  #trace;
  #oracle;
  #nodes = new Map();
  /** Nodes cut off from the others. */
  #cut = new Set();
  /** What an attacker has kept. */
  #requests = [];
  #latest = [];
  #answers = [];

  constructor({ scheduler, random, trace, oracle }) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#trace = trace;
    this.#oracle = oracle;
  }

  add(node) {
    this.#nodes.set(node.address, node);
  }

  cut(node) {
    this.#cut.add(node);
  }

  heal() {
    this.#cut.clear();
    this.faults = CALM;
  }

  /**
   * Sends a client's request and waits for the answer.
   * @param request `from` (the client's node), `to` (an address), `method`, `bytes`, `metadata`, `authority`,
   *   `deadline`; `encrypted`: whether it goes over TLS; `made`: whether the client made it by the true time.
   * @returns an answer: `headers`, `response`, `trailers`, or a `status`. Rejects with a status at its
   *   deadline.
   */
  call(request) {
    this.sent++;
    const { from, to, method, deadline } = request;
    const sent = { ...request, number: this.sent, sentAt: this.#scheduler.now };
    this.#trace("call", sent.number, from.name, to, method);
    this.#travels(request.bytes, request.metadata);
    return new Promise((resolve, reject) => {
      let isOver = false;
      const settle = (answer, isSwapped) => {
        if (isOver) return;
        isOver = true;
        timeout.cancel();
        const { status: ended, response, headers, trailers } = answer;
        this.#trace("answer", sent.number, ended?.code ?? 0, ended?.details ?? "");
        this.#travels(response, headers, ended?.metadata ?? trailers);
        resolve({ ...copyOf(answer), isSwapped });
      };
      const timeout = this.#scheduler.after(Math.max(0, Number(deadline) - this.#scheduler.now), () => {
        isOver = true;
        this.#trace("timeout", sent.number);
        reject(statusOf(status.DEADLINE_EXCEEDED, "no answer in time"));
      });
      this.#carry(sent, this.#nodes.get(to), settle);
      // What goes over TLS nobody can keep, and send again.
      if (request.encrypted) return;
      this.#keep(this.#requests, sent);
      this.#latest.push(sent);
      if (this.#latest.length > LATEST) this.#latest.shift();
      const more = this.#random.chance(this.faults.repeat) ? this.#random.between(1, 2) : 0;
      for (let copy = 0; copy < more; copy++) this.#carry(sent, this.#nodes.get(to), settle);
      if (this.#random.chance(this.faults.stray)) this.#carry(sent, this.#elsewhere(to), () => {});
    });
  }

  /** An attacker sends something once more that went by, lately or ever. */
  replay({ isLate = this.#random.chance(0.7) } = {}) {
    const kept = isLate ? this.#requests : this.#latest;
    if (kept.length === 0) return;
    const request = this.#random.pick(kept);
    const to = this.#random.chance(0.8) ? this.#nodes.get(request.to) : this.#elsewhere(request.to);
    this.#trace("replay", request.number, to?.name);
    this.#carry(request, to, () => {});
  }

  #carry(request, to, settle) {
    const { lose, swap } = this.faults;
    if (to === undefined || this.#random.chance(lose)) return;
    this.#scheduler.after(this.#delay(), async () => {
      if (this.#isCut(request.from, to)) return;
      const arrived = { ...request, metadata: request.metadata.clone() };
      this.#trace("arrives", request.number, to.name);
      const answer = await to.receive(arrived);
      if (answer === undefined) return;
      this.#oracle.answered(request, to, answer);
      const isOpen = !request.encrypted;
      const swapped = isOpen && this.#random.chance(swap) ? this.#answerFor(request) : undefined;
      if (isOpen) this.#keep(this.#answers, { request, answer });
      if (this.#random.chance(lose)) return;
      this.#scheduler.after(this.#delay(), () => {
        if (this.#isCut(request.from, to)) return;
        if (swapped === undefined) settle(answer, false);
        else settle(swapped, true);
      });
    });
  }

  /** An answer to another request of the same client and method. */
  #answerFor({ from, method, number }) {
    const fitting = this.#answers.filter(
      ({ request, answer }) =>
        request.from === from &&
        request.method === method &&
        request.number !== number &&
        !answer.status?.code,
    );
    return fitting.length === 0 ? undefined : this.#random.pick(fitting).answer;
  }

  /** Another node of the same kind. */
  #elsewhere(address) {
    const { kind } = this.#nodes.get(address) ?? {};
    const others = [...this.#nodes.values()].filter((node) => node.kind === kind && node.address !== address);
    return others.length === 0 ? undefined : this.#random.pick(others);
  }

  #travels(bytes, ...metadata) {
    if (bytes !== undefined) this.#trace.bytes(bytes);
    for (const part of metadata) if (part !== undefined) this.#trace.bytes(JSON.stringify(part.getMap()));
  }

  #isCut(a, b) {
    return this.#cut.has(a) !== this.#cut.has(b);
  }

  #delay() {
    const { late, slow } = this.faults;
    return this.#random.chance(late) ? this.#random.between(0, LATE_MS) : this.#random.between(1, slow);
  }

  #keep(list, what) {
    if (list.length < KEPT) list.push(what);
    else list[this.#random.between(0, KEPT - 1)] = what;
  }
}

/** A status as a transport rejects with it. */
export function statusOf(code, details) {
  return { code, details, metadata: new Metadata() };
}

function copyOf({ headers, response, trailers, status: ended }) {
  return {
    headers: headers?.clone(),
    response,
    trailers: trailers?.clone(),
    status: ended && { ...ended, metadata: ended.metadata?.clone() ?? new Metadata() },
  };
}
