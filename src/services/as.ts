/** The Authentication Server: fetches the entries, lets `issueTgt` decide, answers. */
import type { AuthenticationServiceServer } from "../gen/kerberos/v1/authentication_service_grpc.js";
import { issueTgt, makeDecoyKeys, readAsReqClient } from "../protocol/as-exchange.js";
import { isoTime } from "../protocol/kerberos-time.js";
import type { LongTermKey } from "../protocol/keys.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { type KdcConfig, krbtgtEntry } from "./kdc.js";
import { runExchange } from "./run-exchange.js";

/** The AS's service, on a realm's database. */
export function authenticationService(config: KdcConfig): AuthenticationServiceServer {
  const decoyKeysFor = keepDecoyKeys();
  return {
    authenticate: (request, context) =>
      runExchange("AS", config, context, async (line, now) => {
        const principal = readAsReqClient(request);
        line.client = principal;
        const client = await config.principals.get(principal);
        const krbtgt = await krbtgtEntry(config);
        line.server = krbtgt.principal;
        const { policy } = config;
        const decoyKeys = decoyKeysFor(policy);
        const issued = issueTgt(request, { client, krbtgt, decoyKeys, policy }, now);
        line.etypes = issued.etypes;
        line.endtime = isoTime(issued.ticket.endtime);
        issued.ticket.sessionKey.wipe();
        return issued.response;
      }),
  };
}

/** Decoy keys that stay the same until the policy changes. */
function keepDecoyKeys(): (policy: RealmPolicy) => readonly LongTermKey[] {
  let madeFor: RealmPolicy | undefined;
  let keys: readonly LongTermKey[] = [];
  return (policy) => {
    if (policy !== madeFor) keys = makeDecoyKeys(policy);
    madeFor = policy;
    return keys;
  };
}
