/**
 * Where the KDCs are: `HOST` or `HOST:PORT` of an AS, and of its TGS where that is not the next port of the
 * same host; several KDCs of one realm are separated by spaces.
 */
import { DEFAULT_PORTS } from "../../rpc/default-addresses.js";

/** Addresses of the two halves of a KDC. */
export interface KdcAddresses {
  /** `host:port` of the AS. */
  readonly as: string;
  /** `host:port` of the TGS. */
  readonly tgs: string;
}

/** A half of a KDC. */
export type KdcHalf = keyof KdcAddresses;

/**
 * Reads `AS` or `AS,TGS`. Each is `host:port`, or a host alone, whose AS is at port 8801 and its TGS at 8802.
 * Without TGS it is the next port of the AS's host; beside an AS with a port the TGS needs one too.
 * @throws RangeError naming what was expected.
 */
export function parseKdcAddresses(text: string): KdcAddresses {
  const [first = "", second, ...more] = text.split(",");
  if (more.length > 0) throw new RangeError(`KDC address: expected AS or AS,TGS, got ${text}`);
  const as = withPort(first, DEFAULT_PORTS.as);
  const { host, port } = splitAddress(as);
  // Of a TGS without a port beside an AS that has one, nobody could tell whether the next or its own is
  // meant.
  const tgs = second !== undefined && as !== first ? withPort(second, DEFAULT_PORTS.tgs) : second;
  const addresses = { as, tgs: tgs ?? `${host}:${port + 1}` };
  splitAddress(addresses.tgs);
  return addresses;
}

/** A host alone: no number, which would be a port. */
const HOST = /^(?:\[[0-9a-fA-F:.]+\]|(?=.*[A-Za-z.])[A-Za-z0-9._-]+)$/;

function withPort(text: string, port: number): string {
  if (text === "dns")
    throw new RangeError(
      `KDC address: "dns" stands alone and asks DNS; for a host of that name: dns:${port}`,
    );
  return HOST.test(text) ? `${text}:${port}` : text;
}

/**
 * Reads one KDC or several with spaces between them, each as `parseKdcAddresses` reads it; the first is asked
 * first.
 * @throws RangeError naming what was expected.
 */
export function parseKdcList(text: string): readonly KdcAddresses[] {
  return text
    .trim()
    .split(/\s+/)
    .map((one) => parseKdcAddresses(one));
}

/** The addresses of one half of several KDCs, in their order, each once. */
export function addressesOf(kdcs: readonly KdcAddresses[], half: KdcHalf): readonly string[] {
  return [...new Set(kdcs.map((kdc) => kdc[half]))];
}

/** The host of `host:port`, as it stands there; an IPv6 address keeps its brackets. Throws RangeError. */
export function splitAddress(address: string): { host: string; port: number } {
  const found = /^(\[[0-9a-fA-F:.]+\]|[^:\s/]+):([0-9]{1,5})$/.exec(address);
  const port = Number(found?.[2]);
  if (found?.[1] === undefined || port < 1 || port > 65_535)
    throw new RangeError(`address: expected HOST:PORT, got ${JSON.stringify(address)}`);
  return { host: found[1], port };
}
