/** One connection of a server, the peer whose it is, and what a call of it holds in memory. */
import type { Socket } from "node:net";
import { Chain, type Link } from "../../collections/chain.js";
import type { Wait } from "../timeouts.js";
import type { Visitor } from "./visitor.js";

/** Whoever has one share. */
export class Peer {
  readonly key: string;
  /** Whether it has a share: otherwise only the bounds in all hold for it. */
  readonly hasShare: boolean;
  connections = 0;
  /** Calls that are open. */
  calls = 0;
  /** Bytes that its calls hold. */
  bytes = 0;
  /** Connections without a call, the one that has been so for longest first. */
  readonly idle = new Chain<Connection>();
  /** What its calls hold whose replies wait to be read, the one that has waited for longest first. */
  readonly unread = new Chain<Holding>();
  /** Its place among the peers with such calls. */
  unreadPeer: Link<Peer> | undefined;

  constructor(key: string, hasShare: boolean) {
    this.key = key;
    this.hasShare = hasShare;
  }
}

/** What one call holds. */
export class Holding {
  readonly peer: Peer;
  /** Bytes of its request. */
  request = 0;
  /** Bytes of its replies that are not read. */
  reply = 0;
  /** Its place among those of its peer whose replies wait. */
  unread: Link<Holding> | undefined;
  /** Whether the call has ended: it holds nothing from then on. */
  isOver = false;
  /** Ends the call, and its replies with it. */
  readonly throwAway: () => void;

  constructor(peer: Peer, throwAway: () => void) {
    this.peer = peer;
    this.throwAway = throwAway;
  }
}

/** A connection that was let in. */
export class Connection {
  readonly socket: Socket;
  readonly peer: Peer;
  /** Told when its HTTP/2 begins. */
  onBegun: (() => void) | undefined;
  /** Its wait for the first settings. */
  opening: Wait<Connection> | undefined;
  /** Calls that are open. */
  calls = 0;
  /** Whether a call has come since somebody last looked. */
  hasCalled = false;
  /** Calls that are open beyond the limits. */
  uncounted = 0;
  /** Its place among those of its peer without a call. */
  idle: Link<Connection> | undefined;
  /** How it is read, once its HTTP/2 has begun. */
  visitor: Link<Visitor> | undefined;
  /** Whether it is among those that are open. */
  isOpen = true;

  constructor(socket: Socket, peer: Peer) {
    this.socket = socket;
    this.peer = peer;
  }
}
