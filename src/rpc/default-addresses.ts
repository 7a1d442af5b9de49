/** Where the servers of a realm listen, and where a client looks for them, unless told otherwise. */

/** The address that is this machine's alone. */
export const DEFAULT_HOST = "127.0.0.1";

/** The ports of AS, TGS and V. */
export const DEFAULT_PORTS = Object.freeze({ as: 8801, tgs: 8802, v: 8803 });
