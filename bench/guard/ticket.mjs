// The parties of the benchmark: a service's key, and a ticket for it with the session key that a client
// holds.
import { etypeOf } from "../../dist/protocol/etypes.js";
import { Key, randomKey } from "../../dist/protocol/keys.js";
import { parsePrincipal } from "../../dist/protocol/principal.js";
import { makeTicket } from "../../dist/protocol/ticket.js";

const REALM = "BENCH.EXAMPLE";
const HOUR = 3_600_000;

/** AES256_CTS_HMAC_SHA384_192. */
export const ETYPE = 20;
export const CLIENT = parsePrincipal(`alice@${REALM}`, "client");
export const SERVICE = parsePrincipal(`orders/api.example.test@${REALM}`, "service");

/** Fresh keys of the service, as its keytab holds them. */
export function makeServiceKeys() {
  return { principal: SERVICE, keys: [{ kvno: 1, key: randomKey(etypeOf(ETYPE)) }] };
}

/** What a KDC gives a client, in a form that can travel between processes. */
export function issue(serviceKeys, client = CLIENT) {
  const sessionKey = randomKey(etypeOf(ETYPE));
  const now = Date.now();
  const contents = {
    client,
    server: SERVICE,
    sessionKey,
    flags: [],
    authtime: now,
    starttime: now,
    endtime: now + 10 * HOUR,
    renewTill: undefined,
    addresses: [],
    authorizationData: [],
  };
  const hex = (bytes) => Buffer.from(bytes).toString("hex");
  return {
    client,
    ticket: hex(makeTicket(contents, serviceKeys.keys[0])),
    key: hex(sessionKey.exportBytes()),
    endtime: contents.endtime,
  };
}

/** The same as the client's credentials. */
export function credentialsOf({ client, ticket, key, endtime }) {
  return {
    client,
    server: SERVICE,
    key: new Key(etypeOf(ETYPE), Buffer.from(key, "hex")),
    ticket: Buffer.from(ticket, "hex"),
    flags: [],
    authtime: endtime - 10 * HOUR,
    starttime: endtime - 10 * HOUR,
    endtime,
    renewTill: undefined,
  };
}
