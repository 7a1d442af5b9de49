/** A call as a guard is told of it: text, bytes and a certificate, and no socket. */
import type { PeerCertificate } from "node:tls";
import type { CallShape } from "../../protocol/call-binding.js";
import { isLoopback } from "../../rpc/network-address.js";

/** Who calls, as far as the connection says. */
export interface Peer {
  /** The client's network address, an IPv4 address as such; undefined where it has none. */
  readonly peerAddress: string | undefined;
  /** Whether it came over a Unix socket, and so from this machine. */
  readonly unixSocket?: boolean;
  /** Whether the connection is encrypted. */
  readonly secure?: boolean;
  /** The certificate that the client connected with, verified by TLS. */
  readonly certificate?: PeerCertificate | undefined;
}

/** A call as it was received. */
export interface ReceivedCall extends CallShape {
  /** `/package.Service/Method`. */
  readonly method: string;
  /** The HTTP/2 `:authority`. */
  readonly authority: string;
  /** SHA-256 of the single request as it travelled; undefined where requests are a stream. */
  readonly requestSha256: Uint8Array | undefined;
  /** Whether the method may run twice: its service says so. */
  readonly idempotent?: boolean;
}

/** Whether a peer is on this machine. */
export function isHere({ peerAddress, unixSocket }: Peer): boolean {
  return unixSocket === true || (peerAddress !== undefined && isLoopback(peerAddress));
}
