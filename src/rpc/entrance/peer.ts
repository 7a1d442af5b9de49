/** One peer of a server, and what it has open. */
import type { Connection } from "./connections.js";

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
