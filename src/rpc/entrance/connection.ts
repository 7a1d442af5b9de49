/** One connection of a server, and the peer whose it is. */
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

  constructor(key: string, hasShare: boolean) {
    this.key = key;
    this.hasShare = hasShare;
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
