/**
 * The AP exchange's reply (RFC 4120 §3.2.4, §3.2.5), both halves: only the ticket's service can have made it,
 * and only for this AP-REQ.
 */

import type { RandomSource } from "../crypto/encryption-type.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import { systemRandom } from "../crypto/random.js";
import type { EncApRepPart } from "../gen/kerberos/v1/sealed_pb.js";
import { makeSubkey, type PendingApReq, randomSeqNumber, type VerifiedApReq } from "./ap-exchange.js";
import { fromEncryptionKey, toEncryptionKey } from "./encryption-key.js";
import { fromTimestamp } from "./kerberos-time.js";
import { KeyUsage } from "./key-usage.js";
import type { Key } from "./keys.js";
import { KrbError } from "./krb-error.js";
import { sealToBytes, unsealFromBytes } from "./sealed-part.js";

/** The service's half of a subkey agreement, and message (6) that carries it. */
export interface ApRep {
  /** A serialized EncryptedData that seals EncApRepPart. */
  readonly bytes: Uint8Array;
  readonly subkey: Key;
  readonly seqNumber: number;
}

/**
 * Message (6): proves that the service could open the ticket, and carries a fresh subkey for what the service
 * sends.
 */
export function makeApRep(verified: VerifiedApReq, random: RandomSource = systemRandom): ApRep {
  const fresh = {
    subkey: makeSubkey(verified.ticket.sessionKey, random),
    seqNumber: randomSeqNumber(random),
  };
  return { bytes: sealApRep(verified, fresh, random), ...fresh };
}

/** Message (6) where nothing follows under a subkey: the proof and no more. */
export function makeApProof(verified: VerifiedApReq, random: RandomSource = systemRandom): Uint8Array {
  return sealApRep(verified, undefined, random);
}

/**
 * Checks message (6): only the ticket's service can have made it, and only for this AP-REQ.
 * @throws KrbError KRB_AP_ERR_MUT_FAIL, whatever the cause.
 */
export function verifyApRep(bytes: Uint8Array, pending: PendingApReq): { subkey: Key; seqNumber: number } {
  return openApRep(bytes, pending, ({ subkey, seqNumber }) => ({
    subkey: fromEncryptionKey(subkey, [pending.sessionKey.etype.etype], "ap_rep.subkey"),
    seqNumber,
  }));
}

/** Checks message (6) as `verifyApRep` does, and throws as it does, where nothing follows under a subkey. */
export function verifyApProof(bytes: Uint8Array, pending: PendingApReq): void {
  openApRep(bytes, pending, ({ subkey, seqNumber }) => {
    if (subkey !== undefined || seqNumber !== 0) throw mutualFailure();
  });
}

/** The refusal of a service that did not prove itself. */
export function mutualFailure(): KrbError {
  return new KrbError("KRB_AP_ERR_MUT_FAIL", "the service could not prove itself; do not trust its answer");
}

function sealApRep(
  { ticket, authenticator }: VerifiedApReq,
  fresh: { readonly subkey: Key; readonly seqNumber: number } | undefined,
  random: RandomSource,
): Uint8Array {
  const part: EncApRepPart = {
    $typeName: "kerberos.v1.EncApRepPart",
    nonce: authenticator.nonce,
    seqNumber: 0,
  };
  if (authenticator.ctime !== undefined) part.ctime = authenticator.ctime;
  if (fresh !== undefined) {
    part.subkey = toEncryptionKey(fresh.subkey);
    part.seqNumber = fresh.seqNumber;
  }
  return sealToBytes({ key: ticket.sessionKey, usage: KeyUsage.AP_REP }, "encApRepPart", part, random);
}

/** Every cause of failure ends in one refusal. */
function openApRep<T>(
  bytes: Uint8Array,
  { sessionKey, ctime, nonce }: PendingApReq,
  read: (part: EncApRepPart) => T,
): T {
  try {
    const sealing = { key: sessionKey, usage: KeyUsage.AP_REP };
    const part = unsealFromBytes(sealing, "encApRepPart", bytes, "ap_rep", mutualFailure);
    const answers = part.ctime !== undefined && fromTimestamp(part.ctime, "ap_rep.ctime") === ctime;
    if (!answers || !equalBytes(part.nonce, nonce)) throw mutualFailure();
    return read(part);
  } catch (error) {
    if (error instanceof KrbError) throw mutualFailure();
    throw error;
  }
}
