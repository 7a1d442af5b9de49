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
import { LookAside } from "./look-aside.js";
import { cacheFigures } from "./metrics/figures.js";
import { runExchange } from "./run-exchange.js";

/** The AS's service, on a realm's database. */
export function authenticationService(config: AsConfig): AuthenticationServiceServer {
  const decoyFor = keepDecoy();
  const lookAside = new LookAside();
  config.metrics?.watch(() => cacheFigures("answers", lookAside.load));
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
          // From here on nothing waits: no login is looked at before this one is counted and kept.
          const context = { client, krbtgt, policy };
          return answer({ attempts: config.attempts, log: config.log, lookAside }, request, {
            context,
            peer: call.peer,
            now,
            line,
          });
        } finally {
          for (const { key } of client.entry.keys) key.wipe();
        }
      }),
  };
}

/** What the answers of one AS go by, beside the request. */
type Answering = Pick<AsConfig, "attempts" | "log"> & { readonly lookAside: LookAside };

/** What an AS-REQ is decided by. */
interface Attempt {
  readonly context: AsContext;
  readonly peer: string;
  readonly now: number;
  readonly line: ExchangeLine;
}

/**
 * Issues a TGT as `issueTgt` does, unless name or address has failed too often; or gives the one issued
 * before.
 */
function answer(parts: Answering, request: AuthenticateRequest, attempt: Attempt): AuthenticateResponse {
  const { context, now, line } = attempt;
  const proof = encTimestampOf(request.padata);
  // Without a proof there is nothing but a refusal.
  if (proof === undefined) return issueTgt(request, context, now).response;
  const { lookAside } = parts;
  const given = lookAside.find(proof, request, context.policy.clockSkew, now);
  line.repeated = given !== undefined;
  if (given !== undefined) return given;
  const issued = issueBraked(parts, request, proof, attempt);
  line.etypes = issued.etypes;
  line.endtime = isoTime(issued.ticket.endtime);
  issued.ticket.sessionKey.wipe();
  lookAside.keep(proof, request, issued.response, now);
  return issued.response;
}

/** Issues a TGT as `issueTgt` does, unless name or address has failed too often. */
function issueBraked(
  { attempts, log }: Answering,
  request: AuthenticateRequest,
  proof: Uint8Array,
  { context, peer, now, line }: Attempt,
): IssuedTicket<AuthenticateResponse> {
  const client = context.client.entry.principal;
  const begun = attempts.begin(client, peerNetwork(peer), context.policy.attempts, now);
  let issued: IssuedTicket<AuthenticateResponse> | undefined;
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
