/**
 * The connections and calls that are open, and whose they are.
 *
 * Invariants. There are never more than the limits say, but for one call on each connection. Where
 * connections are full, a newcomer takes the place of the connection that has been without a call for
 * longest: of its own peer where that has its share, and else of the peer that has most, if that keeps more
 * than the newcomer gets, or of its own. No connection with a call is closed for another.
 */
import type { Socket } from "node:net";
import { Connection, Peer } from "./connection.js";
import type { Limits } from "./limits.js";

/** Connections and their calls, within limits. */
export class Connections {
  readonly #limits: Limits;
  readonly #peers = new Map<string, Peer>();
  #size = 0;
  #calls = 0;
  #shareless = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** How many calls are open. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * Lets a connection in, or not.
   * @param key its peer; undefined where it has no share.
   * @param onClose told of the connection that makes room for it, which is forgotten.
   * @returns undefined where there is no room.
   */
  add(
    socket: Socket,
    key: string | undefined,
    onClose: (connection: Connection) => void,
  ): Connection | undefined {
    const { connections, connectionsPerPeer } = this.#limits;
    const known = key === undefined ? undefined : this.#peers.get(key);
    const peer = known ?? new Peer(key ?? `#${++this.#shareless}`, key !== undefined);
    const hasItsShare = peer.hasShare && peer.connections >= connectionsPerPeer;
    if (hasItsShare || this.size >= connections) {
      const giving = hasItsShare ? peer : (this.#largestBeyond(peer.connections + 1) ?? peer);
      const leaving = giving.idle.first?.member;
      if (leaving === undefined) return undefined;
      this.remove(leaving);
      onClose(leaving);
    }
    const connection = new Connection(socket, peer);
    this.#peers.set(peer.key, peer);
    this.#size++;
    peer.connections++;
    connection.idle = peer.idle.add(connection);
    return connection;
  }

  /** Forgets a connection; nothing happens where that was done already. Its calls end by themselves. */
  remove(connection: Connection): void {
    if (!connection.isOpen) return;
    const { peer } = connection;
    connection.isOpen = false;
    this.#size--;
    peer.idle.remove(connection.idle);
    peer.connections--;
    this.#forgetIfGone(peer);
  }

  /** Counts a call that begins; false where there is no room for it. */
  beginCall(connection: Connection): boolean {
    const { peer } = connection;
    const { calls, callsPerPeer } = this.#limits;
    // One call in any case: others behind the same address may have taken the share.
    const hasItsShare = peer.hasShare && peer.calls >= callsPerPeer && connection.calls > 0;
    if (this.#calls >= calls || hasItsShare) return false;
    this.#calls++;
    peer.calls++;
    if (connection.calls++ === 0) peer.idle.remove(connection.idle);
    return true;
  }

  /** Counts a call that has ended. */
  endCall(connection: Connection): void {
    const { peer } = connection;
    this.#calls--;
    peer.calls--;
    if (--connection.calls > 0) return;
    if (connection.isOpen) connection.idle = peer.idle.add(connection);
    else this.#forgetIfGone(peer);
  }

  #forgetIfGone(peer: Peer): void {
    if (peer.connections === 0 && peer.calls === 0) this.#peers.delete(peer.key);
  }

  #largestBeyond(count: number): Peer | undefined {
    let largest: Peer | undefined;
    for (const peer of this.#peers.values())
      if (peer.idle.size > 0 && peer.connections > (largest?.connections ?? count)) largest = peer;
    return largest;
  }
}
