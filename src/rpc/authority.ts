/**
 * The authority of a call, `:authority`, as proofs are bound to it (guard.proto, `CallBinding.authority`).
 */
import { hostOf } from "./network-address.js";

/** What a Unix socket's `:authority` says in every library, or means. */
const LOCALHOST = "localhost";

/**
 * The host that a call is bound to: in lower case, without a port, an IPv6 address without its brackets.
 * Nothing, or a path as some libraries write it for a Unix socket, is `localhost`.
 */
export function boundHost(authority: string): string {
  if (authority === "" || authority.startsWith("/") || /%2f/i.test(authority)) return LOCALHOST;
  return hostOf(authority).toLowerCase();
}
