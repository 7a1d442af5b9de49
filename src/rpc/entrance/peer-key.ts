/** Who counts as one peer at the door: an IPv4 address, or the network that one IPv6 host is given. */
import { isIPv6 } from "node:net";
import { plainAddress } from "../network-address.js";

/** Addresses of a link (RFC 4291 §2.5.6), where neighbours share the first 64 bits. */
const LINK_LOCAL = /^fe[89ab]/i;

/**
 * What all addresses of one peer have in common: an IPv4 address, mapped to IPv6 or not, itself; an IPv6
 * address its first 64 bits, since one host may choose the others as it likes (RFC 4862 §5.5.3).
 */
export function peerKey(address: string): string {
  // An IPv4 address, as most are.
  if (!address.includes(":")) return address;
  const plain = plainAddress(address.toLowerCase());
  if (!isIPv6(plain) || LINK_LOCAL.test(plain)) return plain;
  const [before = "", after] = plain.split("::");
  const head = groups(before);
  const tail = groups(after ?? "");
  const zeros = Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0);
  const network = [...head, ...zeros, ...tail].slice(0, 4);
  return `${network.map((group) => group.toString(16)).join(":")}::/64`;
}

/** The numbers of `2001:db8:0`. The last two may be an IPv4 address, which lies beyond the network. */
function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => (group.includes(".") ? [0, 0] : [Number.parseInt(group, 16)]));
}
