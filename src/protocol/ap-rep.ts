/**
 * The AP exchange's reply (RFC 4120 §3.2.4, §3.2.5), both halves: only the ticket's service can have made it,
 * and only for this AP-REQ.
 */

import type { RandomSource } from "../crypto/encryption-type.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import { systemRandom } from "../crypto/random.js";
import type { Extension } from "../gen/kerberos/v1/extension_pb.js";
import type { EncApRepPart } from "../gen/kerberos/v1/sealed_pb.js";
import { makeSubkey, type PendingApReq, randomSeqNumber, type VerifiedApReq } from "./ap-exchange.js";
import type { Carried } from "./authenticator.js";
import { fromEncryptionKey, toEncryptionKey } from "./encryption-key.js";
import { checkExtensions } from "./extensions.js";
import { fromTimestamp } from "./kerberos-time.js";
import { KeyUsage } from "./key-usage.js";
import type { Key } from "./keys.js";
import { KrbError } from "./krb-error.js";
import { sealToBytes, unsealFromBytes } from "./sealed-part.js";

const NOTHING: Carried = {};

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
  return { bytes: answerApReq(verified, fresh, random), ...fresh };
}

/** Message (6) where nothing follows under a subkey: the proof and no more. */
export function makeApProof(verified: VerifiedApReq, random: RandomSource = systemRandom): Uint8Array {
  return answerApReq(verified, NOTHING, random);
}

/** Message (6), with whatever it carries: a serialized EncryptedData that seals EncApRepPart. */
export function answerApReq(
  { ticket, authenticator }: Pick<VerifiedApReq, "ticket" | "authenticator">,
  { subkey, seqNumber = 0, extensions = [] }: Carried,
  random: RandomSource = systemRandom,
): Uint8Array {
  const part: EncApRepPart = {
    $typeName: "kerberos.v1.EncApRepPart",
    nonce: authenticator.nonce,
    seqNumber,
    extensions: [...extensions],
  };
  if (authenticator.ctime !== undefined) part.ctime = authenticator.ctime;
  if (subkey !== undefined) part.subkey = toEncryptionKey(subkey);
  return sealToBytes({ key: ticket.sessionKey, usage: KeyUsage.AP_REP }, "encApRepPart", part, random);
}

/** What message (6) carries. */
export interface OpenedApRep {
  /** The caller's. */
  readonly subkey: Key | undefined;
  readonly seqNumber: number;
  /** All of them; those the client does not understand may be passed over. */
  readonly extensions: readonly Extension[];
}

/**
 * Opens message (6): only the ticket's service can have made it, and only for this AP-REQ.
 * @param understood the types of extension that the client knows; none by default.
 * @throws KrbError KRB_AP_ERR_MUT_FAIL where it is not proven, whatever the cause; of its extensions as
 *   `checkExtensions`.
 */
export function openApRep(
  bytes: Uint8Array,
  { sessionKey, ctime, nonce }: PendingApReq,
  understood: readonly number[] = [],
): OpenedApRep {
  const part = orMutualFailure(() => {
    const sealing = { key: sessionKey, usage: KeyUsage.AP_REP };
    const opened = unsealFromBytes(sealing, "encApRepPart", bytes, "ap_rep", mutualFailure);
    const answers = opened.ctime !== undefined && fromTimestamp(opened.ctime, "ap_rep.ctime") === ctime;
    if (!answers || !equalBytes(opened.nonce, nonce)) throw mutualFailure();
    return opened;
  });
  const { subkey, seqNumber, extensions } = part;
  checkExtensions(extensions, "ap_rep.extensions", understood);
  const key =
    subkey && orMutualFailure(() => fromEncryptionKey(subkey, [sessionKey.etype.etype], "ap_rep.subkey"));
  return { subkey: key, seqNumber, extensions };
}

/** Opens message (6) as `openApRep` does, and throws as it does, where a subkey must come with it. */
export function verifyApRep(bytes: Uint8Array, pending: PendingApReq): { subkey: Key; seqNumber: number } {
  const { subkey, seqNumber } = openApRep(bytes, pending);
  if (subkey === undefined) throw mutualFailure();
  return { subkey, seqNumber };
}

/** Opens message (6) as `openApRep` does, and throws as it does, where nothing may come with it. */
export function verifyApProof(bytes: Uint8Array, pending: PendingApReq): void {
  const { subkey, seqNumber } = openApRep(bytes, pending);
  if (subkey === undefined && seqNumber === 0) return;
  subkey?.wipe();
  throw mutualFailure();
}

/** The refusal of a service that did not prove itself. */
export function mutualFailure(): KrbError {
  return new KrbError("KRB_AP_ERR_MUT_FAIL", "the service could not prove itself; do not trust its answer");
}

function orMutualFailure<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof KrbError ? mutualFailure() : error;
  }
}
