/** The Authentication Server: fetches the entries, lets `issueTgt` decide, counts failures, answers. */

import type { AuthenticationServiceServer } from "../gen/kerberos/v1/authentication_service_grpc.js";
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import { type AsContext, issueTgt, readAsReqClient } from "../protocol/as-exchange.js";
import { type AsClient, type Decoy, makeDecoy } from "../protocol/decoy.js";
import type { IssuedTicket } from "../protocol/kdc-ticket.js";
import { isoTime } from "../protocol/kerberos-time.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { encTimestampOf } from "../protocol/pre-authentication.js";
import { krbtgtOf, type Principal } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { peerNetwork } from "../rpc/network-address.js";
import { StoreError } from "../store/store-error.js";
import type { ExchangeLine } from "./exchange-log.js";
import { type AsConfig, krbtgtEntry } from "./kdc.js";
import { brake } from "./login-brakes.js";
import { LookAside } from "./look-aside.js";
import { cacheFigures } from "./metrics/figures.js";
import { runExchange } from "./run-exchange.js";
import { ticketId } from "./ticket-id.js";

/** The AS's service, on a realm's database. */
export function authenticationService(config: AsConfig): AuthenticationServiceServer {
  const decoyFor = keepDecoy();
  const lookAside = new LookAside();
  const parts = { attempts: config.attempts, log: config.log, lookAside };
  config.metrics?.watch(() => cacheFigures("answers", lookAside.load));
  return {
    authenticate: (request, call) =>
      runExchange("AS", config, call, (line, now) => {
        const principal = readAsReqClient(request);
        line.client = principal;
        line.server = krbtgtOf(config.policy.realm);
        return authenticate(principal, request, { peer: call.peer, now, line });
      }),
  };

  /**
   * Answers from what is at hand, if that is a success: a client that logs in often costs no decoding and no
   * keys. Everybody else is answered from what the store has now, at the same cost whoever it is; and whoever
   * is refused has cost a look at what is at hand, too, before or after, which is a decoy for a name of which
   * nothing is kept, and for one that does not exist.
   */
  async function authenticate(principal: Principal, request: AuthenticateRequest, around: Around) {
    const { policy, principals } = config;
    const decoy = decoyFor(policy);
    const decide = (client: AsClient, krbtgt: PrincipalEntry, look: Look) => {
      // From here on nothing waits: no login is looked at before this one is counted and kept.
      const context = { client, krbtgt, policy, isTentative: look !== "whole" };
      return answer(parts, request, { principal, context, look, around });
    };
    const lookAtHand = async (look: Look) => {
      const krbtgt = await krbtgtEntry(policy, (name) => principals.get(name));
      return decide(await principals.clients.atHand(principal, decoy), krbtgt, look);
    };
    // Without a proof there is nothing but a refusal.
    const hasProof = encTimestampOf(request.padata) !== undefined;
    const isKept = hasProof && principals.clients.isKept(principal);
    const atHand = isKept ? await lookAtHand("quick") : undefined;
    if (atHand !== undefined) return atHand;
    const { krbtgt, client, away } = await found(principal, decoy);
    let answered: AuthenticateResponse | undefined;
    try {
      answered = decide(client, krbtgt, away === undefined ? "whole" : "quick");
      if (answered === undefined) throw away;
    } catch (refusal) {
      for (const { key } of client.entry.keys) key.wipe();
      if (hasProof && !isKept) await lookAtHand("vain").catch(() => undefined);
      throw refusal;
    }
    // The answer that was given before to the same request says nothing of the present key.
    if (around.line.repeated) for (const { key } of client.entry.keys) key.wipe();
    else client.hasLoggedIn();
    return answered;
  }

  /** What the store has now; while it is away, what it had last, and why it is. */
  async function found(principal: Principal, decoy: Decoy) {
    const { policy, principals } = config;
    try {
      const krbtgt = await krbtgtEntry(policy, (name) => principals.getAnew(name));
      return { krbtgt, client: await principals.clients.getOrDecoy(principal, decoy), away: undefined };
    } catch (away) {
      // Now that the store is known to be away, what is kept may be usable for longer.
      const client =
        away instanceof StoreError ? await principals.clients.lastKnown(principal, decoy) : undefined;
      if (client === undefined) throw away;
      return { krbtgt: await krbtgtEntry(policy, (name) => principals.get(name)), client, away };
    }
  }
}

/** What the answers of one AS go by, beside the request. */
type Answering = Pick<AsConfig, "attempts" | "log"> & { readonly lookAside: LookAside };

/** Where an AS-REQ comes from, and when. */
interface Around {
  readonly peer: string;
  readonly now: number;
  readonly line: ExchangeLine;
  /** Whether it was to wait when it was looked at first: what a second look does may not depend on more. */
  isBraked?: boolean;
}

/**
 * How a login is looked at. `whole`: it is answered or refused, and counted. `quick`: by what is at hand, and
 * what leads to a refusal is looked at whole. `vain`: the same work, after a refusal, to no effect.
 */
type Look = "whole" | "quick" | "vain";

/** What an AS-REQ is decided by. */
interface Attempt {
  readonly principal: Principal;
  readonly context: AsContext;
  readonly look: Look;
  readonly around: Around;
}

/**
 * Issues a TGT as `issueTgt` does, unless name or address has failed too often; or gives the one issued
 * before. Undefined: what is at hand leads to a refusal.
 */
function answer(
  parts: Answering,
  request: AuthenticateRequest,
  attempt: Attempt,
): AuthenticateResponse | undefined {
  const { context, look } = attempt;
  const { now, line } = attempt.around;
  const proof = encTimestampOf(request.padata);
  // Without a proof there is nothing but a refusal.
  if (proof === undefined) return issueTgt(request, context, now).response;
  const { lookAside } = parts;
  const given = look === "vain" ? undefined : lookAside.find(proof, request, context.policy.clockSkew, now);
  if (look !== "vain") line.repeated = given !== undefined;
  if (given !== undefined) {
    line.tgt = ticketId(given.ticket);
    return given;
  }
  const issued = issueBraked(parts, request, proof, attempt);
  if (issued === undefined) return undefined;
  line.etypes = issued.etypes;
  line.endtime = isoTime(issued.ticket.endtime);
  line.tgt = ticketId(issued.response.ticket);
  issued.ticket.sessionKey.wipe();
  lookAside.keep(proof, request, issued.response, now);
  return issued.response;
}

/**
 * Issues a TGT as `issueTgt` does, unless name or address has failed too often. Undefined: what is at hand
 * leads to a refusal.
 */
function issueBraked(
  { attempts, log }: Answering,
  request: AuthenticateRequest,
  proof: Uint8Array,
  { principal, context, look, around }: Attempt,
): IssuedTicket<AuthenticateResponse> | undefined {
  const { peer, now, line } = around;
  const begun = attempts.begin(principal, peerNetwork(peer), context.policy.attempts, now);
  // Whoever must wait is refused, whether the proof is right or not; the time must not say which.
  around.isBraked ??= begun.waitMs > 0;
  if (look !== "whole" && around.isBraked) return undefined;
  let issued: IssuedTicket<AuthenticateResponse> | undefined;
  let error: unknown;
  try {
    issued = issueTgt(request, context, now);
  } catch (thrown) {
    if (look !== "whole") return undefined;
    error = thrown;
  }
  if (look === "vain") {
    issued?.ticket.sessionKey.wipe();
    return undefined;
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
