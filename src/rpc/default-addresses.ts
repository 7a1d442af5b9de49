/** Where the servers of a realm listen, and where a client looks for them, unless told otherwise. */

/** The address that is this machine's alone. */
export const DEFAULT_HOST = "127.0.0.1";

/** The ports of AS, TGS and V. */
export const DEFAULT_PORTS = Object.freeze({ as: 8801, tgs: 8802, v: 8803 });

/** `host:port` of AS, TGS and V. */
export const DEFAULT_ADDRESSES = Object.freeze({
  as: `${DEFAULT_HOST}:${DEFAULT_PORTS.as}`,
  tgs: `${DEFAULT_HOST}:${DEFAULT_PORTS.tgs}`,
  v: `${DEFAULT_HOST}:${DEFAULT_PORTS.v}`,
});
