/**
 * The hosts under which a service may be called: a proof is bound to one of them. So a proxy that rewrites
 * `:authority` or strips its port does no harm, and a man in the middle at another name, who passes
 * `:authority` on as it came, is refused.
 */
import { isIPv6 } from "node:net";
import { componentsOf, type Principal } from "../../protocol/principal.js";
import { boundHost } from "../../rpc/authority.js";
import { isLoopback } from "../../rpc/network-address.js";

/** The most names a service may be given. */
const MAX_NAMES = 16;
/** Authorities whose candidates are remembered: callers choose what they send. */
const MAX_REMEMBERED = 256;

const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "::1"];
/** A DNS name or an IPv4 address; IPv6 addresses have their own test. */
const HOST = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/;

/** A service's own names. */
export class OwnNames {
  readonly #given: readonly string[] | undefined;
  /** By authority, of peers elsewhere and of peers here; of one service. */
  readonly #elsewhere = new Map<string, readonly string[]>();
  readonly #here = new Map<string, readonly string[]>();
  #service: Principal | undefined;

  /**
   * @param given hosts, without port; undefined: the instance of the service's principal.
   * @throws TypeError for what is no host, or for more than 16.
   */
  constructor(given: readonly string[] | undefined) {
    if (given === undefined) return;
    if (!Array.isArray(given) || given.length > MAX_NAMES)
      throw new TypeError(`authorities: expected a list of at most ${MAX_NAMES} hosts`);
    this.#given = given.map(readHost);
  }

  /**
   * The hosts that a proof may be bound to: the service's own, the received one first if it is among them.
   * @param authority the `:authority` as received.
   * @param here whether the peer is on this machine: it may use loopback's names too.
   */
  candidates(authority: string, service: Principal, here: boolean): readonly string[] {
    if (service !== this.#service) {
      this.#elsewhere.clear();
      this.#here.clear();
      this.#service = service;
    }
    const remembered = here ? this.#here : this.#elsewhere;
    let found = remembered.get(authority);
    if (found === undefined) {
      found = this.#find(boundHost(authority), service, here);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(authority, found);
    }
    return found;
  }

  #find(host: string, service: Principal, here: boolean): readonly string[] {
    const own = this.#given ?? instanceOf(service);
    const names = here ? [...new Set([...own, ...LOOPBACK_NAMES])] : own;
    if (names.includes(host)) return [host, ...names.filter((name) => name !== host)];
    return here && isLoopback(host) ? [host, ...names] : names;
  }
}

function readHost(text: string): string {
  const host = typeof text === "string" ? boundHost(text) : "";
  if (host === String(text).toLowerCase() && (HOST.test(host) || isIPv6(host))) return host;
  throw new TypeError(`authorities: expected a host without scheme or port, got ${JSON.stringify(text)}`);
}

/** Whether a service's principal names the host under which it is called. */
export function namesHost(service: Principal): boolean {
  return instanceOf(service).length > 0;
}

/** `orders/api.example.test@REALM` is the service at `api.example.test`. */
function instanceOf(service: Principal): readonly string[] {
  const [, instance] = componentsOf(service);
  return instance === undefined ? [] : [instance.toLowerCase()];
}
