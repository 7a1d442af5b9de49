/** Where a server may listen: weak encryption types stay on loopback unless the operator insists. */
import { isIPv6 } from "node:net";
import { ReadableError } from "../errors/readable-error.js";
import { weakEtypes } from "../protocol/etypes.js";
import { isLoopback } from "../rpc/network-address.js";

/** A server can't listen where it was told to; the text says why and what to do. */
export class ListenError extends ReadableError {
  override readonly name = "ListenError";
}

/**
 * Checks that no weak encryption type (RFC 6649) would leave loopback.
 * @throws ListenError naming the weak types and the ways out.
 */
export function checkWeakCrypto(
  host: string,
  permittedEtypes: readonly number[],
  allowWeakCrypto: boolean,
): void {
  const weak = weakEtypes(permittedEtypes);
  if (weak.length === 0 || allowWeakCrypto || isLoopback(host)) return;
  const names = weak.map(({ name }) => name).join(", ");
  throw new ListenError(
    `this realm permits weak encryption (${names}), so it does not listen on ${host}: ` +
      "use the standard profile, listen on 127.0.0.1, or insist with --allow-weak-crypto",
  );
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The error for a failed bind, in one line. */
export function listenError(host: string, port: number, cause: unknown): ListenError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const at = hostPort(host, port);
  if (text.includes("EADDRINUSE"))
    return new ListenError(`${at} is in use: another server listens there; stop it or choose another port`);
  if (text.includes("EACCES")) return new ListenError(`${at}: not permitted; choose a port above 1023`);
  if (text.includes("EADDRNOTAVAIL") || text.includes("ENOTFOUND"))
    return new ListenError(`${at}: this machine has no such address`);
  return new ListenError(`${at}: ${text}`);
}
