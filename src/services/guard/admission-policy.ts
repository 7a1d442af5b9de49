/** What a guard holds every call against, and what of it refuses a call whose proof is good. */
import type { PeerCertificate } from "node:tls";
import { type ApReqPolicy, checkAddress, type TicketOpener } from "../../protocol/ap-exchange.js";
import { isAtLeast, type Protection } from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { Principal } from "../../protocol/principal.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import type { Caller } from "./caller.js";
import type { TicketFacts } from "./held-ticket.js";
import type { OwnNames } from "./own-names.js";
import { isHere, type Peer } from "./received-call.js";
import type { SessionTable } from "./sessions.js";

/** What every call is held against. */
export interface AdmissionPolicy {
  /** The least protection of a call. */
  readonly floor: Protection;
  /** Encryption types accepted from peers on loopback. */
  readonly permittedEtypes: readonly number[];
  /** Those of them that are not weak, accepted from all peers: the same object where none is weak. */
  readonly strongEtypes: readonly number[];
  /** Types of authorization data that the service understands. */
  readonly authorizationData: readonly number[];
  /**
   * Whether a caller may use the certificate it connected with; undefined: certificates are not looked at.
   */
  readonly bindClientCertificate:
    | ((principal: Principal, certificate: PeerCertificate) => boolean)
    | undefined;
  /** Permitted difference of clocks, in milliseconds. */
  readonly clockSkew: number;
  readonly openTicket: TicketOpener;
  /** The hosts under which the service may be called. */
  readonly names: OwnNames;
  /** The sessions that were granted; undefined: none is. */
  readonly sessions: SessionTable | undefined;
  /** Whether the caller of `admit` has a replay cache: then an authenticator needs no challenge. */
  readonly hasReplayCache: boolean;
  /** Milliseconds of a clock that is never set. */
  readonly uptime: () => number;
}

/**
 * What an AP-REQ from a peer is held against, whatever it came with. Weak encryption types stay on this
 * machine.
 */
export function apReqPolicy(policy: AdmissionPolicy, service: ServiceKeys, peer: Peer): ApReqPolicy {
  const { clockSkew, authorizationData, openTicket } = policy;
  const { peerAddress } = peer;
  return {
    service,
    permittedEtypes: etypesFor(policy, peer),
    clockSkew,
    peerAddress,
    authorizationData,
    openTicket,
  };
}

/** The encryption types that are taken from a peer. */
export function etypesFor({ permittedEtypes, strongEtypes }: AdmissionPolicy, peer: Peer): readonly number[] {
  return permittedEtypes === strongEtypes || isHere(peer) ? permittedEtypes : strongEtypes;
}

/** Address, level and certificate: why a call whose proof is good is refused all the same. */
export function policyRefusal(
  policy: AdmissionPolicy,
  caller: Caller,
  ticket: TicketFacts,
  { certificate, peerAddress }: Peer,
): KrbError | undefined {
  try {
    checkAddress(ticket, peerAddress);
    checkFloor(policy, caller);
    checkCertificate(policy, caller, certificate);
    return undefined;
  } catch (error) {
    if (error instanceof KrbError) return error;
    throw error;
  }
}

function checkFloor({ floor }: AdmissionPolicy, { protection, principal }: Caller): void {
  if (isAtLeast(protection, floor)) return;
  throw new KrbError(
    "KDC_ERR_POLICY",
    `the service asks for protection ${floor} at least, the call has ${protection}: ` +
      `set protection of ticketInterceptor, or call --protection ${floor}`,
    { rule: "protection", floor, protection, client: principal },
  );
}

function checkCertificate(
  { bindClientCertificate }: AdmissionPolicy,
  { principal }: Caller,
  certificate: PeerCertificate | undefined,
): void {
  if (bindClientCertificate === undefined) return;
  if (certificate !== undefined && bindClientCertificate(principal, certificate) === true) return;
  const what = certificate === undefined ? "no client certificate" : "a client certificate of somebody else";
  throw new KrbError("KRB_AP_ERR_BADMATCH", `${principal} calls with ${what}`, {
    compared: "certificate",
    client: principal,
  });
}
