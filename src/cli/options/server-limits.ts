/** How much a server lets in, as a person types it: in all, and of one peer behind a slash. */
import { isIP } from "node:net";
import { visible } from "../../errors/visible-text.js";
import type { ServerLimits } from "../../rpc/entrance/limits.js";
import { UsageError } from "../frame/command.js";
import { bytesOf } from "./sizes.js";

/** What may be typed. */
export interface LimitOptions {
  readonly "max-connections": string | undefined;
  readonly "max-calls": string | undefined;
  readonly "max-bytes": string | undefined;
  readonly "trusted-proxy": readonly string[];
}

/** The least bytes that let a whole message in … */
const LEAST_BYTES = 16 * 1024;
/** … and the most that can be meant. */
const MOST_BYTES = 64 * 1024 ** 3;

/**
 * The limits that the options stand for.
 * @throws UsageError naming the option that is wrong.
 */
export function limitsOf(options: LimitOptions): ServerLimits {
  const { "trusted-proxy": proxies } = options;
  const [connections, connectionsPerPeer] = countsOf(options["max-connections"], "--max-connections");
  const [calls, callsPerPeer] = countsOf(options["max-calls"], "--max-calls");
  const [bytes, bytesPerPeer] = sizesOf(options["max-bytes"], "--max-bytes");
  for (const address of proxies) ipAddress(address, "--trusted-proxy");
  return { connections, connectionsPerPeer, calls, callsPerPeer, bytes, bytesPerPeer, proxies };
}

/** The address of a peer. Throws UsageError, whose text begins with `label`. */
export function ipAddress(text: string, label: string): string {
  if (isIP(text) === 0) throw new UsageError(`${label}: expected an IP address, got ${visible(text)}`);
  return text;
}

/** How many there may be in all, and of one peer. Throws as `ipAddress`. */
export function countsOf(text: string | undefined, option: string): (number | undefined)[] {
  if (text === undefined) return [];
  const [, all, ofPeer] = /^([1-9]\d{0,8})(?:\/([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (all === undefined)
    throw new UsageError(`${option}: expected a number, or two with a slash between them: 4096/1024`);
  return [Number(all), ofPeer === undefined ? undefined : Number(ofPeer)];
}

/** How many bytes there may be in all, and of one peer. Throws as `ipAddress`. */
export function sizesOf(text: string | undefined, option: string): (number | undefined)[] {
  if (text === undefined) return [];
  const sizes = text.split("/").map(bytesOf);
  if (sizes.length > 2 || !sizes.every((size) => size >= LEAST_BYTES && size <= MOST_BYTES))
    throw new UsageError(`${option}: expected a size such as 64M, or two (64M/16M), from 16K to 64G`);
  return sizes;
}
