/**
 * Whether a call is let in: the checks that need nothing but what is at hand. The caller rules and the replay
 * cache, which may take their time, come after.
 *
 * `admit` is a function of what a call was. It knows neither grpc-js nor a socket, so that another server, or
 * a proxy that asks on a server's behalf, admits by the same checks; another way to prove a call is another
 * case of `Proof`.
 */
import type { PeerCertificate } from "node:tls";
import type { TicketOpener, VerifiedApReq } from "../../protocol/ap-exchange.js";
import {
  type BoundCall,
  type CallShape,
  isAtLeast,
  type Protection,
  type ReceivedApReq,
  readApReq,
  verifyCallApReq,
} from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { Principal } from "../../protocol/principal.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import { AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { isLoopback } from "../../rpc/network-address.js";
import { type Caller, callerWith } from "./caller.js";
import { GuardedMessages } from "./messages.js";

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
}

/** A call as it was received. */
export interface ReceivedCall extends Omit<BoundCall, "protection">, CallShape {
  /** The client's network address, an IPv4 address as such; undefined where it has none. */
  readonly peerAddress: string | undefined;
  /** Whether it came over a Unix socket, and so from this machine. */
  readonly unixSocket?: boolean;
  /** The certificate that the client connected with, verified by TLS. */
  readonly certificate: PeerCertificate | undefined;
}

/** What a call brings to prove who makes it; nothing in it is proven yet. */
export type Proof = ReceivedApReq;

/** What a call is let in with. */
export interface Admission {
  readonly caller: Caller;
  /** What the replay cache must not have seen before the call goes on. */
  readonly replay: VerifiedApReq["replay"];
  /** The call's messages, with its keys: whoever takes the admission wipes them. */
  readonly messages: GuardedMessages;
}

/**
 * Reads the proof of a call.
 * @param values the values of the request metadata `kerberos-ap-req-bin`.
 * @throws KrbError KDC_ERR_PREAUTH_REQUIRED where there is none; KRB_ERR_GENERIC for two, or for bytes that
 *   are no AP-REQ; KRB_ERR_FIELD_TOOLONG.
 */
export function readProof(values: readonly (string | Uint8Array)[]): Proof {
  const [value] = values;
  if (value === undefined)
    throw new KrbError(
      "KDC_ERR_PREAUTH_REQUIRED",
      `the method needs a ticket: call with an AP-REQ in ${AP_REQ_METADATA}`,
      { metadata: AP_REQ_METADATA },
    );
  if (values.length > 1 || typeof value === "string")
    throw new KrbError("KRB_ERR_GENERIC", `${AP_REQ_METADATA}: expected one value, got ${values.length}`, {
      field: AP_REQ_METADATA,
      values: String(values.length),
    });
  return readApReq(value);
}

/**
 * All checks of a call but rules and replay cache (RFC 4120 §3.2.3).
 * @param keys the service's keys at the moment.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `verifyCallApReq`; KDC_ERR_POLICY for too little protection; KRB_AP_ERR_BADMATCH for
 *   another's certificate, or none.
 */
export function admit(
  policy: AdmissionPolicy,
  keys: ServiceKeys,
  proof: Proof,
  call: ReceivedCall,
  now: number,
): Admission {
  const verified = verifyCallApReq(proof, call, apReqPolicy(policy, keys, call), now);
  try {
    const caller = callerWith(verified.ticket, verified.authorizationData, proof.protection);
    checkFloor(policy, caller);
    checkCertificate(policy, caller, call.certificate);
    const messages = new GuardedMessages(verified, proof.protection, call);
    return { caller, replay: verified.replay, messages };
  } catch (error) {
    verified.subkey?.wipe();
    throw error;
  }
}

/** Weak encryption types stay on this machine. */
function apReqPolicy(
  policy: AdmissionPolicy,
  service: ServiceKeys,
  { peerAddress, unixSocket }: ReceivedCall,
) {
  const { permittedEtypes, strongEtypes, clockSkew, authorizationData, openTicket } = policy;
  const here = unixSocket === true || (peerAddress !== undefined && isLoopback(peerAddress));
  const all = permittedEtypes === strongEtypes || here;
  return {
    service,
    permittedEtypes: all ? permittedEtypes : strongEtypes,
    clockSkew,
    peerAddress,
    authorizationData,
    openTicket,
  };
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
