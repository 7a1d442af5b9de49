/**
 * Ports and addresses of servers, as a person types them. Each throws UsageError, whose text begins with
 * `label`: the option, the variable or the key that the value was given to.
 */
import { DEFAULT_HOST } from "../../rpc/default-addresses.js";
import { UsageError } from "../frame/command.js";
import type { PageAddress } from "../serving/metrics-page.js";

/** A port to listen on; 0: any free one. */
export function portNumber(text: string, label: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new UsageError(`${label}: expected a port from 0 to 65535`);
  return port;
}

/** Where a page is shown: a port of this machine's own address, or `HOST:PORT`. */
export function pageAddress(text: string, label: string): PageAddress {
  const [, bracketed, plain, port] = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new UsageError(`${label}: expected a port, or HOST:PORT`);
  return { host: bracketed ?? plain ?? DEFAULT_HOST, port: Number(port) };
}
