/** How much a server lets in: connections, calls and their bytes, in all and of one peer. */
import { isIP } from "node:net";
import { checkOptionNames, type OptionNames } from "../../errors/unknown-options.js";
import { peerKey } from "./peer-key.js";

/**
 * What may be open at a time. A peer is an IPv4 address, or an IPv6 network of 64 bits; whoever comes through
 * a Unix socket or from one of `proxies` has no share, only the bound in all.
 */
export interface ServerLimits {
  /** Connections in all; 4,096 by default. */
  readonly connections?: number | undefined;
  /** Connections of one peer; half of all by default. */
  readonly connectionsPerPeer?: number | undefined;
  /** Calls in all; 4,096 by default. */
  readonly calls?: number | undefined;
  /** Calls of one peer; half of all by default. Each of its connections has one in any case. */
  readonly callsPerPeer?: number | undefined;
  /**
   * Bytes of requests, until their calls end, and of replies, until their clients read them, in all; 64 MiB
   * by default. Less than a whole message lets none in.
   */
  readonly bytes?: number | undefined;
  /** Bytes of one peer; half of all by default. */
  readonly bytesPerPeer?: number | undefined;
  /** Addresses of proxies, each of which speaks for many peers. */
  readonly proxies?: readonly string[] | undefined;
}

/** The same, read and completed. */
export interface Limits {
  readonly connections: number;
  readonly connectionsPerPeer: number;
  readonly calls: number;
  readonly callsPerPeer: number;
  readonly bytes: number;
  readonly bytesPerPeer: number;
  /** The peers that are proxies. */
  readonly proxies: ReadonlySet<string>;
}

const NAMES: OptionNames<ServerLimits> = {
  connections: true,
  connectionsPerPeer: true,
  calls: true,
  callsPerPeer: true,
  bytes: true,
  bytesPerPeer: true,
  proxies: true,
};

const CONNECTIONS = 4_096;
const CALLS = 4_096;
/** What so many calls hold whose requests are as long as a KDC's may be. */
const BYTES = 64 * 1024 * 1024;
/** The longest message of a KDC. */
const LEAST_BYTES = 16 * 1024;

/**
 * How long a connection may take from its first packet to the first settings of its HTTP/2, TLS included, in
 * milliseconds.
 */
export const OPENING_MS = 6_000;

/**
 * Reads and completes the options.
 * @throws TypeError or RangeError naming an option that is wrong.
 */
export function readLimits(options: ServerLimits = {}): Limits {
  checkOptionNames("limits", options, NAMES);
  const connections = count("connections", options.connections ?? CONNECTIONS);
  const calls = count("calls", options.calls ?? CALLS);
  const bytes = count("bytes", options.bytes ?? BYTES);
  return {
    connections,
    connectionsPerPeer: count("connectionsPerPeer", options.connectionsPerPeer ?? Math.ceil(connections / 2)),
    calls,
    callsPerPeer: count("callsPerPeer", options.callsPerPeer ?? Math.ceil(calls / 2)),
    bytes,
    bytesPerPeer: count("bytesPerPeer", options.bytesPerPeer ?? Math.ceil(bytes / 2)),
    proxies: new Set((options.proxies ?? []).map(proxy)),
  };
}

/**
 * The part of these limits that each of several processes keeps to, so that together they keep to them; bytes
 * that let no whole message in are not divided further.
 */
export function shareOfLimits(options: ServerLimits, processes: number): ServerLimits {
  const all = readLimits(options);
  const share = (of: number, least = 1) => Math.max(Math.ceil(of / processes), Math.min(of, least));
  return {
    connections: share(all.connections),
    connectionsPerPeer: share(all.connectionsPerPeer),
    calls: share(all.calls),
    callsPerPeer: share(all.callsPerPeer),
    bytes: share(all.bytes, LEAST_BYTES),
    bytesPerPeer: share(all.bytesPerPeer, LEAST_BYTES),
    proxies: options.proxies,
  };
}

function count(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`limits: ${name}: expected a whole number from 1 up, got ${value}`);
}

function proxy(address: string): string {
  if (typeof address === "string" && isIP(address) !== 0) return peerKey(address);
  throw new TypeError(`limits: proxies: expected IP addresses, got ${String(address)}`);
}
