/**
 * The bytes that calls hold in the server's memory: of requests until their calls end, of replies until their
 * clients read them.
 *
 * Invariants. There are never more than the limits say. Where a call needs more than is left, the replies
 * that have waited for longest are thrown away for it: those of its own peer where that has its share, and
 * else those of the peer that holds most. Where there are none, the call is refused.
 */

import { Chain } from "../../collections/chain.js";
import type { Holding, Peer } from "./connection.js";
import type { Limits } from "./limits.js";

/** Bytes of all calls, within limits. */
export class HeldBytes {
  readonly #limits: Pick<Limits, "bytes" | "bytesPerPeer">;
  /** Peers with replies that wait to be read. */
  readonly #unread = new Chain<Peer>();
  #size = 0;

  constructor(limits: Pick<Limits, "bytes" | "bytesPerPeer">) {
    this.#limits = limits;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Says how many bytes of its request a call holds; false where there is no room for them. */
  holdRequest(holding: Holding, bytes: number): boolean {
    if (holding.isOver) return true;
    if (!this.#makeRoom(holding, bytes - holding.request)) return false;
    this.#add(holding, bytes - holding.request);
    holding.request = bytes;
    return true;
  }

  /** Says how many bytes of a call's replies are not read; false where there is no room for them. */
  holdReply(holding: Holding, bytes: number): boolean {
    if (holding.isOver || bytes === holding.reply) return true;
    if (!this.#makeRoom(holding, bytes - holding.reply)) return false;
    this.#add(holding, bytes - holding.reply);
    holding.reply = bytes;
    if (bytes === 0) this.#forgetUnread(holding);
    else {
      const { peer } = holding;
      if (!holding.unread?.isIn) holding.unread = peer.unread.add(holding);
      if (!peer.unreadPeer?.isIn) peer.unreadPeer = this.#unread.add(peer);
    }
    return true;
  }

  /** A call has ended: it holds nothing any more. */
  end(holding: Holding): void {
    if (holding.isOver) return;
    holding.isOver = true;
    this.#add(holding, -holding.request - holding.reply);
    if (holding.reply > 0) this.#forgetUnread(holding);
    holding.request = 0;
    holding.reply = 0;
  }

  #add({ peer }: Holding, bytes: number): void {
    this.#size += bytes;
    peer.bytes += bytes;
  }

  #makeRoom(holding: Holding, bytes: number): boolean {
    if (bytes <= 0) return true;
    const { peer } = holding;
    while (peer.hasShare && peer.bytes + bytes > this.#limits.bytesPerPeer)
      if (!this.#throwAwayOf(peer, holding)) return false;
    while (this.#size + bytes > this.#limits.bytes)
      if (!this.#throwAwayOf(this.#largest(), holding)) return false;
    return true;
  }

  /** Throws the oldest of a peer's replies away, but not the one that room is made for. */
  #throwAwayOf(peer: Peer | undefined, but: Holding): boolean {
    for (const holding of peer?.unread ?? []) {
      if (holding === but) continue;
      this.end(holding);
      holding.throwAway();
      return true;
    }
    return false;
  }

  /** Who holds most of those with replies that wait. */
  #largest(): Peer | undefined {
    let largest: Peer | undefined;
    for (const peer of this.#unread) if (peer.bytes > (largest?.bytes ?? 0)) largest = peer;
    return largest;
  }

  #forgetUnread(holding: Holding): void {
    const { peer } = holding;
    peer.unread.remove(holding.unread);
    if (peer.unread.size === 0) this.#unread.remove(peer.unreadPeer);
  }
}
