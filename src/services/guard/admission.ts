/**
 * Whether a call is let in: the checks of its AP-REQ that need nothing but what is at hand. The rules and the replay cache,
 * which may take their time, come after.
 */
import type { PeerCertificate } from "node:tls";
import type * as grpc from "@grpc/grpc-js";
import type { VerifiedApReq } from "../../protocol/ap-exchange.js";
import {
  type BoundCall,
  type CallShape,
  isAtLeast,
  type ReceivedApReq,
  readApReq,
  verifyCallApReq,
} from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import { AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { isLoopback, plainAddress } from "../../rpc/network-address.js";
import { type Caller, callerWith } from "./caller.js";
import type { GuardConfig } from "./config.js";

/** What a call is let in as. */
export interface Admission {
  readonly verified: VerifiedApReq;
  readonly caller: Caller;
}

/** A call as it was received. */
export interface ReceivedCall extends Omit<BoundCall, "protection">, CallShape {
  /** The client's network address, where it has one. */
  readonly remoteAddress: string | undefined;
  readonly certificate: PeerCertificate | undefined;
}

/**
 * Reads the AP-REQ of a call.
 * @throws KrbError KDC_ERR_PREAUTH_REQUIRED when there is none; KRB_ERR_GENERIC for two, or for garbage;
 *   KRB_ERR_FIELD_TOOLONG.
 */
export function readProof(metadata: grpc.Metadata): ReceivedApReq {
  const values = metadata.get(AP_REQ_METADATA);
  const [value] = values;
  if (value === undefined)
    throw new KrbError(
      "KDC_ERR_PREAUTH_REQUIRED",
      `the method needs a ticket: call with an AP-REQ in ${AP_REQ_METADATA}`,
      { metadata: AP_REQ_METADATA },
    );
  if (values.length > 1)
    throw new KrbError("KRB_ERR_GENERIC", `${AP_REQ_METADATA}: expected one value, got ${values.length}`, {
      field: AP_REQ_METADATA,
      values: String(values.length),
    });
  return readApReq(value as Buffer);
}

/**
 * All checks but rules and replay cache. Throws KrbError as `verifyCallApReq`, and the guard's own refusals.
 * @param service the keys of the moment.
 */
export function verifyCall(
  config: GuardConfig,
  service: ServiceKeys,
  proof: ReceivedApReq,
  call: ReceivedCall,
  now: number,
): Admission {
  const { permittedEtypes, strongEtypes, clockSkew, authorizationData, tickets } = config;
  const peerAddress = plainAddress(call.remoteAddress ?? "");
  const allHere = permittedEtypes === strongEtypes || isLoopback(peerAddress);
  const policy = {
    service,
    permittedEtypes: allHere ? permittedEtypes : strongEtypes,
    clockSkew,
    peerAddress,
    authorizationData,
    openTicket: tickets.open,
  };
  const verified = verifyCallApReq(proof, call, policy, now);
  const caller = callerWith(verified.ticket, proof.protection);
  checkFloor(config, caller);
  checkCertificate(config, caller, call.certificate);
  return { verified, caller };
}

function checkFloor({ floor }: GuardConfig, { protection, principal }: Caller): void {
  if (isAtLeast(protection, floor)) return;
  throw new KrbError(
    "KDC_ERR_POLICY",
    `the service asks for protection ${floor} at least, the call has ${protection}`,
    { rule: "protection", floor, protection, client: principal },
  );
}

function checkCertificate(
  { bindClientCertificate }: GuardConfig,
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
