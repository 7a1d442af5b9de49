/**
 * The proxy that grpc-js goes through on its own, by the environment of the process: `grpc_proxy`,
 * `https_proxy` or `http_proxy`, the first that is set, in lower case alone, whether or not the channel has
 * TLS; and the hosts that `no_grpc_proxy` or, where that is not set, `no_proxy` exempts. What grpc-js does
 * with them is said here once more, for nothing but messages.
 */
import { BlockList, isIPv4 } from "node:net";
import { hostOf } from "./network-address.js";

const VARIABLES = ["grpc_proxy", "https_proxy", "http_proxy"] as const;
const EXEMPTIONS = ["no_grpc_proxy", "no_proxy"] as const;
/** A target of grpc-js with a scheme of its own. */
const TARGET = /^(dns|ipv4|ipv6):(?:\/\/[^/]*\/)?(.+)$/;

/** The variables of an environment, by name. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** A proxy on the way to an address. */
export interface HttpProxy {
  /** The variable and its value, without a user's name and password: `http_proxy=http://proxy.test:3128`. */
  readonly setting: string;
  /** What has calls to the address go directly. */
  readonly remedy: string;
}

/**
 * The proxy that grpc-js takes to an address, `host:port` or a target of its own; undefined: it goes
 * directly.
 */
export function httpProxyFor(address: string, env: ProxyEnvironment = process.env): HttpProxy | undefined {
  const variable = VARIABLES.find((name) => env[name]);
  const url = variable === undefined ? undefined : parsed(env[variable]!);
  if (variable === undefined || url?.protocol !== "http:" || address.startsWith("unix:")) return undefined;
  const host = hostOf(TARGET.exec(address)?.[2] ?? address);
  const exemption = EXEMPTIONS.find((name) => env[name]);
  const exempt = exemption === undefined ? [] : env[exemption]!.split(",");
  if (exempt.some((entry) => matches(host, entry))) return undefined;
  return {
    setting: `${variable}=http://${url.host}`,
    remedy: exemption === undefined ? `set no_proxy=${host}` : `add ${host} to ${exemption}`,
  };
}

/** A host's name is matched by its end, with or without a dot before it; an IPv4 address by a network too. */
function matches(host: string, entry: string): boolean {
  const [network = "", bits = "", ...more] = entry.split("/");
  const prefix = Number.parseInt(bits, 10);
  if (more.length === 0 && isIPv4(network) && isIPv4(host) && prefix >= 0 && prefix <= 32) {
    const list = new BlockList();
    list.addSubnet(network, prefix);
    if (list.check(host)) return true;
  }
  return host.endsWith(entry);
}

function parsed(value: string): URL | undefined {
  try {
    return new URL(value);
  } catch {
    return undefined;
  }
}
