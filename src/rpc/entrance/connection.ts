/** One connection of a server, the peer whose it is, and what a call of it holds in memory. */
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

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
  readonly idle = new Set<Connection>();
  /** What its calls hold whose replies wait to be read, the one that has waited for longest first. */
  readonly unread = new Set<Holding>();

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
  /** Undefined before its HTTP/2 begins. */
  session: ServerHttp2Session | undefined;
  /** Told when its HTTP/2 begins. */
  onBegun: (() => void) | undefined;
  /** Calls that are open. */
  calls = 0;
  /** Calls that are open beyond the limits. */
  uncounted = 0;
  /** Whether it is among those that are open. */
  isOpen = true;

  constructor(socket: Socket, peer: Peer) {
    this.socket = socket;
    this.peer = peer;
  }
}
