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

/**
 * The network that a call's peer counts as, in grpc-js's word for the peer: an IPv4 address by itself, an
 * IPv6 address as its /64, which one host can have all of; whatever else there is as it is.
 */
export function peerNetwork(peer: string): string {
  const address = peerAddress(peer) ?? peer;
  return isIPv6(address) ? `${leadingGroups(address).join(":")}::/64` : address;
}

/** The first four groups of an IPv6 address. */
function leadingGroups(address: string): string[] {
  const [before = "", after] = address.split("::");
  const groups = before === "" ? [] : before.split(":");
  const behind = after === undefined || after === "" ? [] : after.split(":");
  // An IPv4 address at the end stands for two groups.
  const missing = 8 - groups.length - behind.length - (address.includes(".") ? 1 : 0);
  const whole = after === undefined ? groups : [...groups, ...Array<string>(missing).fill("0"), ...behind];
  return whole.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
}

/** The address of a socket; an IPv4 address as such, where the socket is for IPv6 too. */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED) && address.includes(".") ? address.slice(MAPPED.length) : address;
}
