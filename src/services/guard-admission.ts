/**
 * Whether a call is let in: every check of its AP-REQ, in order from cheap to dear, the replay cache last.
 */
import type { PeerCertificate } from "node:tls";
import type * as grpc from "@grpc/grpc-js";
import type { VerifiedApReq } from "../protocol/ap-exchange.js";
import {
  type CallFacts,
  type CallShape,
  isAtLeast,
  type ReadCallReq,
  readCallReq,
  verifyCallReq,
} from "../protocol/call-binding.js";
import { KrbError } from "../protocol/krb-error.js";
import { AP_REQ_METADATA } from "../rpc/metadata-names.js";
import { type Caller, makeCaller } from "./guard-caller.js";
import type { GuardConfig } from "./guard-config.js";
import { currentKeys } from "./guard-keys.js";
import { inTime, type Waiting } from "./guard-replay.js";
import { isLoopback } from "./listen.js";

/** What a call is let in as. */
export interface Admission {
  readonly verified: VerifiedApReq;
  readonly caller: Caller;
}

/** A call as it was received. */
export interface ReceivedCall extends Omit<CallFacts, "protection">, CallShape {
  /** `host:port` of the client. */
  readonly peer: string;
  readonly certificate: PeerCertificate | undefined;
}

/** Tells of a failure that the caller learns nothing of. */
export type OnFailure = (error: unknown) => void;

/**
 * Reads the AP-REQ of a call.
 * @throws KrbError KDC_ERR_PREAUTH_REQUIRED when there is none; KRB_ERR_GENERIC for two, or for garbage;
 *   KRB_ERR_FIELD_TOOLONG.
 */
export function readProof(metadata: grpc.Metadata): ReadCallReq {
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
  return readCallReq(Buffer.from(value as Buffer));
}

/** All checks but the replay cache. Throws KrbError as `verifyCallReq`, and the guard's own refusals. */
export async function verifyCall(
  config: GuardConfig,
  proof: ReadCallReq,
  call: ReceivedCall,
  now: number,
  onFailure: OnFailure,
): Promise<Admission> {
  const { clockSkew, authorizationData, tickets, callers } = config;
  const peerAddress = hostOf(call.peer);
  const policy = {
    service: await currentKeys(config.keys, onFailure),
    permittedEtypes: isLoopback(peerAddress) ? config.permittedEtypes : config.strongEtypes,
    clockSkew,
    peerAddress,
    authorizationData,
    openTicket: tickets.open,
  };
  const verified = verifyCallReq(proof, call, policy, now);
  const caller = makeCaller(verified, proof.protection);
  checkFloor(config, caller);
  checkCertificate(config, caller, call.certificate);
  if (!callers.isEmpty) await callers.check(caller, call.method);
  return { verified, caller };
}

/** The last check: this authenticator was never seen before. */
export function rememberCall(
  config: GuardConfig,
  { verified }: Admission,
  now: number,
  onFailure: OnFailure,
): Waiting {
  const { tag, ctime, expiry } = verified.replay;
  // An async function, so that a store that throws at once fails like any other.
  const store = async () => config.replayCache.store(tag, ctime, expiry, now);
  return inTime(store(), config.replayTimeoutMs, onFailure);
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

/** The address without the port of `127.0.0.1:1234` or `::1:1234`. */
function hostOf(peer: string): string {
  const host = peer.slice(0, peer.lastIndexOf(":"));
  return host.startsWith("::ffff:") && host.includes(".") ? host.slice("::ffff:".length) : host;
}
