/** Addresses as sockets, peers and channel targets spell them, and which of them are this machine's own. */
import { BlockList, isIPv4, isIPv6 } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** A target of grpc-js: `scheme:path` or `scheme://authority/path`. */
const TARGET = /^([^:/]+):(?:\/\/([^/]*)\/)?(.+)$/;

/** An IPv4 address that a socket for IPv6 too gives as `::ffff:192.0.2.1`. */
const MAPPED = "::ffff:";

/**
 * Whether an address or host name, without brackets or port, means this machine alone: 127.0.0.0/8 and ::1 in
 * every spelling, and `localhost`. No other name counts, wherever it may lead.
 */
export function isLoopback(host: string): boolean {
  // Asked at each guarded call: the usual spellings are told by their text.
  if (isIPv4(host)) return host.startsWith("127.");
  if (host === "::1" || host.toLowerCase() === "localhost") return true;
  return isIPv6(host) && LOOPBACK.check(host, "ipv6");
}

/**
 * Whether a channel's target, with the scheme that grpc-js gives it, leads to this machine alone; unknown
 * schemes don't.
 */
export function isLoopbackTarget(target: string): boolean {
  const [, scheme, authority = "", path = ""] = TARGET.exec(target) ?? [];
  if (scheme === "unix") return true;
  if (scheme === "ipv4" || scheme === "ipv6") return path.split(",").every((one) => isLoopback(hostOf(one)));
  // With an authority, that name server says what `localhost` means.
  return scheme === "dns" && authority === "" && isLoopback(hostOf(path));
}

/**
 * Whether an address as a client is given it, `host:port` or a target of grpc-js, leads to this machine
 * alone.
 */
export function isLoopbackAddress(address: string): boolean {
  return isLoopback(hostOf(address)) || isLoopbackTarget(address);
}

/** The host of `host:port`, `[address]:port`, or either without a port; an address loses its brackets. */
export function hostOf(address: string): string {
  if (address.startsWith("[")) return address.slice(1, address.indexOf("]"));
  const colon = address.indexOf(":");
  // Several colons: a bare IPv6 address.
  return colon < 0 || colon !== address.lastIndexOf(":") ? address : address.slice(0, colon);
}

/**
 * The address in grpc-js's word for a call's peer, `address:port` without brackets; undefined where it knows
 * none.
 */
export function peerAddress(peer: string): string | undefined {
  const colon = peer.lastIndexOf(":");
  return colon < 0 ? undefined : plainAddress(peer.slice(0, colon));
}

/** The address of a socket; an IPv4 address as such, where the socket is for IPv6 too. */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED) && address.includes(".") ? address.slice(MAPPED.length) : address;
}
