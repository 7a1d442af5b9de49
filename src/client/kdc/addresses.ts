/**
 * Where the KDCs are: `HOST:PORT` of an AS, and of its TGS where that is not the next port of the same host;
 * several KDCs of one realm are separated by spaces.
 */

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
 * Reads `AS` or `AS,TGS`, each `host:port`; without TGS it is the next port of the AS's host.
 * @throws RangeError naming what was expected.
 */
export function parseKdcAddresses(text: string): KdcAddresses {
  const [as = "", tgs, ...more] = text.split(",");
  if (more.length > 0) throw new RangeError(`KDC address: expected AS or AS,TGS, got ${text}`);
  const { host, port } = splitAddress(as);
  const addresses = { as, tgs: tgs ?? `${host}:${port + 1}` };
  splitAddress(addresses.tgs);
  return addresses;
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
