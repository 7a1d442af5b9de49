// The two KDCs behind one face: AS and TGS exchanges of numbered users, and the CPU that they cost the
// server.
import { RawConnection } from "../guard/raw-calls.mjs";
import { REALM, SERVICES, serviceName, userName } from "./filled-realm.mjs";
import * as mit from "./mit-messages.mjs";
import { cpuOf } from "./processes.mjs";
import * as ours from "./tessera-messages.mjs";
import { UdpConnection } from "./udp-calls.mjs";

const IN_FLIGHT = 32;
const TRIES = 10;

/** What one run came to. CPU in microseconds a request. */
async function measured(pids, count, work) {
  const before = cpuOf(pids);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  return { cpu: (cpuOf(pids) - before) / count, perSecond: count / seconds };
}

/** Connections that stand; on a busy machine the server may have given one up before it was used. */
async function openAll(address, path, count) {
  for (let tries = 0; ; tries++) {
    const connections = await Promise.all(
      Array.from({ length: count }, () => RawConnection.open(address, path)),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const failed = connections.find(({ failure }) => failure !== undefined);
    if (failed === undefined) return connections;
    for (const connection of connections) connection.close();
    if (tries === 5) throw failed.failure;
  }
}

/**
 * Runs once more, with new requests, where the server has turned some away: it takes what saturates a busy
 * machine for an overload, and ends connections.
 */
async function again(run) {
  for (let tries = 1; ; tries++)
    try {
      return await run();
    } catch (error) {
      if (tries === TRIES) throw error;
    }
}

/** Our KDC, over so many connections: new ones for each run, since the server ends those that are idle. */
export class TesseraSide {
  constructor({ addresses, pids }, connections) {
    this.addresses = addresses;
    this.pids = pids;
    this.connections = connections;
  }

  /** Logins of these users. @returns what they cost, and their TGTs if they are asked for. */
  logIn(users, { keep = false } = {}) {
    return again(() => this.#logIn(users, keep));
  }

  /** A ticket for each of these TGTs. @param service which of the services, by the TGT's place */
  getTickets(tgts, service = (i) => i % SERVICES) {
    return again(() => this.#getTickets(tgts, service));
  }

  async #logIn(users, keep) {
    const requests = users.map(ours.asReq);
    const messages = requests.map(({ bytes }) => bytes);
    const { cost, replies } = await this.#send(this.addresses.as, ours.AS_PATH, messages, keep);
    return { cost, tgts: replies.map((bytes, i) => ours.openReply(bytes, requests[i])) };
  }

  async #getTickets(tgts, service) {
    const requests = tgts.map((tgt, i) => ours.tgsReq(tgt, serviceName(service(i))));
    return (await this.#send(this.addresses.tgs, ours.TGS_PATH, requests, false)).cost;
  }

  async #send(address, path, requests, keep) {
    const connections = await openAll(address, path, Math.min(this.connections, requests.length));
    const inFlight = IN_FLIGHT / this.connections;
    const replies = [];
    const shares = connections.map((connection, c) => {
      const places = requests.flatMap((_, i) => (i % connections.length === c ? [i] : []));
      const calls = places.map((i) => connection.makeCall(requests[i], {}));
      const placeOf = new Map(calls.map(({ stream }, n) => [stream, places[n]]));
      const take = (stream, bytes) => {
        const i = placeOf.get(stream);
        replies[i] = replies[i] === undefined ? Buffer.from(bytes) : Buffer.concat([replies[i], bytes]);
      };
      return { connection, calls, take: keep ? take : undefined };
    });
    try {
      const cost = await measured(this.pids, requests.length, () =>
        Promise.all(shares.map(({ connection, calls, take }) => connection.send(calls, inFlight, take))),
      );
      return { cost, replies };
    } finally {
      for (const connection of connections) connection.close();
    }
  }
}

/** MIT's KDC, by UDP: over TCP it takes a new connection for each request. */
export class MitSide {
  constructor({ pid, key, port }) {
    this.pids = [pid];
    this.key = key;
    this.port = port;
  }

  async logIn(users, { keep = false } = {}) {
    const now = Date.now();
    const replies = [];
    const requests = users.map((i) => mit.asReq(userName(i), REALM, this.key, now));
    const cost = await this.#send(requests, (bytes) => keep && replies.push(bytes));
    return { cost, tgts: replies.map((bytes) => mit.openReply(bytes, this.key)) };
  }

  async getTickets(tgts, service = (i) => i % SERVICES) {
    const now = Date.now();
    return this.#send(
      tgts.map((tgt, i) => mit.tgsReq(tgt, serviceName(service(i)), now)),
      () => {},
    );
  }

  async #send(requests, onReply) {
    const connection = await UdpConnection.open(this.port);
    const cost = await measured(this.pids, requests.length, () =>
      connection.send(requests, IN_FLIGHT, (bytes) => {
        mit.checkReply(bytes);
        onReply(bytes);
      }),
    );
    connection.close();
    return cost;
  }
}
