/** The Authentication Server: fetches the entries, lets `issueTgt` decide, counts failures, answers. */

import type { AuthenticationServiceServer } from "../gen/kerberos/v1/authentication_service_grpc.js";
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import { type AsContext, issueTgt, readAsReqClient } from "../protocol/as-exchange.js";
import { type Decoy, makeDecoy } from "../protocol/decoy.js";
import type { IssuedTicket } from "../protocol/kdc-ticket.js";
import { isoTime } from "../protocol/kerberos-time.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { encTimestampOf } from "../protocol/pre-authentication.js";
import { peerNetwork } from "../rpc/network-address.js";
import type { ExchangeLine } from "./exchange-log.js";
import { type AsConfig, krbtgtEntry } from "./kdc.js";
import { brake } from "./login-brakes.js";
import { runExchange } from "./run-exchange.js";

/** The AS's service, on a realm's database. */
export function authenticationService(config: AsConfig): AuthenticationServiceServer {
  const decoyFor = keepDecoy();
  return {
    authenticate: (request, call) =>
      runExchange("AS", config, call, async (line, now) => {
        const principal = readAsReqClient(request);
        line.client = principal;
        const { policy } = config;
        const krbtgt = await krbtgtEntry(config);
        line.server = krbtgt.principal;
        const client = await config.principals.getOrDecoy(principal, decoyFor(policy));
        try {
          const context = { client, krbtgt, policy };
          // Here nothing waits: no attempt begins before this one is counted.
          const issued = attempt(config, { request, context, peer: peerNetwork(call.peer), now, line });
          line.etypes = issued.etypes;
          line.endtime = isoTime(issued.ticket.endtime);
          issued.ticket.sessionKey.wipe();
          return issued.response;
        } finally {
          for (const { key } of client.entry.keys) key.wipe();
        }
      }),
  };
}

type Issued = IssuedTicket<AuthenticateResponse>;

/** An AS-REQ, and all that it is decided by. */
interface Attempt {
  readonly request: AuthenticateRequest;
  readonly context: AsContext;
  readonly peer: string;
  readonly now: number;
  readonly line: ExchangeLine;
}

/** Issues a TGT as `issueTgt` does, unless name or address has failed too often. */
function attempt({ attempts, log }: AsConfig, { request, context, peer, now, line }: Attempt): Issued {
  const proof = encTimestampOf(request.padata);
  if (proof === undefined) return issueTgt(request, context, now);
  const begun = attempts.begin(readAsReqClient(request), peer, context.policy.attempts, now);
  let issued: Issued | undefined;
  let error: unknown;
  try {
    issued = issueTgt(request, context, now);
  } catch (thrown) {
    error = thrown;
  }
  const { refusal, withheld, unnoted } = brake(begun, proof, error);
  line.withheld = withheld;
  if (unnoted !== undefined)
    log({ level: "error", exchange: "AS", text: `a login was not noted: ${unnoted.message}` });
  if (refusal === undefined) return issued!;
  issued?.ticket.sessionKey.wipe();
  throw refusal;
}

/** A decoy that stays the same until the policy changes. */
function keepDecoy(): (policy: RealmPolicy) => Decoy {
  let kept: { readonly policy: RealmPolicy; readonly decoy: Decoy } | undefined;
  return (policy) => {
    if (kept?.policy !== policy) kept = { policy, decoy: makeDecoy(policy) };
    return kept.decoy;
  };
}
