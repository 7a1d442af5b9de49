/**
 * Finds a realm's KDCs in DNS, by SRV records (RFC 4120 §7.2.3.2, with our own services):
 * `_tessera-as._tcp.REALM` and `_tessera-tgs._tcp.REALM`, where the realm's name is taken as a domain.
 *
 * Answers are not authenticated. A false one leads to a server that can't prove itself, as it lacks the
 * client's key, but that is given a proof of the password, to guess at. So DNS is asked only where a client
 * is told to.
 */
import { promises as dns } from "node:dns";
import * as grpc from "@grpc/grpc-js";
import { LruMap } from "../../collections/lru-map.js";
import { visible } from "../../errors/visible-text.js";
import { RpcError } from "../../rpc/rpc-error.js";
import type { KdcHalf } from "./addresses.js";
import { inSrvOrder, type SrvRecord } from "./srv-order.js";

/** Finds the addresses of one half of a realm's KDCs, `host:port`, in the order in which they are asked. */
export type KdcLookup = (realm: string, half: KdcHalf) => Promise<readonly string[]>;

/** What looks up SRV records: a `dns.promises.Resolver`. */
export interface SrvResolver {
  resolveSrv(name: string): Promise<readonly SrvRecord[]>;
}

/** How KDCs are found in DNS. */
export interface DnsLookupOptions {
  /** The name servers of this machine by default. */
  readonly resolver?: SrvResolver | undefined;
  /** The present in milliseconds since the epoch; the system's clock by default. */
  readonly clock?: (() => number) | undefined;
  /** Chooses by weight: a number from 0 up to but not including 1. */
  readonly random?: (() => number) | undefined;
}

/** How long an answer is used, in milliseconds. Node does not tell how long it may be. */
const KEPT_MS = 60_000;
/** The most names whose answers are kept. */
const MAX_NAMES = 100;
/** The most servers that are asked of one answer. */
const MAX_SERVERS = 16;

interface Answer {
  readonly addresses: readonly string[];
  /** When it came, in milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Looks KDCs up in DNS. An answer is used for a minute, and after that for as long as DNS gives no other: who
 * has found a KDC needs no name server to find it again.
 *
 *   const client = new KerberosClient({ kdc: kdcsByDns() });
 *
 * @returns what rejects with RpcError UNAVAILABLE where there are no records, or no answer.
 */
export function kdcsByDns({
  resolver = new dns.Resolver({ timeout: 2_000, tries: 2 }),
  clock = Date.now,
  random,
}: DnsLookupOptions = {}): KdcLookup {
  const answers = new LruMap<string, Answer>(MAX_NAMES);
  return async (realm, half) => {
    const name = srvName(realm, half);
    const kept = answers.get(name);
    if (kept !== undefined && Math.abs(clock() - kept.at) < KEPT_MS) return kept.addresses;
    try {
      const addresses = addressesIn(await resolver.resolveSrv(name), name, random);
      answers.set(name, { addresses, at: clock() });
      return addresses;
    } catch (error) {
      if (kept !== undefined) return kept.addresses;
      throw error instanceof RpcError ? error : notFound(name, error);
    }
  };
}

/** The name of the records of one half of a realm's KDCs. Case says nothing in DNS. */
export function srvName(realm: string, half: KdcHalf): string {
  return `_tessera-${half}._tcp.${realm.toLowerCase()}`;
}

function addressesIn(records: readonly SrvRecord[], name: string, random?: () => number): readonly string[] {
  // A single "." says that there is none (RFC 2782).
  const servers = records.filter((record) => record.name !== "" && record.name !== ".");
  if (servers.length === 0) throw unavailable(`DNS says that there is no ${name}`);
  const ordered = inSrvOrder(servers, random).slice(0, MAX_SERVERS);
  return [...new Set(ordered.map(({ name: host, port }) => `${host.replace(/\.$/, "")}:${port}`))];
}

function notFound(name: string, cause: unknown): RpcError {
  const { code } = cause as { code?: unknown };
  if (code === "ENOTFOUND" || code === "ENODATA") return unavailable(`DNS has no SRV records ${name}`, cause);
  return unavailable(`DNS does not tell where ${name} is (${visible(String(code ?? cause))})`, cause);
}

function unavailable(text: string, cause?: unknown): RpcError {
  return new RpcError(grpc.status.UNAVAILABLE, text, {
    cause,
    hint: "give the realm's domain these records, or name its KDCs: --kdc, TESSERA_KDC",
  });
}
